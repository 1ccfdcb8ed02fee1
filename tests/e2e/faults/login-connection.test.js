// Logins without a response: resets, lost and slow responses.
import { atLeast, failsWithPossibleLogin, FAST_CLOCK, faultTable, gap, logs, timesOut } from '../../env/fault-table.js';
import { ANY, ERRORS, exactly, like, LOG, PROGRESS, TITLES, WARNINGS } from '../../env/messages.js';
import { dropResponse, headersOnly, noResponse, reset, resetUnread, slowBody } from '../../sandbox/faults.js';

// What post does for a login whose registry is unknown.
const NO_REGISTRY = {
  requests: { poll: 0, logout: 0 },
  warning: TITLES.loginNotCleanedUp,
  message: exactly(WARNINGS.loginNotCleanedUp('SERVER')),
};

faultTable('a login without response', [
  {
    name: 'retries a login after an unread reset',
    main: { connections: [resetUnread] },
    requests: { connections: atLeast(3), login: 1 },
    retries: 1,
  },
  {
    name: 'fails after 6 unread resets',
    mode: 'passthrough',
    main: { connections: resetUnread },
    ends: failsWithPossibleLogin(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { connections: 6, login: 0, poll: 0 },
    retries: 5,
    after: { requests: { logout: 1 } },
  },
  {
    name: 'retries a login after a reset',
    mode: 'passthrough',
    main: { login: [reset] },
    requests: { login: 2 },
    retries: 1,
  },
  {
    name: 'fails after 6 resets and logs out',
    mode: 'passthrough',
    main: { login: reset },
    ends: failsWithPossibleLogin(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'logs out once after duplicate logins',
    main: { login: [dropResponse, dropResponse] },
    requests: { login: 3 },
    retries: 2,
    operations: 3,
  },
  {
    name: 'passthrough: logs out logins without response',
    mode: 'passthrough',
    main: { login: dropResponse },
    ends: failsWithPossibleLogin(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { login: 6, poll: 0 },
    retries: 5,
    operations: 6,
  },
  {
    name: 'vault: warns of logins without response',
    main: { login: dropResponse },
    ends: failsWithPossibleLogin(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { login: 6, poll: 0 },
    retries: 5,
    operations: 6,
    after: NO_REGISTRY,
    left: 1,
  },
  {
    name: 'a login without response ends at `timeout`',
    mode: 'passthrough',
    inputs: { timeout: '10' },
    main: { login: noResponse },
    // The request gets what is left of the 10 s.
    ends: timesOut({ seconds: 10, progress: PROGRESS.withLastError(PROGRESS.notStarted, ERRORS.requestTimeout('login', like(/10|[5-9]/))) }),
    requests: { login: 1, poll: 0 },
    takes: [1_000, 4_000],
  },
  {
    name: 'retries a login without response after 30 s',
    conditions: FAST_CLOCK,
    main: { login: [noResponse] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 2_000, 8_000), logs(LOG.retrying('login', { error: ERRORS.requestTimeout('login', 30) }))],
  },
  {
    name: 'a response without body ends at `timeout`',
    mode: 'passthrough',
    inputs: { timeout: '10' },
    main: { login: headersOnly },
    ends: timesOut({ progress: PROGRESS.notStarted + ANY }),
    requests: { login: 1, poll: 0 },
    takes: [1_000, 4_000],
  },
  {
    name: 'a slow response ends at `timeout`',
    mode: 'passthrough',
    inputs: { timeout: '25' },
    main: { login: slowBody },
    ends: timesOut({ progress: PROGRESS.notStarted + ANY }),
    requests: { login: 1, poll: 0 },
    takes: [2_500, 4_500],
  },
]);
