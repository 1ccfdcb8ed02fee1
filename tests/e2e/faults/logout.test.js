// Logout requests that fail.
import { atLeast, FAST_CLOCK_HALF_WAITS, faultTable, LOGOUT_FAILED, logoutFailed, STILL_RUNNING, timesOut } from '../../env/fault-table.js';
import { ANY, ERRORS, FIX, like, withFix } from '../../env/messages.js';
import { changedBody, dropResponse, emptyBody, halfJson, headersOnly, noResponse, redirect, reset, resetUnread, status, truncatedBody } from '../../sandbox/faults.js';

/** The real operation with another status and no result. */
const withStatus = (text) => changedBody(({ result, ...operation }) => ({ ...operation, status: text }));

faultTable('a failing logout', [
  {
    name: 'retries a logout after an unread reset',
    post: { connections: [resetUnread] },
    after: { requests: { connections: 2, logout: 1 }, retries: 1 },
  },
  {
    name: 'retries a logout after a reset',
    mode: 'passthrough',
    post: { logout: [reset, reset] },
    after: { requests: { logout: 3 }, retries: 2 },
  },
  {
    name: 'retries a logout after a lost response',
    post: { logout: [dropResponse] },
    after: { requests: { logout: 2 }, retries: 1 },
  },
  ...[500, 503, 520].map((code, i) => ({
    name: `retries a logout after HTTP ${code}`,
    mode: i % 2 ? 'vault' : 'passthrough',
    post: { logout: [status(code)] },
    after: { requests: { logout: 2 }, retries: 1 },
  })),
  {
    name: 'warns after HTTP 503 three times',
    post: { logout: status(503) },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2 },
    left: 1,
  },
  {
    name: 'warns after three resets',
    mode: 'passthrough',
    post: { logout: reset },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2 },
    left: 1,
  },
  {
    name: 'warns after three unread resets',
    post: { connections: resetUnread },
    after: { ...LOGOUT_FAILED, requests: { connections: 3, logout: 0 }, retries: 2 },
    left: 1,
  },
  ...[401, 404, 501].map((code, i) => ({
    name: `warns without retry after HTTP ${code}`,
    mode: i % 2 ? 'vault' : 'passthrough',
    post: { logout: status(code, {}, '{"detail":"No."}') },
    after: {
      ...logoutFailed(withFix(ERRORS.httpStatus('logout', code, { detail: 'No' }), ANY)),
      requests: { logout: 1 },
    },
    left: 1,
  })),
  {
    name: 'does not follow a redirect with a logout',
    post: ({ redirectTarget }) => ({ logout: redirect(redirectTarget.url) }),
    after: { ...LOGOUT_FAILED, requests: { logout: 1 } },
    left: 1,
  },
  {
    name: 'accepts an empty logout response',
    post: { logout: [emptyBody] },
    after: { requests: { logout: 1 } },
  },
  {
    name: 'retries a logout after truncated JSON',
    mode: 'passthrough',
    post: { logout: [halfJson] },
    after: { requests: { logout: 2 }, retries: 1 },
  },
  {
    name: 'retries a logout after a truncated response',
    post: { logout: [truncatedBody] },
    after: { requests: { logout: 2 }, retries: 1 },
  },
  {
    name: 'retries a logout without response after 15 s',
    post: { logout: [noResponse] },
    after: { requests: { logout: 2 }, retries: 1, takes: [1_490, 2_900] },
  },
  {
    name: 'warns of a logout without response after 45 s',
    mode: 'passthrough',
    post: { logout: noResponse },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2, takes: [4_400, 6_000] },
    left: 1,
  },
  {
    name: 'warns of a logout response without body',
    post: { logout: headersOnly },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2, takes: [4_400, 6_000] },
  },
  {
    name: 'waits and logs out within 45 s',
    inputs: { timeout: '10' },
    main: { poll: withStatus('running') },
    post: { poll: withStatus('running'), logout: noResponse },
    ends: timesOut(),
    after: {
      requests: { poll: atLeast(2), logout: [2, 3] },
      retries: [1, 2],
      ...LOGOUT_FAILED,
      takes: [4_300, 6_000],
    },
    left: 1,
  },
  {
    name: 'retries status requests in post for 20 s',
    conditions: FAST_CLOCK_HALF_WAITS,
    inputs: { timeout: '10' },
    main: { poll: withStatus('running') },
    post: { poll: reset },
    ends: timesOut(),
    after: {
      requests: { poll: [2, 12], logout: 1 },
      retries: [1, 12],
      ...STILL_RUNNING,
      takes: [1_500, 3_500],
    },
  },
  {
    name: 'redacts the key in a logout error',
    post: {
      logout: status(403, {}, ({ headers }) => JSON.stringify({ detail: `${headers.authorization}\n::error::boo` })),
    },
    after: { ...logoutFailed(withFix(ERRORS.httpStatus('logout', 403, { detail: like(/.*\*\*\*.*/) }), FIX.logoutPermission)), requests: { logout: 1 } },
    left: 1,
  },
]);
