// Budgets of the action. `make bench` measures all of them; `make test` checks the sizes, which do not depend on the machine.
export const BUDGETS = {
  // Medians as a ratio to the bare script on the same Node, by major version. Other versions have no budget.
  ratios: {
    // On Node 22 the global fetch of the bare script is faster.
    login: { 20: 0.5, 22: 0.95, 24: 0.8 },
    logout: { 20: 0.5, 22: 0.95, 24: 0.8 },
    refusal: { 20: 1.6 },
    memory: { 20: 1.15 },
  },

  // Duration of an operation in ms → the maximum delay until its end is noticed.
  lateMs: Object.fromEntries([200, 500, 1_000, 3_000].map((ms) => [ms, Math.max(150, 0.3 * ms)])),

  // 24 logins of 0.3 s each, three on each of eight servers, from the start to the end of the step.
  fleetMs: 2_000,

  // 100 servers with one credential each: duration of a login in ms → from the start to the end of the step, and status
  // requests.
  hundred: { 300: { ms: 2_000, polls: 300 }, 3_000: { ms: 6_000, polls: 900 } },
  peakPerS: 210,
  // The others do not wait for servers that hang. Times vary by as much.
  hangingDelayMs: 500,
  // An API that takes 120 requests a minute: time in percent of what the limit makes necessary, and HTTP 429s.
  limitedPercent: 125,
  rejected: 20,

  // The page that writes workflows, on loopback: from navigation to the first workflow that the core wrote, and from a
  // keystroke to the workflow for it.
  page: { firstWorkflowMs: 300, keystrokeMs: 8 },

  // Login and status requests for an operation of ten minutes.
  requests: 240,

  // Bytes; 1 KB is 1,000 of them.
  sizes: {
    // What a user downloads is the archive, so the wasm has no budget of its own.
    'JavaScript loaded by main, no proxy, no CA': 130_000,
    'dist/': 440_000,
    'git archive HEAD, gzipped': 180_000,
  },
};
