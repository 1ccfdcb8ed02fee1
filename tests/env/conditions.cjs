// Loaded before a step (`node --require`): sets random numbers, clock and DNS of its process. The action itself is the one
// that runners run.
const dns = require('node:dns');
const { installClock } = require('../support/clock.cjs');

const { TEST_RANDOM, TEST_SPEED, TEST_JUMP_S, TEST_TIME_OF_DAY_JUMP_MS, TEST_DNS_FAILURES } = process.env;

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

// DNS and the resolver of the system fail so many times, then DNS resolves every name to this machine.
if (TEST_DNS_FAILURES) {
  let left = Number(TEST_DNS_FAILURES);
  const answer = async (address) => {
    if (address && left-- <= 0) return [address];
    throw Object.assign(new Error('no answer'), { code: 'ETIMEOUT' });
  };
  dns.promises.Resolver = class {
    resolve4 = () => answer('127.0.0.1');
    resolve6 = () => answer();
  };
  require('node:child_process').execFile = (file, args, options, callback) => {
    process.nextTick(callback, null, '{"code":"EAI_AGAIN"}');
    return { kill() {} };
  };
}
