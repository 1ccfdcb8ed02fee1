// Responses with a Retry-After.
import { atLeast, FAST_CLOCK_HALF_WAITS, faultTable, gap, logs, NO_WAITS, RANDOM_WAITS, timesOut } from '../../env/fault-table.js';
import { LOG } from '../../env/messages.js';
import { status } from '../../sandbox/faults.js';

const HOUR_MS = 3_600_000;
const httpDate = (ms) => new Date(ms).toUTCString();

faultTable('a Retry-After', [
  {
    name: 'a Retry-After in seconds is waited for',
    conditions: NO_WAITS,
    main: { login: [status(429, { 'retry-after': '1' })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 990, 4_000), logs(LOG.retrying('login', { seconds: '1.0' }))],
  },
  {
    name: 'a Retry-After of 503 is waited for, too',
    conditions: RANDOM_WAITS,
    mode: 'passthrough',
    main: { login: [status(503, { 'retry-after': '1' })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 990, 4_000)],
  },
  {
    name: 'a Retry-After date is measured by the clock of the one who set it',
    conditions: NO_WAITS,
    main: { login: [status(429, { date: httpDate(0), 'retry-after': httpDate(1_000) })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 990, 4_000)],
  },
  {
    name: "a Retry-After date without a Date is measured by the runner's clock",
    conditions: NO_WAITS,
    main: {
      // HTTP dates have whole seconds: this one is 1 to 2 s ahead.
      login: [(exchange) => status(429, { date: undefined, 'retry-after': httpDate(Date.now() + 2_000) })(exchange)],
    },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 990, 5_000)],
  },
  {
    name: 'a Retry-After date that has passed is no wait',
    conditions: NO_WAITS,
    main: { login: [status(429, { date: httpDate(HOUR_MS), 'retry-after': httpDate(0) })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 0, 900)],
  },
  {
    name: 'a Retry-After beyond `timeout` is not waited for',
    conditions: NO_WAITS,
    inputs: { timeout: '60' },
    main: { login: [status(429, { 'retry-after': '3600' })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 0, 900)],
  },
  ...['soon', '-1', '', '9'.repeat(30)].map((value) => ({
    name: `a Retry-After of "${value}" is as good as none`,
    conditions: NO_WAITS,
    main: { login: [status(429, { 'retry-after': value })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 0, 900)],
  })),
  {
    name: 'a Retry-After of a poll is waited for',
    conditions: NO_WAITS,
    mode: 'passthrough',
    main: { poll: [status(429, { 'retry-after': '1' })] },
    requests: { poll: atLeast(2) },
    retries: 1,
    also: [gap('poll', 990, 4_000)],
  },
  {
    name: 'a server that asks for no wait gets no more polls for it',
    conditions: FAST_CLOCK_HALF_WAITS,
    inputs: { timeout: '40' },
    main: { poll: status(503, { 'retry-after': '0' }) },
    ends: timesOut(),
    requests: { login: 1, poll: [3, 16] },
    retries: [3, 16],
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
  {
    name: 'a Retry-After of a logout is waited for',
    conditions: NO_WAITS,
    post: { logout: [status(429, { 'retry-after': '1' })] },
    after: { requests: { logout: 2 }, retries: 1, takes: [1_000, 3_000] },
  },
  {
    name: 'a Retry-After beyond the 45 s of a logout is not waited for',
    conditions: NO_WAITS,
    post: { logout: [status(503, { 'retry-after': '120' })] },
    after: { requests: { logout: 2 }, retries: 1, takes: [0, 3_000] },
  },
]);
