// Loaded before a step (`node --require`): sets random numbers, clock and DNS of its process. The action itself is the one
// that runners run.
const dns = require('node:dns');
const { installClock } = require('../support/clock.cjs');

const { TEST_RANDOM, TEST_SPEED, TEST_JUMP_S, TEST_TIME_OF_DAY_JUMP_MS, TEST_DNS_FAILURES, TEST_DUAL_STACK } = process.env;

// Random waits are this share of their limit; 0 means no wait.
if (TEST_RANDOM) Math.random = () => Number(TEST_RANDOM);

// A clock that runs TEST_SPEED times as fast, and jumps TEST_JUMP_S seconds ahead at each SIGUSR2.
if (TEST_SPEED || TEST_JUMP_S) {
  const { hrtime } = process;
  const speed = Number(TEST_SPEED ?? 1);
  let ahead = 0;
  const jumped = installClock({
    now: () => (Number(hrtime.bigint()) / 1e6) * speed + ahead,
    toReal: (ms) => ms / speed,
  });
  if (TEST_JUMP_S) {
    process.on('SIGUSR2', () => {
      ahead += Number(TEST_JUMP_S) * 1e3;
      jumped();
    });
  }
}

// The time of day jumps at each call, as after a suspend or a correction by NTP.
if (TEST_TIME_OF_DAY_JUMP_MS) {
  const now = Date.now;
  const jump = Number(TEST_TIME_OF_DAY_JUMP_MS);
  let calls = 0;
  Date.now = () => now() + jump * calls++;
}

// DNS fails so many times, then resolves every name to this machine.
if (TEST_DNS_FAILURES) {
  let left = Number(TEST_DNS_FAILURES);
  dns.lookup = (hostname, options, callback) => {
    const failure = Object.assign(new Error(`getaddrinfo EAI_AGAIN ${hostname}`), {
      code: 'EAI_AGAIN',
      syscall: 'getaddrinfo',
      hostname,
    });
    const addresses = options.all ? [[{ address: '127.0.0.1', family: 4 }]] : ['127.0.0.1', 4];
    process.nextTick(callback, ...(left-- > 0 ? [failure] : [null, ...addresses]));
  };
}

// DNS resolves every name to this machine, with IPv6 and IPv4.
if (TEST_DUAL_STACK) {
  dns.lookup = (_, options, callback) => {
    const both = [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }];
    process.nextTick(callback, null, ...(options.all ? [both] : ['127.0.0.1', 4]));
  };
}
