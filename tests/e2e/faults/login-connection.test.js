// A login that gets no response.
import { atLeast, failsWithPossibleLogin, FAST_CLOCK, faultTable, gap, logs, timesOut } from '../../env/fault-table.js';
import { ANY, ERRORS, exactly, LOG, PROGRESS, TITLES, WARNINGS } from '../../env/messages.js';
import { dropResponse, headersOnly, noResponse, reset, resetUnread, slowBody } from '../../sandbox/faults.js';

// What post can have to do, where it is not one logout; after a clean failure it is nothing.
const NO_REGISTRY = {
  requests: { poll: 0, logout: 0 },
  warning: TITLES.loginNotCleanedUp,
  message: exactly(WARNINGS.loginNotCleanedUp('SERVER')),
};

faultTable('a login that gets no response', [
  {
    name: 'a login whose connection is reset unread is sent again',
    main: { connections: [resetUnread] },
    requests: { connections: atLeast(3), login: 1 },
    retries: 1,
  },
  {
    name: 'a login whose connection is reset unread every time is given up after 6 attempts',
    mode: 'passthrough',
    main: { connections: resetUnread },
    ends: failsWithPossibleLogin(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { connections: 6, login: 0, poll: 0 },
    retries: 5,
    after: { requests: { logout: 1 } },
  },
  {
    name: 'a login that is reset after it was read is sent again',
    mode: 'passthrough',
    main: { login: [reset] },
    requests: { login: 2 },
    retries: 1,
  },
  {
    name: 'a login that is reset every time is given up after 6 attempts, and logged out to be safe',
    mode: 'passthrough',
    main: { login: reset },
    ends: failsWithPossibleLogin(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'a login that was accepted twice before its response arrived is logged out once for all',
    main: { login: [dropResponse, dropResponse] },
    requests: { login: 3 },
    retries: 2,
    operations: 3,
  },
  {
    name: 'a login that was accepted but never answered is logged out, where its registry is known',
    mode: 'passthrough',
    main: { login: dropResponse },
    ends: failsWithPossibleLogin(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { login: 6, poll: 0 },
    retries: 5,
    operations: 6,
  },
  {
    name: 'a login that was accepted but never answered is one warning, where only the vault knows its registry',
    main: { login: dropResponse },
    ends: failsWithPossibleLogin(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { login: 6, poll: 0 },
    retries: 5,
    operations: 6,
    after: NO_REGISTRY,
    left: 1,
  },
  {
    name: 'a login that is answered by silence ends with `timeout`',
    mode: 'passthrough',
    inputs: { timeout: '10' },
    main: { login: noResponse },
    ends: timesOut({ seconds: 10, progress: PROGRESS.withLastError(PROGRESS.notStarted, ERRORS.requestTimeout('login', 10)) }),
    requests: { login: 1, poll: 0 },
    takes: [1_000, 4_000],
  },
  {
    name: 'a login that is answered by silence is asked for again after 30 s',
    conditions: FAST_CLOCK,
    main: { login: [noResponse] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 2_000, 8_000), logs(LOG.retrying('login', { error: ERRORS.requestTimeout('login', 30) }))],
  },
  {
    name: 'a login of which only the head of the response arrives ends with `timeout`, and is logged out',
    mode: 'passthrough',
    inputs: { timeout: '10' },
    main: { login: headersOnly },
    ends: timesOut({ progress: PROGRESS.notStarted + ANY }),
    requests: { login: 1, poll: 0 },
    takes: [1_000, 4_000],
  },
  {
    name: 'a login whose response arrives at one byte a second ends with `timeout`, and is logged out',
    mode: 'passthrough',
    inputs: { timeout: '25' },
    main: { login: slowBody },
    ends: timesOut({ progress: PROGRESS.notStarted + ANY }),
    requests: { login: 1, poll: 0 },
    takes: [2_500, 4_500],
  },
]);
