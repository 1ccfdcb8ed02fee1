// Logins with HTTP errors: which are retried, and which are logged out.
import assert from 'node:assert/strict';
import { atLeast, denied, failsWithoutLogin, failsWithPossibleLogin, FAST_CLOCK_HALF_WAITS, faultTable, gap, logs, RANDOM_WAITS } from '../../env/fault-table.js';
import { ERRORS, FIX, like, LOG, PROGRESS, TITLES } from '../../env/messages.js';
import { dropResponse, htmlPage, reset, status, truncatedBody } from '../../sandbox/faults.js';

faultTable('a login with an HTTP error', [
  ...[408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524].map((code, i) => ({
    name: `retries a login after HTTP ${code}`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { login: [status(code)] },
    requests: { login: 2 },
    retries: 1,
    also: [logs(LOG.retrying('login', { error: ERRORS.httpStatus('login', code) }))],
  })),
  ...[400, 401, 403, 404, 409, 422, 451].map((code, i) => ({
    name: `does not retry a login after HTTP ${code}`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { login: status(code, {}, '{"detail":"No."}') },
    ends: failsWithoutLogin(TITLES.ofStatus('login', code), ERRORS.httpStatus('login', code, { detail: 'No' })),
    requests: { login: 1, poll: 0 },
  })),
  ...[501, 505, 511].map((code) => ({
    name: `logs out without retry after HTTP ${code}`,
    mode: 'passthrough',
    main: { login: status(code) },
    ends: failsWithPossibleLogin(TITLES.serverError, ERRORS.httpStatus('login', code), FIX.serverError),
    requests: { login: 1, poll: 0 },
  })),
  {
    name: 'logs out after HTTP 503 six times',
    mode: 'passthrough',
    main: { login: status(503, {}, '{"detail":"busy"}') },
    ends: failsWithPossibleLogin(TITLES.serverError, ERRORS.httpStatus('login', 503, { detail: 'busy' }), FIX.serverError),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'HTTP 429 costs no attempt',
    main: { login: Array(7).fill(status(429)) },
    requests: { login: 8 },
    also: [logs(LOG.slowingDown('login', { error: ERRORS.httpStatus('login', 429) }))],
  },
  {
    name: 'retries HTTP 429 until `timeout`',
    conditions: FAST_CLOCK_HALF_WAITS,
    inputs: { timeout: '20' },
    main: { login: status(429) },
    ends: failsWithoutLogin(
      TITLES.rateLimit,
      ERRORS.loginTimeout(20, PROGRESS.withLastError(PROGRESS.notAccepted, ERRORS.httpStatus('login', 429))),
      FIX.rateLimitTimeout,
    ),
    requests: { login: [2, 10], poll: 0 },
    takes: [1_000, 5_000],
  },
  {
    name: 'logs out after HTTP 503, then 403',
    mode: 'passthrough',
    main: { login: [status(503), status(403)] },
    ends: failsWithPossibleLogin(TITLES.permissionDenied, ERRORS.httpStatus('login', 403)),
    requests: { login: 2, poll: 0 },
    retries: 1,
  },
  {
    name: 'logs out after a lost response, then 401',
    mode: 'passthrough',
    main: { login: [dropResponse, status(401)] },
    ends: failsWithPossibleLogin(TITLES.invalidApiKey, ERRORS.httpStatus('login', 401)),
    requests: { login: 2, poll: 0 },
    retries: 1,
    operations: 1,
  },
  {
    name: 'logs out after a lost response, then a denial',
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
    name: 'does not log out after HTTP 429, then 403',
    mode: 'passthrough',
    main: { login: [status(429), status(403)] },
    ends: failsWithoutLogin(TITLES.permissionDenied, ERRORS.httpStatus('login', 403)),
    requests: { login: 2, poll: 0 },
  },
  {
    name: 'logs in after five different faults',
    main: { login: [reset, status(502), htmlPage, dropResponse, truncatedBody] },
    requests: { login: 6 },
    retries: 5,
    operations: 3,
  },
  {
    name: 'waits a random time before a retry',
    conditions: RANDOM_WAITS,
    main: { login: [reset, status(503)] },
    requests: { login: 3 },
    retries: 2,
    also: [gap('login', 0, 250 + 500)],
  },
  {
    name: 'doubles the waits between attempts',
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
