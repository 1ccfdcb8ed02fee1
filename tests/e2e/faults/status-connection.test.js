// Status requests that get no response, or an HTTP status other than success.
import { atLeast, failsWithPossibleLogin, FAST_CLOCK, FAST_CLOCK_HALF_WAITS, faultTable, gap, timesOut } from '../../env/fault-table.js';
import { ERRORS, FIX, like, TITLES } from '../../env/messages.js';
import { dropResponse, headersOnly, noResponse, pass, redirect, reset, resetUnread, slowBody, status } from '../../sandbox/faults.js';

const times = (count, fault) => Array(count).fill(fault);
const UPGRADE = status(101, { connection: 'Upgrade', upgrade: 'h2c' });

faultTable('a status request without a usable response', [
  {
    name: 'a poll whose connection is reset unread is asked again',
    main: { connections: [pass, resetUnread, resetUnread] },
    requests: { poll: atLeast(1) },
    retries: 2,
  },
  {
    name: 'a poll that is reset is asked again',
    mode: 'passthrough',
    main: { poll: [reset] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'a poll whose response is lost is asked again',
    main: { poll: [dropResponse, dropResponse] },
    requests: { poll: atLeast(3) },
    retries: 2,
  },
  ...[408, 429, 500, 502, 504, 522].map((code, i) => ({
    name: `a poll that is answered ${code} is asked again`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { poll: [status(code)] },
    requests: { login: 1, poll: atLeast(2) },
    retries: 1,
  })),
  {
    name: 'polls go on after more faults than a login would be given',
    main: { poll: times(12, status(503)) },
    requests: { login: 1, poll: atLeast(13) },
    retries: 12,
  },
  {
    name: 'polls that are reset until `timeout` end with how far it got, and the login is logged out',
    conditions: FAST_CLOCK_HALF_WAITS,
    inputs: { timeout: '10' },
    main: { poll: reset },
    ends: timesOut(),
    requests: { login: 1, poll: [4, 8] },
    retries: [4, 8],
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [1_000, 4_000],
  },
  {
    name: 'a response that changes the protocol is none, and asked for again',
    main: { login: [UPGRADE], poll: [UPGRADE] },
    requests: { login: 2, poll: atLeast(2) },
    retries: 2,
  },
  {
    name: 'a poll that is answered by silence is asked again after 30 s',
    conditions: FAST_CLOCK,
    main: { poll: [noResponse] },
    requests: { poll: atLeast(2) },
    retries: 1,
    also: [gap('poll', 2_000, 8_000)],
  },
  {
    name: 'a poll that is answered by silence until `timeout` ends there, and the login is logged out',
    mode: 'passthrough',
    inputs: { timeout: '10' },
    main: { poll: noResponse },
    ends: timesOut({ seconds: 10 }),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [1_000, 4_000],
  },
  {
    name: 'a poll of which only the head of the response arrives ends with `timeout`',
    inputs: { timeout: '10' },
    main: { poll: headersOnly },
    ends: timesOut({ seconds: 10 }),
    requests: { poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [1_000, 4_000],
  },
  {
    name: 'a poll whose response arrives at one byte a second ends with `timeout`',
    inputs: { timeout: '25' },
    main: { poll: slowBody },
    ends: timesOut(),
    requests: { poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [2_500, 4_500],
  },
  ...[401, 404, 501].map((code, i) => ({
    name: `a poll that is answered ${code} ends the step, and the login is logged out`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { poll: status(code, {}, '{"detail":"No."}') },
    ends: failsWithPossibleLogin(TITLES.ofStatus('status', code), ERRORS.httpStatus('status', code, { detail: 'No' })),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  })),
  {
    name: 'a poll that is refused to post as well does not keep it from logging out',
    main: { poll: status(404) },
    post: { poll: status(404) },
    ends: failsWithPossibleLogin(TITLES.apiNotFound, ERRORS.httpStatus('status', 404), FIX.apiUrlNoApi),
    requests: { poll: 1 },
    after: { requests: { poll: 1, logout: 1 } },
  },
  {
    name: 'a poll is not sent on by a redirect, and the login is logged out',
    main: ({ redirectTarget }) => ({ poll: redirect(redirectTarget.url, 302) }),
    ends: failsWithPossibleLogin(TITLES.redirect, ERRORS.redirect('status', 302, { to: like(/127\.0\.0\.1.*/) }), FIX.apiUrlFinal),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
]);
