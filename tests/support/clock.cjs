// A fake clock: the timers, process.hrtime and performance.now of this process follow it. The time of day does not.
const { setTimeout, clearTimeout } = globalThis;

const NEVER_MS = 2 ** 31 - 1;

/**
 * @param {object} clock
 * @param {() => number} clock.now its time in ms
 * @param {(ms: number) => number} clock.toReal how long so many of its ms take
 * @param {(ms: number) => void} [clock.reach] called with the due time of a timer, before its callback runs
 * @returns {() => void} to call when the clock has jumped
 */
exports.installClock = ({ now, toReal, reach = () => {} }) => {
  // What setTimeout returned → when the timer is due, and its callback.
  const timers = new Map();
  // The same → the real timer of one that follows real time.
  const inRealTime = new WeakMap();
  // The one real timer, for the timer that is due next.
  let alarm;
  const arm = () => {
    clearTimeout(alarm);
    const [next] = [...timers].sort(([, a], [, b]) => a.due - b.due);
    if (!next) return;
    const [handle, { due, run }] = next;
    const ms = due - now();
    // Whole milliseconds and one more: a timer that fires early would be early by more on this clock.
    alarm = setTimeout(
      () => {
        reach(due);
        globalThis.clearTimeout(handle);
        run();
      },
      ms > 0 ? Math.ceil(toReal(ms)) + 1 : 0,
    );
  };

  globalThis.setTimeout = (callback, ms = 0, ...args) => {
    const run = () => callback(...args);
    const handle = setTimeout(run, NEVER_MS);
    timers.set(handle, { due: now() + ms, run });
    arm();
    // Timers that keep no process alive, such as those of idle connections, follow real time.
    const unref = handle.unref.bind(handle);
    handle.unref = () => {
      if (timers.delete(handle)) {
        arm();
        inRealTime.set(handle, setTimeout(run, ms).unref());
      }
      return unref();
    };
    return handle;
  };
  globalThis.clearTimeout = (handle) => {
    clearTimeout(handle);
    clearTimeout(inRealTime.get(handle));
    if (timers.delete(handle)) arm();
  };

  process.hrtime = Object.assign(() => [Math.floor(now() / 1e3), Math.floor((now() % 1e3) * 1e6)], process.hrtime);
  performance.now = now;

  return arm;
};
