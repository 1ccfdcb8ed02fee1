// Loaded before a step (`node --require`): makes what a step finds in its process
// the test's choice. Chance, clock and resolver are JavaScript's in Node, so the
// action itself is the one that runners run.
const dns = require('node:dns');

const { TEST_RANDOM, TEST_SPEED, TEST_CLOCK_LEAP_MS, TEST_DNS_FAILURES } = process.env;

// All random waits become the same share of their limit: 0 takes them away.
if (TEST_RANDOM) Math.random = () => Number(TEST_RANDOM);

// A clock that runs so many times as fast, and timers that go by it: a limit of
// 30 s can be waited for. The time of day, which main and post share, stays.
if (TEST_SPEED) {
  const speed = Number(TEST_SPEED);
  const now = performance.now.bind(performance);
  performance.now = () => now() * speed;
  const set = globalThis.setTimeout;
  // Whole milliseconds, and one more: a timer that fires a little early is early by
  // so many times as much here.
  globalThis.setTimeout = (callback, ms, ...rest) => set(callback, Math.ceil(ms / speed) + 1, ...rest);
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
