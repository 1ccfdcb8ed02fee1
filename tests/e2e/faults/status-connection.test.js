// Status requests without a response or with an HTTP error.
import { atLeast, failsWithPossibleLogin, FAST_CLOCK, FAST_CLOCK_HALF_WAITS, faultTable, gap, timesOut } from '../../env/fault-table.js';
import { ERRORS, FIX, like, TITLES } from '../../env/messages.js';
import { dropResponse, headersOnly, noResponse, pass, redirect, reset, resetUnread, slowBody, status } from '../../sandbox/faults.js';

const times = (count, fault) => Array(count).fill(fault);
const UPGRADE = status(101, { connection: 'Upgrade', upgrade: 'h2c' });

faultTable('a failing status request', [
  {
    name: 'retries a status request after an unread reset',
    main: { connections: [pass, resetUnread, resetUnread] },
    requests: { poll: atLeast(1) },
    retries: 2,
  },
  {
    name: 'retries a status request after a reset',
    mode: 'passthrough',
    main: { poll: [reset] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'retries a status request after a lost response',
    main: { poll: [dropResponse, dropResponse] },
    requests: { poll: atLeast(3) },
    retries: 2,
  },
  ...[408, 500, 502, 504, 522].map((code, i) => ({
    name: `retries a status request after HTTP ${code}`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { poll: [status(code)] },
    requests: { login: 1, poll: atLeast(2) },
    retries: 1,
  })),
  {
    name: 'retries a status request 12 times',
    main: { poll: times(12, status(503)) },
    requests: { login: 1, poll: atLeast(13) },
    retries: 12,
  },
  {
    name: 'status requests reset until `timeout` are logged out',
    conditions: FAST_CLOCK_HALF_WAITS,
    inputs: { timeout: '10' },
    main: { poll: reset },
    ends: timesOut(),
    // On a busy machine the fast clock leaves time for one.
    requests: { login: 1, poll: [1, 8] },
    retries: [0, 8],
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [1_000, 4_000],
  },
  {
    name: 'retries after a protocol upgrade',
    main: { login: [UPGRADE], poll: [UPGRADE] },
    requests: { login: 2, poll: atLeast(2) },
    retries: 2,
  },
  {
    name: 'retries a status request after 30 s',
    conditions: FAST_CLOCK,
    main: { poll: [noResponse] },
    requests: { poll: atLeast(2) },
    retries: 1,
    also: [gap('poll', 2_000, 8_000)],
  },
  {
    name: 'a status request without response ends at `timeout`',
    mode: 'passthrough',
    inputs: { timeout: '10' },
    main: { poll: noResponse },
    ends: timesOut({ seconds: 10 }),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [1_000, 4_000],
  },
  {
    name: 'a status response without body ends at `timeout`',
    inputs: { timeout: '10' },
    main: { poll: headersOnly },
    ends: timesOut({ seconds: 10 }),
    requests: { poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [1_000, 4_000],
  },
  {
    name: 'a slow status response ends at `timeout`',
    inputs: { timeout: '25' },
    main: { poll: slowBody },
    ends: timesOut(),
    requests: { poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [2_500, 4_500],
  },
  ...[401, 404, 501].map((code, i) => ({
    name: `fails and logs out: status request with HTTP ${code}`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { poll: status(code, {}, '{"detail":"No."}') },
    ends: failsWithPossibleLogin(TITLES.ofStatus('status', code), ERRORS.httpStatus('status', code, { detail: 'No' })),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  })),
  {
    name: 'logs out after failed status requests in post',
    main: { poll: status(404) },
    post: { poll: status(404) },
    ends: failsWithPossibleLogin(TITLES.apiNotFound, ERRORS.httpStatus('status', 404), FIX.apiUrlNoApi),
    requests: { poll: 1 },
    after: { requests: { poll: 1, logout: 1 } },
  },
  {
    name: 'does not follow a redirect with a status request',
    main: ({ redirectTarget }) => ({ poll: redirect(redirectTarget.url, 302) }),
    ends: failsWithPossibleLogin(TITLES.redirect, ERRORS.redirect('status', 302, { to: like(/127\.0\.0\.1.*/) }), FIX.apiUrlFinal),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
]);
