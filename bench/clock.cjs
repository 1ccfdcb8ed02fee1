// Loaded before what is measured (`node --require`): a clock that stands still while the process works and jumps to the
// next timer while it waits, so that ten minutes pass in seconds. Requests take no time, so their number is the highest possible.
const { installClock } = require('../tests/support/clock.cjs');

const startedAt = Date.now();
let now = 0;
installClock({
  now: () => now,
  // Pauses are short; longer timers are request timeouts and must not fire before the response.
  toReal: (ms) => (ms < 10_000 ? ms / 500 : ms / 10),
  reach: (due) => (now = Math.max(now, due)),
});
// A peer may measure by the time of day.
Date.now = () => startedAt + now;
