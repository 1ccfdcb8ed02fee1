// Loaded before a step (`node --require`): makes what a step finds in its process
// the test's choice. Chance, clock and resolver are JavaScript's in Node, so the
// action itself is the one that runners run.
const dns = require('node:dns');

const { TEST_RANDOM, TEST_SPEED, TEST_LEAP_S, TEST_CLOCK_LEAP_MS, TEST_DNS_FAILURES, TEST_DUAL_STACK } = process.env;

// All random waits become the same share of their limit: 0 takes them away.
if (TEST_RANDOM) Math.random = () => Number(TEST_RANDOM);

// A clock that runs so many times as fast, and timers that go by it: a limit of
// 30 s can be waited for. The time of day, which main and post share, stays.
if (TEST_SPEED) {
  const speed = Number(TEST_SPEED);
  const { hrtime } = process;
  process.hrtime = Object.assign(() => [0, Number(hrtime.bigint()) * speed], hrtime);
  const set = globalThis.setTimeout;
  // Whole milliseconds, and one more: a timer that fires a little early is early by
  // so many times as much here.
  globalThis.setTimeout = (callback, ms, ...rest) => set(callback, Math.ceil(ms / speed) + 1, ...rest);
}

// A clock that leaps so many seconds at each SIGUSR2, and timers that go by it: what would take long is over at the
// moment that a test picks, however busy the machine is.
if (TEST_LEAP_S) {
  const { hrtime } = process;
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const SECOND = 1_000_000_000n;
  let ahead = 0n;
  const now = () => hrtime.bigint() + ahead;
  process.hrtime = Object.assign(() => [Number(now() / SECOND), Number(now() % SECOND)], hrtime);

  // What a step was given for a timer → when it is due, what it does, what it is by now.
  const timers = new Map();
  const arm = (timer) => {
    const ms = Number(timer.due - now()) / 1e6;
    timer.current = set(timer.fire, Math.max(ms, 0));
  };
  globalThis.setTimeout = (callback, ms = 0, ...rest) => {
    const timer = { due: now() + BigInt(Math.ceil(ms * 1e6)) };
    timer.fire = () => timers.delete(timer.handle) && callback(...rest);
    arm(timer);
    timer.handle = timer.current;
    timers.set(timer.handle, timer);
    return timer.handle;
  };
  globalThis.clearTimeout = (handle) => {
    clear(timers.get(handle)?.current ?? handle);
    timers.delete(handle);
  };
  process.on('SIGUSR2', () => {
    ahead += BigInt(TEST_LEAP_S) * SECOND;
    for (const timer of timers.values()) {
      clear(timer.current);
      arm(timer);
    }
  });
}

// The time of day jumps, as after a suspend or when NTP corrects it: at each look.
if (TEST_CLOCK_LEAP_MS) {
  const now = Date.now;
  const leap = Number(TEST_CLOCK_LEAP_MS);
  let calls = 0;
  Date.now = () => now() + leap * calls++;
}

// A resolver that fails so many times, and then knows every name as this machine.
if (TEST_DNS_FAILURES) {
  let left = Number(TEST_DNS_FAILURES);
  dns.lookup = (hostname, options, callback) => {
    const failure = Object.assign(new Error(`getaddrinfo EAI_AGAIN ${hostname}`), {
      code: 'EAI_AGAIN',
      syscall: 'getaddrinfo',
      hostname,
    });
    const answer = options.all ? [[{ address: '127.0.0.1', family: 4 }]] : ['127.0.0.1', 4];
    process.nextTick(callback, ...(left-- > 0 ? [failure] : [null, ...answer]));
  };
}

// A resolver to which every name is this machine by both kinds of address.
if (TEST_DUAL_STACK) {
  dns.lookup = (_, options, callback) => {
    const both = [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }];
    process.nextTick(callback, null, ...(options.all ? [both] : ['127.0.0.1', 4]));
  };
}
