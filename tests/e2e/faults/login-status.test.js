// A login that gets an HTTP status other than success.
import assert from 'node:assert/strict';
import { atLeast, denied, failsWithoutLogin, failsWithPossibleLogin, faultTable, gap, logs, RANDOM_WAITS } from '../../env/fault-table.js';
import { ERRORS, FIX, like, LOG, TITLES } from '../../env/messages.js';
import { dropResponse, htmlPage, reset, status, truncatedBody } from '../../sandbox/faults.js';

faultTable('a login with an HTTP error', [
  ...[408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524].map((code, i) => ({
    name: `a login that is answered ${code} is sent again`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { login: [status(code)] },
    requests: { login: 2 },
    retries: 1,
    also: [logs(LOG.retrying('login', { error: ERRORS.httpStatus('login', code) }))],
  })),
  ...[400, 401, 403, 404, 409, 422, 451].map((code, i) => ({
    name: `a login that is answered ${code} is refused once and for all`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { login: status(code, {}, '{"detail":"No."}') },
    ends: failsWithoutLogin(TITLES.ofStatus('login', code), ERRORS.httpStatus('login', code, { detail: 'No' })),
    requests: { login: 1, poll: 0 },
  })),
  ...[501, 505, 511].map((code) => ({
    name: `a login that is answered ${code} is not sent again, but logged out to be safe`,
    mode: 'passthrough',
    main: { login: status(code) },
    ends: failsWithPossibleLogin(TITLES.serverError, ERRORS.httpStatus('login', code), FIX.serverError),
    requests: { login: 1, poll: 0 },
  })),
  {
    name: 'a login that is answered 503 six times may have happened',
    mode: 'passthrough',
    main: { login: status(503, {}, '{"detail":"busy"}') },
    ends: failsWithPossibleLogin(TITLES.serverError, ERRORS.httpStatus('login', 503, { detail: 'busy' }), FIX.serverError),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'a login that is answered 429 six times has not happened',
    main: { login: status(429) },
    ends: failsWithoutLogin(TITLES.rateLimit, ERRORS.httpStatus('login', 429)),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'a refusal after a 503 does not tell what became of the first attempt',
    mode: 'passthrough',
    main: { login: [status(503), status(403)] },
    ends: failsWithPossibleLogin(TITLES.permissionDenied, ERRORS.httpStatus('login', 403)),
    requests: { login: 2, poll: 0 },
    retries: 1,
  },
  {
    name: 'a refusal after an accepted login that was not answered is logged out',
    mode: 'passthrough',
    main: { login: [dropResponse, status(401)] },
    ends: failsWithPossibleLogin(TITLES.invalidApiKey, ERRORS.httpStatus('login', 401)),
    requests: { login: 2, poll: 0 },
    retries: 1,
    operations: 1,
  },
  {
    name: 'a login that is denied after one whose response was lost is logged out all the same',
    mode: 'passthrough',
    main: { login: [dropResponse], poll: denied },
    post: { poll: denied },
    ends: failsWithPossibleLogin(TITLES.dockerFailed, ERRORS.docker({ output: like(/.*denied.*/) })),
    requests: { login: 2 },
    retries: 1,
    operations: 2,
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
  {
    name: 'a refusal after a 429 leaves no login',
    mode: 'passthrough',
    main: { login: [status(429), status(403)] },
    ends: failsWithoutLogin(TITLES.permissionDenied, ERRORS.httpStatus('login', 403)),
    requests: { login: 2, poll: 0 },
    retries: 1,
  },
  {
    name: 'five faults of five kinds in a row do not keep a login from succeeding',
    main: { login: [reset, status(502), htmlPage, dropResponse, truncatedBody] },
    requests: { login: 6 },
    retries: 5,
    operations: 3,
  },
  {
    name: 'faults are waited out, longer each time and at random',
    conditions: RANDOM_WAITS,
    main: { login: [reset, status(503)] },
    requests: { login: 3 },
    retries: 2,
    also: [gap('login', 0, 250 + 500)],
  },
  {
    name: 'the waits between attempts double',
    conditions: { TEST_RANDOM: '0.5' },
    main: { login: [reset, reset, reset] },
    requests: { login: 4 },
    retries: 3,
    also: [
      gap('login', 120, 600),
      logs(
        LOG.retrying('login', { seconds: like(/0\.[12]/), attempt: 2 }),
        LOG.retrying('login', { seconds: like(/0\.[23]/), attempt: 3 }),
        LOG.retrying('login', { seconds: '0.5', attempt: 4 }),
      ),
      (main, { requests: [first, , , fourth] }) => assert.ok(fourth.at - first.at >= 870),
    ],
  },
]);
