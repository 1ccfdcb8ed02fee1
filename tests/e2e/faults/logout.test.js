// Logout requests that fail.
import { atLeast, FAST_CLOCK_HALF_WAITS, faultTable, LOGOUT_FAILED, logoutFailed, STILL_RUNNING, timesOut } from '../../env/fault-table.js';
import { ANY, ERRORS, FIX, like, withFix } from '../../env/messages.js';
import { changedBody, dropResponse, emptyBody, halfJson, headersOnly, noResponse, redirect, reset, resetUnread, status, truncatedBody } from '../../sandbox/faults.js';

/** The real operation with another status, its end hidden. */
const withStatus = (word) => changedBody(({ result, ...operation }) => ({ ...operation, status: word }));

faultTable('a logout that fails', [
  {
    name: 'a logout whose connection is reset unread is asked for again',
    post: { connections: [resetUnread] },
    after: { requests: { connections: 2, logout: 1 }, retries: 1 },
  },
  {
    name: 'a logout that is reset is asked for again',
    mode: 'passthrough',
    post: { logout: [reset, reset] },
    after: { requests: { logout: 3 }, retries: 2 },
  },
  {
    name: 'a logout that was obeyed but not answered is asked for again',
    post: { logout: [dropResponse] },
    after: { requests: { logout: 2 }, retries: 1 },
  },
  ...[429, 500, 503, 520].map((code, i) => ({
    name: `a logout that is answered ${code} is asked for again`,
    mode: i % 2 ? 'vault' : 'passthrough',
    post: { logout: [status(code)] },
    after: { requests: { logout: 2 }, retries: 1 },
  })),
  {
    name: 'a logout that is answered 503 three times is one warning',
    post: { logout: status(503) },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2 },
    left: 1,
  },
  {
    name: 'a logout that is reset three times is one warning',
    mode: 'passthrough',
    post: { logout: reset },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2 },
    left: 1,
  },
  {
    name: 'a logout whose connection is always reset unread is one warning',
    post: { connections: resetUnread },
    after: { ...LOGOUT_FAILED, requests: { connections: 3, logout: 0 }, retries: 2 },
    left: 1,
  },
  ...[401, 404, 501].map((code, i) => ({
    name: `a logout that is answered ${code} is one warning at once`,
    mode: i % 2 ? 'vault' : 'passthrough',
    post: { logout: status(code, {}, '{"detail":"No."}') },
    after: {
      ...logoutFailed(withFix(ERRORS.httpStatus('logout', code, { detail: 'No' }), ANY)),
      requests: { logout: 1 },
    },
    left: 1,
  })),
  {
    name: 'a logout is not sent on by a redirect',
    post: ({ redirectTarget }) => ({ logout: redirect(redirectTarget.url) }),
    after: { ...LOGOUT_FAILED, requests: { logout: 1 } },
    left: 1,
  },
  {
    name: 'a logout is done when the response says 2xx, whatever it says besides',
    post: { logout: [emptyBody] },
    after: { requests: { logout: 1 } },
  },
  {
    name: 'a logout is done when the response says 2xx and half a JSON',
    mode: 'passthrough',
    post: { logout: [halfJson] },
    after: { requests: { logout: 1 } },
  },
  {
    name: 'a logout whose response breaks off is asked for again',
    post: { logout: [truncatedBody] },
    after: { requests: { logout: 2 }, retries: 1 },
  },
  {
    name: 'a logout that is answered by silence is asked for again after 15 s',
    post: { logout: [noResponse] },
    after: { requests: { logout: 2 }, retries: 1, takes: [1_490, 2_900] },
  },
  {
    name: 'a logout that is answered by silence is one warning after 45 s',
    mode: 'passthrough',
    post: { logout: noResponse },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2, takes: [4_400, 6_000] },
    left: 1,
  },
  {
    name: 'a logout of which only the head of the response arrives is done, and one warning',
    post: { logout: headersOnly },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2, takes: [4_400, 6_000] },
  },
  {
    name: 'a login that never ends and a logout that is answered by silence take 45 s together',
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
    name: 'polls that are reset in post are asked again for 20 s, and then the login is logged out',
    conditions: FAST_CLOCK_HALF_WAITS,
    inputs: { timeout: '10' },
    main: { poll: withStatus('running') },
    post: { poll: reset },
    ends: timesOut(),
    after: {
      requests: { poll: [4, 12], logout: 1 },
      retries: [3, 12],
      ...STILL_RUNNING,
      takes: [1_500, 3_500],
    },
  },
  {
    name: 'a response to the logout that repeats the key shows it nowhere',
    post: {
      logout: status(403, {}, ({ headers }) => JSON.stringify({ detail: `${headers.authorization}\n::error::boo` })),
    },
    after: { ...logoutFailed(withFix(ERRORS.httpStatus('logout', 403, { detail: like(/.*\*\*\*.*/) }), FIX.logoutPermission)), requests: { logout: 1 } },
    left: 1,
  },
]);
