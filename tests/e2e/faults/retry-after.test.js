// Waits for Retry-After headers.
import { atLeast, FAST_CLOCK_HALF_WAITS, failsWithoutLogin, faultTable, gap, logs, NO_WAITS, RANDOM_WAITS, timesOut } from '../../env/fault-table.js';
import { ERRORS, LOG, TITLES } from '../../env/messages.js';
import { status } from '../../sandbox/faults.js';

const HOUR_MS = 3_600_000;
const httpDate = (ms) => new Date(ms).toUTCString();

faultTable('Retry-After', [
  {
    name: 'waits for Retry-After in seconds',
    conditions: NO_WAITS,
    main: { login: [status(429, { 'retry-after': '1' })] },
    requests: { login: 2 },
    also: [gap('login', 990, 4_000), logs(LOG.slowingDown('login', { seconds: '1.0' }))],
  },
  {
    name: 'waits for Retry-After of HTTP 503',
    conditions: RANDOM_WAITS,
    mode: 'passthrough',
    main: { login: [status(503, { 'retry-after': '1' })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 990, 4_000)],
  },
  {
    name: 'compares a Retry-After date with the Date header',
    conditions: NO_WAITS,
    main: { login: [status(429, { date: httpDate(0), 'retry-after': httpDate(1_000) })] },
    requests: { login: 2 },
    also: [gap('login', 990, 4_000)],
  },
  {
    name: "compares a Retry-After date with the runner's clock",
    conditions: NO_WAITS,
    main: {
      // HTTP dates are in whole seconds: this one is 1 to 2 s in the future.
      login: [(exchange) => status(429, { date: undefined, 'retry-after': httpDate(Date.now() + 2_000) })(exchange)],
    },
    requests: { login: 2 },
    also: [gap('login', 990, 5_000)],
  },
  {
    name: 'does not wait for a past Retry-After date',
    conditions: NO_WAITS,
    main: { login: [status(429, { date: httpDate(HOUR_MS), 'retry-after': httpDate(0) })] },
    requests: { login: 2 },
    also: [gap('login', 0, 900)],
  },
  {
    name: 'fails after six attempts if Retry-After is always beyond `timeout`',
    conditions: NO_WAITS,
    inputs: { timeout: '60' },
    main: { login: status(429, { 'retry-after': '3600' }) },
    ends: failsWithoutLogin(TITLES.rateLimit, ERRORS.httpStatus('login', 429)),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  ...['3600', '9'.repeat(30)].map((value) => ({
    name: `ignores a Retry-After beyond \`timeout\`: ${value}`,
    conditions: NO_WAITS,
    inputs: { timeout: '60' },
    main: { login: [status(429, { 'retry-after': value })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 0, 900)],
  })),
  ...['soon', '-1', ''].map((value) => ({
    name: `ignores a Retry-After of "${value}"`,
    conditions: NO_WAITS,
    main: { login: [status(429, { 'retry-after': value })] },
    requests: { login: 2 },
    also: [gap('login', 0, 900)],
  })),
  {
    name: 'waits for Retry-After of a status request',
    conditions: NO_WAITS,
    mode: 'passthrough',
    main: { poll: [status(429, { 'retry-after': '1' })] },
    requests: { poll: atLeast(2) },
    also: [gap('poll', 990, 4_000)],
  },
  {
    name: 'waits between status requests despite Retry-After 0',
    conditions: FAST_CLOCK_HALF_WAITS,
    inputs: { timeout: '40' },
    main: { poll: status(503, { 'retry-after': '0' }) },
    ends: timesOut(),
    requests: { login: 1, poll: [2, 16] },
    retries: [2, 16],
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
  {
    name: 'waits for Retry-After of a logout',
    conditions: NO_WAITS,
    post: { logout: [status(429, { 'retry-after': '1' })] },
    after: { requests: { logout: 2 }, takes: [1_000, 3_000] },
  },
  {
    name: "ignores a Retry-After beyond post's 45 s",
    conditions: NO_WAITS,
    post: { logout: [status(503, { 'retry-after': '120' })] },
    after: { requests: { logout: 2 }, retries: 1, takes: [0, 3_000] },
  },
]);
