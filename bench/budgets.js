// What the action may cost. `make bench` measures all of it; the sizes, which do not
// depend on the machine, are checked by `make test`, too.
export const BUDGETS = {
  // Medians, as a share of the bare script on the same Node; by Node's major version.
  // A Node that is not named is reported only.
  ratios: {
    // undici and its wasm cost a script on the global fetch less on Node 22.
    login: { 20: 0.5, 22: 1.05, 24: 0.7 },
    logout: { 20: 0.5, 22: 1.05, 24: 0.7 },
    refusal: { 20: 1.5 },
    memory: { 20: 1.15 },
  },

  // How late the end of an operation that takes so many milliseconds may be noticed.
  lateMs: Object.fromEntries([200, 500, 1_000, 3_000].map((ms) => [ms, Math.max(150, 0.3 * ms)])),

  // 24 logins that take 0.3 s each, three on each of eight servers, from before the step starts until it has ended.
  fleetMs: 2_000,

  // Login and polls of an operation that takes ten minutes.
  requests: 240,

  // Bytes; 1 KB is 1,000 of them.
  sizes: {
    // 110,000 of them for one login; the rest is for what is known of registries, and for several logins at once.
    'dist/*.wasm': 155_000,
    'JavaScript loaded by main, no proxy, no CA': 130_000,
    'dist/': 400_000,
    'git archive HEAD, gzipped': 220_000,
  },
};
