// What goes wrong between a runner and Reoclo, one row each: what happens to
// which request, how the step ends, how often it asked, and what is left behind.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ANY, ERRORS, exactly, FIX, like, LOG, oneOf, PROGRESS, TITLES, WARNINGS, withFix } from '../env/messages.js';
import {
  brokenOff,
  cut,
  drip,
  empty,
  halved,
  lost,
  padded,
  page,
  pass,
  redirect,
  reset,
  rewritten,
  silence,
  stalled,
  startElsewhere,
  startFaults,
  status,
} from '../sandbox/faults.js';
import { makeCertificate } from '../support/certificate.js';
import { closedPort } from '../support/serve.js';
import { idle, operationsOf, printed } from '../env/fleet.js';
import { createWorld, UNDER_CONDITIONS } from '../env/test-env.js';

// So many groups at a time and so many rows of each: they wait more than they work.
const CONCURRENCY = 3;

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

// How a row's steps find their process (see conditions.cjs): by default every
// random wait is 0, and where a step waits for long, what takes 30 s takes 3.
// `timeout` is in seconds of that clock, `takes` and `gap` are in milliseconds of
// this one.
const QUICK = { TEST_RANDOM: '0', TEST_SPEED: '10' };
const HALF = { TEST_RANDOM: '0.5', TEST_SPEED: '10' };
const STEADY = { TEST_RANDOM: '0' };
const REAL = {};

const RETRY = oneOf(
  exactly(LOG.retrying('login', { attempt: like(/[2-6]/) })),
  exactly(LOG.retrying('logout', { attempt: like(/[23]/) })),
  exactly(LOG.retrying('status')),
);

// How main can end.
const LOGGED_IN = { code: 0, performed: true };
/** It fails, and there is certainly no login. */
const failsCleanly = (title, error, fix = ANY) => ({ code: 1, title, message: exactly(withFix(error, fix)), performed: false });
/** It fails, and there may be a login. */
const failsUnsure = (title, error, fix = ANY) => ({ code: 1, title, message: exactly(withFix(error, fix)), performed: true });
const timesOut = (progress = ANY, seconds = like(/\d+/)) => failsUnsure(TITLES.timedOut, ERRORS.loginTimeout(seconds, progress), FIX.timeout);
/** It is still running, with the last error behind it if there was one. */
const RUNNING = like(/operation .+/);

// What post can have to do, where it is not one logout; after a clean failure it is nothing.
const NO_REGISTRY = {
  requests: { poll: 0, logout: 0 },
  warning: TITLES.loginNotCleanedUp,
  message: exactly(WARNINGS.loginNotCleanedUp('SERVER')),
};
const logoutFailed = (why) => ({ warning: TITLES.logoutFailed, message: exactly(WARNINGS.logoutFailed('SERVER', { why })) });
const LOGOUT_FAILED = logoutFailed(withFix(ANY, ANY));
const STILL_RUNNING = { warning: TITLES.loginStillRunning, message: exactly(WARNINGS.loginStillRunning({ server: 'SERVER' })) };

const times = (count, fault) => Array(count).fill(fault);
const UPGRADE = status(101, { connection: 'Upgrade', upgrade: 'h2c' });
const atLeast = (least) => [least, Infinity];
const httpDate = (ms) => new Date(ms).toUTCString();
/** The real operation, once it has ended, with another result. */
const whenEnded = (change) =>
  rewritten((operation, request) => (operation.result ? change(operation, request) : operation));
/** The real operation, ended in a denial. */
const denied = whenEnded((operation) => ({
  ...operation,
  status: 'failed',
  result: { exit_code: 1, stderr: 'denied' },
}));
/** The real operation with another output. */
const withStdout = (stdout) => whenEnded((operation) => ({ ...operation, result: { ...operation.result, stdout } }));
/** The real operation with another status, its end hidden. */
const withStatus = (word) => rewritten(({ result, ...operation }) => ({ ...operation, status: word }));

/** Asserts how long after one request of a kind the next one came, in ms; a busy machine may take three times the most. */
const gap =
  (kind, least, most = Infinity) =>
  (main, faults) => {
    const [first, second] = faults.requests.filter((request) => request.kind === kind);
    const waited = second.at - first.at;
    assert.ok(waited >= least && waited <= 3 * most, `${kind} came again after ${waited} ms`);
  };
const logs =
  (...lines) =>
  (main) =>
    lines.forEach((line) => assert.ok(main.log.some((logged) => exactly(line).test(logged)), `no ${line} in\n${main.stdout}`));

// A row: `main` and `post` are the plans of faults, `ends` is the end of main,
// `requests` how often main asked, `retries` how often it said that it asks again,
// `after` what post does, `left` how many logins stay on the server.

const LOGIN_BROKEN = [
  {
    name: 'a login whose connection is reset unread is sent again',
    main: { connections: [cut] },
    requests: { connections: atLeast(3), login: 1 },
    retries: 1,
  },
  {
    name: 'a login whose connection is reset unread every time is given up after 6 attempts',
    mode: 'passthrough',
    main: { connections: cut },
    ends: failsUnsure(TITLES.connectionFailed, ERRORS.connection('login')),
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
    ends: failsUnsure(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'a login that was accepted twice before its reply arrived is logged out once for all',
    main: { login: [lost, lost] },
    requests: { login: 3 },
    retries: 2,
    operations: 3,
  },
  {
    name: 'a login that was accepted but never answered is logged out, where its registry is known',
    mode: 'passthrough',
    main: { login: lost },
    ends: failsUnsure(TITLES.connectionFailed, ERRORS.connection('login')),
    requests: { login: 6, poll: 0 },
    retries: 5,
    operations: 6,
  },
  {
    name: 'a login that was accepted but never answered is one warning, where only the vault knows its registry',
    main: { login: lost },
    ends: failsUnsure(TITLES.connectionFailed, ERRORS.connection('login')),
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
    main: { login: silence },
    ends: timesOut(PROGRESS.withLastError(PROGRESS.notStarted, ERRORS.requestTimeout('login', 10)), 10),
    requests: { login: 1, poll: 0 },
    takes: [1_000, 4_000],
  },
  {
    name: 'a login that is answered by silence is asked for again after 30 s',
    conditions: QUICK,
    main: { login: [silence] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 2_000, 8_000), logs(LOG.retrying('login', { error: ERRORS.requestTimeout('login', 30) }))],
  },
  {
    name: 'a login of which only the head of the reply arrives ends with `timeout`, and is logged out',
    mode: 'passthrough',
    inputs: { timeout: '10' },
    main: { login: stalled },
    ends: timesOut(PROGRESS.notStarted + ANY),
    requests: { login: 1, poll: 0 },
    takes: [1_000, 4_000],
  },
  {
    name: 'a login whose reply arrives at one byte a second ends with `timeout`, and is logged out',
    mode: 'passthrough',
    inputs: { timeout: '25' },
    main: { login: drip },
    ends: timesOut(PROGRESS.notStarted + ANY),
    requests: { login: 1, poll: 0 },
    takes: [2_500, 4_500],
  },
];

const LOGIN_STATUS = [
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
    ends: failsCleanly(TITLES.ofStatus('login', code), ERRORS.httpStatus('login', code, { detail: 'No' })),
    requests: { login: 1, poll: 0 },
  })),
  ...[501, 505, 511].map((code) => ({
    name: `a login that is answered ${code} is not sent again, but logged out to be safe`,
    mode: 'passthrough',
    main: { login: status(code) },
    ends: failsUnsure(TITLES.serverError, ERRORS.httpStatus('login', code), FIX.serverError),
    requests: { login: 1, poll: 0 },
  })),
  {
    name: 'a login that is answered 503 six times may have happened',
    mode: 'passthrough',
    main: { login: status(503, {}, '{"detail":"busy"}') },
    ends: failsUnsure(TITLES.serverError, ERRORS.httpStatus('login', 503, { detail: 'busy' }), FIX.serverError),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'a login that is answered 429 six times has not happened',
    main: { login: status(429) },
    ends: failsCleanly(TITLES.rateLimit, ERRORS.httpStatus('login', 429)),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'a refusal after a 503 does not tell what became of the first attempt',
    mode: 'passthrough',
    main: { login: [status(503), status(403)] },
    ends: failsUnsure(TITLES.permissionDenied, ERRORS.httpStatus('login', 403)),
    requests: { login: 2, poll: 0 },
    retries: 1,
  },
  {
    name: 'a refusal after an accepted login that was not answered is logged out',
    mode: 'passthrough',
    main: { login: [lost, status(401)] },
    ends: failsUnsure(TITLES.invalidApiKey, ERRORS.httpStatus('login', 401)),
    requests: { login: 2, poll: 0 },
    retries: 1,
    operations: 1,
  },
  {
    name: 'a login that is denied after one whose reply was lost is logged out all the same',
    mode: 'passthrough',
    main: { login: [lost], poll: denied },
    post: { poll: denied },
    ends: failsUnsure(TITLES.dockerFailed, ERRORS.docker({ output: like(/.*denied.*/) })),
    requests: { login: 2 },
    retries: 1,
    operations: 2,
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
  {
    name: 'a refusal after a 429 leaves no login',
    mode: 'passthrough',
    main: { login: [status(429), status(403)] },
    ends: failsCleanly(TITLES.permissionDenied, ERRORS.httpStatus('login', 403)),
    requests: { login: 2, poll: 0 },
    retries: 1,
  },
  {
    name: 'five faults of five kinds in a row do not keep a login from succeeding',
    main: { login: [reset, status(502), page, lost, brokenOff] },
    requests: { login: 6 },
    retries: 5,
    operations: 3,
  },
  {
    name: 'faults are waited out, longer each time and at random',
    conditions: REAL,
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
];

const RETRY_AFTER = [
  {
    name: 'a Retry-After in seconds is waited for',
    conditions: STEADY,
    main: { login: [status(429, { 'retry-after': '1' })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 990, 4_000), logs(LOG.retrying('login', { seconds: '1.0' }))],
  },
  {
    name: 'a Retry-After of 503 is waited for, too',
    conditions: REAL,
    mode: 'passthrough',
    main: { login: [status(503, { 'retry-after': '1' })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 990, 4_000)],
  },
  {
    name: 'a Retry-After date is measured by the clock of the one who set it',
    conditions: STEADY,
    main: { login: [status(429, { date: httpDate(0), 'retry-after': httpDate(1_000) })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 990, 4_000)],
  },
  {
    name: "a Retry-After date without a Date is measured by the runner's clock",
    conditions: STEADY,
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
    conditions: STEADY,
    main: { login: [status(429, { date: httpDate(HOUR_MS), 'retry-after': httpDate(0) })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 0, 900)],
  },
  {
    name: 'a Retry-After beyond `timeout` is not waited for',
    conditions: STEADY,
    inputs: { timeout: '60' },
    main: { login: [status(429, { 'retry-after': '3600' })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 0, 900)],
  },
  ...['soon', '-1', '', '9'.repeat(30)].map((value) => ({
    name: `a Retry-After of "${value}" is as good as none`,
    conditions: STEADY,
    main: { login: [status(429, { 'retry-after': value })] },
    requests: { login: 2 },
    retries: 1,
    also: [gap('login', 0, 900)],
  })),
];

const LOGIN_REPLY = [
  {
    name: 'a page instead of the reply to a login is not taken for it',
    main: { login: [page] },
    requests: { login: 2 },
    retries: 1,
  },
  {
    name: 'a page instead of every reply points at api_url',
    mode: 'passthrough',
    main: { login: page },
    ends: failsUnsure(TITLES.unexpectedResponse, ERRORS.invalidJson('login'), FIX.apiUrlBase),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'a reply to a login that breaks off is asked for again',
    main: { login: [brokenOff] },
    requests: { login: 2 },
    retries: 1,
    operations: 2,
  },
  {
    name: 'half of the JSON of a login is asked for again',
    mode: 'passthrough',
    main: { login: [halved] },
    requests: { login: 2 },
    retries: 1,
    operations: 2,
  },
  {
    name: 'an empty reply to a login is asked for again',
    main: { login: [empty] },
    requests: { login: 2 },
    retries: 1,
    operations: 2,
  },
  ...Object.entries({
    'without a registry': ({ registry_url, ...reply }) => reply,
    'without an operation': ({ operation_id, ...reply }) => reply,
    'that is a list': (reply) => [reply],
    'that is null': () => null,
    'that is a list of the right values': ({ operation_id, registry_url, registry_type }) => [
      operation_id,
      registry_url,
      registry_type,
    ],
    'with a number for its operation': (reply) => ({ ...reply, operation_id: 7 }),
    'with a path for its operation': (reply) => ({ ...reply, operation_id: '../../keys' }),
    'with a list for its registry': (reply) => ({ ...reply, registry_url: [reply.registry_url] }),
    'with a line break in its registry': (reply) => ({ ...reply, registry_url: 'ghcr.io\n::error::boo' }),
  }).map(([what, change], i) => ({
    name: `a reply to a login ${what} is an error, and the login is logged out`,
    mode: 'passthrough',
    main: { login: rewritten(change) },
    ends: failsUnsure(TITLES.unexpectedResponse, ERRORS.unexpectedResponse('login'), FIX.apiUrlBase),
    requests: { login: 1, poll: 0 },
    operations: 1,
  })),
  {
    name: 'a reply to a login of more than 16 MiB is an error, and the login is logged out',
    mode: 'passthrough',
    main: { login: padded(17 * MIB) },
    ends: failsUnsure(TITLES.unexpectedResponse, ERRORS.tooLarge('login'), FIX.apiUrlBase),
    requests: { login: 1, poll: 0 },
    operations: 1,
  },
  ...[301, 307, 308].map((code) => ({
    name: `a login is not sent on by a ${code}`,
    mode: code === 307 ? 'passthrough' : 'vault',
    main: ({ elsewhere }) => ({ login: redirect(`${elsewhere.url}/api/automation/v1/registry-auth/login`, code) }),
    ends: failsCleanly(TITLES.redirect, ERRORS.redirect('login', code, { to: like(/127\.0\.0\.1.*/) }), FIX.apiUrlFinal),
    requests: { login: 1, poll: 0 },
  })),
  {
    name: 'a refusal that repeats the key and the token shows neither',
    mode: 'passthrough',
    main: {
      login: status(422, {}, ({ headers, body }) =>
        JSON.stringify({ detail: `${headers.authorization} ${JSON.parse(body).access_token} ${body}\n::error::boo` }),
      ),
    },
    ends: failsCleanly(TITLES.invalidRequest, ERRORS.httpStatus('login', 422, { detail: like(/.*\*\*\*.*/) })),
    requests: { login: 1, poll: 0 },
  },
  {
    name: 'a retry does not show what a fault repeats of the token',
    mode: 'passthrough',
    main: { login: [status(503, {}, ({ body }) => JSON.stringify({ detail: JSON.parse(body).access_token }))] },
    requests: { login: 2 },
    retries: 1,
    also: [logs(LOG.retrying('login', { error: ERRORS.httpStatus('login', 503, { detail: '***' }) }))],
  },
];

const LOGIN_HOST = [
  {
    name: 'a host that does not exist is looked up 6 times',
    inputs: { api_url: 'https://reoclo.invalid' },
    ends: failsCleanly(TITLES.connectionFailed, ERRORS.connection('login', like(/.*(ENOTFOUND|EAI_AGAIN).*/), { host: 'reoclo.invalid' })),
    requests: { connections: 0 },
    retries: 5,
  },
  {
    name: 'a resolver that fails twice does not keep a login from succeeding',
    conditions: { ...QUICK, TEST_DNS_FAILURES: '2' },
    inputs: ({ faults }) => ({ api_url: faults.url.replace('127.0.0.1', 'localhost') }),
    requests: { login: 1 },
    retries: 2,
    // Post resolves the name in a process of its own.
    after: { retries: 2 },
    also: [logs(LOG.retrying('login', { error: ERRORS.connection('login', like(/.*EAI_AGAIN.*/)) }))],
  },
  {
    name: 'a refused connection is tried 6 times, and nothing was sent',
    mode: 'passthrough',
    inputs: async () => ({ api_url: `http://127.0.0.1:${await closedPort()}` }),
    ends: failsCleanly(TITLES.connectionFailed, ERRORS.connection('login', like(/.*ECONNREFUSED.*/))),
    requests: { connections: 0 },
    retries: 5,
  },
  {
    name: 'a certificate that nobody vouches for is refused at once, and nothing was sent',
    mode: 'passthrough',
    tls: 'IP:127.0.0.1',
    ends: failsCleanly(TITLES.connectionFailed, ERRORS.connection('login', like(/.*self.signed certificate.*/)), FIX.certificate),
    requests: { connections: 1, login: 0 },
  },
  {
    name: 'a certificate for another host is refused at once, and nothing was sent',
    mode: 'passthrough',
    tls: 'DNS:reoclo.example',
    trusted: true,
    ends: failsCleanly(TITLES.connectionFailed, ERRORS.connection('login', like(/.*altnames.*/)), FIX.certificate),
    requests: { connections: 1, login: 0 },
  },
  {
    name: 'https to a port that speaks no TLS is refused at once, and nothing was sent',
    mode: 'passthrough',
    inputs: ({ faults }) => ({ api_url: faults.url.replace('http:', 'https:') }),
    ends: failsCleanly(TITLES.connectionFailed, ERRORS.connection('login', 'EPROTO'), FIX.noTls),
    requests: { login: 0 },
  },
  {
    name: 'a private certificate that NODE_EXTRA_CA_CERTS names is trusted',
    tls: 'IP:127.0.0.1',
    trusted: true,
    main: { connections: [cut], poll: [reset] },
    requests: { login: 1 },
    retries: 2,
  },
  {
    name: 'a runner whose time of day jumps waits neither shorter nor longer',
    conditions: { ...STEADY, TEST_CLOCK_LEAP_MS: String(HOUR_MS) },
    inputs: { timeout: '20' },
    main: { login: [status(503)], poll: [status(503), status(429, { 'retry-after': '1' })] },
    requests: { login: 2, poll: atLeast(3) },
    retries: 3,
    takes: [1_000, 4_000],
  },
];

const POLL = [
  {
    name: 'a poll whose connection is reset unread is asked again',
    main: { connections: [pass, cut, cut] },
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
    name: 'a poll whose reply is lost is asked again',
    main: { poll: [lost, lost] },
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
    name: 'a Retry-After of a poll is waited for',
    conditions: STEADY,
    mode: 'passthrough',
    main: { poll: [status(429, { 'retry-after': '1' })] },
    requests: { poll: atLeast(2) },
    retries: 1,
    also: [gap('poll', 990, 4_000)],
  },
  {
    name: 'polls that are reset until `timeout` end with how far it got, and the login is logged out',
    conditions: HALF,
    inputs: { timeout: '10' },
    main: { poll: reset },
    ends: timesOut(RUNNING),
    requests: { login: 1, poll: [4, 8] },
    retries: [4, 8],
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [1_000, 4_000],
  },
  {
    name: 'a reply that changes the protocol is none, and asked for again',
    main: { login: [UPGRADE], poll: [UPGRADE] },
    requests: { login: 2, poll: atLeast(2) },
    retries: 2,
  },
  {
    name: 'a server that asks for no wait gets no more polls for it',
    conditions: HALF,
    inputs: { timeout: '40' },
    main: { poll: status(503, { 'retry-after': '0' }) },
    ends: timesOut(RUNNING),
    requests: { login: 1, poll: [3, 16] },
    retries: [3, 16],
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
  {
    name: 'a reply of a million values is read in time',
    main: { poll: [status(200, {}, () => `{"x":[${'[1,1,1,1],'.repeat(250_000)}0],"status":"running"}`)] },
    requests: { poll: atLeast(2) },
    takes: [0, 5_000],
  },
  {
    name: 'a poll that is answered by silence is asked again after 30 s',
    conditions: QUICK,
    main: { poll: [silence] },
    requests: { poll: atLeast(2) },
    retries: 1,
    also: [gap('poll', 2_000, 8_000)],
  },
  {
    name: 'a poll that is answered by silence until `timeout` ends there, and the login is logged out',
    mode: 'passthrough',
    inputs: { timeout: '10' },
    main: { poll: silence },
    ends: timesOut(RUNNING, 10),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [1_000, 4_000],
  },
  {
    name: 'a poll of which only the head of the reply arrives ends with `timeout`',
    inputs: { timeout: '10' },
    main: { poll: stalled },
    ends: timesOut(RUNNING, 10),
    requests: { poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [1_000, 4_000],
  },
  {
    name: 'a poll whose reply arrives at one byte a second ends with `timeout`',
    inputs: { timeout: '25' },
    main: { poll: drip },
    ends: timesOut(RUNNING),
    requests: { poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
    takes: [2_500, 4_500],
  },
  {
    name: 'a page instead of an operation is not taken for it',
    main: { poll: [page, page] },
    requests: { poll: atLeast(3) },
    retries: 2,
  },
  {
    name: 'an operation that breaks off is asked for again',
    main: { poll: [brokenOff] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'half of the JSON of an operation is asked for again',
    mode: 'passthrough',
    main: { poll: [halved] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'an empty reply to a poll is asked for again',
    main: { poll: [empty] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'status words that are not known mean that the operation goes on',
    main: { poll: ['queued', 'provisioning', 'COMPLETED', ''].map(withStatus) },
    requests: { login: 1, poll: atLeast(5) },
  },
  {
    name: 'an operation that never ends is an error at `timeout`, and post waits 20 s for it before it logs out',
    inputs: { timeout: '30' },
    main: { poll: withStatus('running') },
    post: { poll: withStatus('running') },
    ends: timesOut(PROGRESS.running()),
    requests: { poll: atLeast(2) },
    after: { ...STILL_RUNNING, requests: { poll: atLeast(2) }, takes: [1_990, 3_500] },
  },
  ...Object.entries({
    'without a status': ({ status: _, ...operation }) => operation,
    'with a number for its status': (operation) => ({ ...operation, status: 7 }),
    'with a list for its result': (operation) => ({ ...operation, result: [] }),
    'with a word for its exit code': (operation) => ({ ...operation, status: 'completed', result: { exit_code: '0' } }),
    'that is a list': (operation) => [operation],
    'that is a list of the right values': ({ server_name }) => [
      server_name,
      'completed',
      { exit_code: 0, stdout: '', stderr: '' },
    ],
    'that is null': () => null,
  }).map(([what, change], i) => ({
    name: `an operation ${what} is an error, and the login is logged out`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { poll: rewritten(change) },
    ends: failsUnsure(TITLES.unexpectedResponse, ERRORS.unexpectedResponse('status'), FIX.apiUrlBase),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  })),
  {
    name: 'an operation that has completed without a result is no success, and is logged out',
    main: { poll: whenEnded(({ result, ...operation }) => operation) },
    ends: failsUnsure(TITLES.dockerFailed, ERRORS.dockerNoExitCode),
    requests: { login: 1 },
  },
  ...[401, 404, 501].map((code, i) => ({
    name: `a poll that is answered ${code} ends the step, and the login is logged out`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { poll: status(code, {}, '{"detail":"No."}') },
    ends: failsUnsure(TITLES.ofStatus('status', code), ERRORS.httpStatus('status', code, { detail: 'No' })),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  })),
  {
    name: 'a poll that is refused to post as well does not keep it from logging out',
    main: { poll: status(404) },
    post: { poll: status(404) },
    ends: failsUnsure(TITLES.apiNotFound, ERRORS.httpStatus('status', 404), FIX.apiUrlNoApi),
    requests: { poll: 1 },
    after: { requests: { poll: 1, logout: 1 } },
  },
  {
    name: 'a poll is not sent on by a redirect, and the login is logged out',
    main: ({ elsewhere }) => ({ poll: redirect(elsewhere.url, 302) }),
    ends: failsUnsure(TITLES.redirect, ERRORS.redirect('status', 302, { to: like(/127\.0\.0\.1.*/) }), FIX.apiUrlFinal),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
  {
    name: 'an operation with 10 MiB of output is a login like any other',
    main: { poll: withStdout('Login Succeeded\n'.repeat((10 * MIB) / 16)) },
    requests: { login: 1 },
    also: [logs(`${LOG.docker}Login Succeeded`, `${LOG.docker}${LOG.moreLines}`), (main) => assert.ok(main.stdout.length < MIB)],
  },
  {
    name: 'an operation with 10 MiB of output in one line is a login like any other',
    mode: 'passthrough',
    main: { poll: withStdout('x'.repeat(10 * MIB)) },
    requests: { login: 1 },
    also: [(main) => assert.ok(main.stdout.length < MIB)],
  },
  {
    name: 'an operation of more than 16 MiB is an error, and the login is logged out',
    main: { poll: padded(17 * MIB) },
    ends: failsUnsure(TITLES.unexpectedResponse, ERRORS.tooLarge('status'), FIX.apiUrlBase),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
  {
    name: 'an operation that repeats the key and the token, as they are and encoded, shows neither',
    mode: 'passthrough',
    main: ({ world }) => ({
      poll: whenEnded((operation, { headers }) => {
        const user = `${world.username}:${world.password}`;
        const secrets = [headers.authorization, world.password, btoa(unescape(encodeURIComponent(user)))];
        const said = secrets.flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text), `x${text}x`]);
        const hostile = `${said.join('\n')}\n::add-mask::a\n::set-output name=x::y\n##[error]boo\r::stop-commands::t\n`;
        return {
          ...operation,
          server_name: `web ${world.password}\n::error::boo`,
          result: { ...operation.result, stdout: hostile, stderr: hostile },
        };
      }),
    }),
    requests: { login: 1 },
    also: [
      (main) => assert.deepEqual([...new Set(main.commands.map(({ command }) => command))], ['add-mask']),
      (main) => assert.deepEqual(Object.keys(main.outputs).sort(), ['logins', 'operation_id', 'registry_type', 'registry_url']),
    ],
  },
];

const LOGOUT = [
  {
    name: 'a logout whose connection is reset unread is asked for again',
    post: { connections: [cut] },
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
    post: { logout: [lost] },
    after: { requests: { logout: 2 }, retries: 1 },
  },
  ...[429, 500, 503, 520].map((code, i) => ({
    name: `a logout that is answered ${code} is asked for again`,
    mode: i % 2 ? 'vault' : 'passthrough',
    post: { logout: [status(code)] },
    after: { requests: { logout: 2 }, retries: 1 },
  })),
  {
    name: 'a Retry-After of a logout is waited for',
    conditions: STEADY,
    post: { logout: [status(429, { 'retry-after': '1' })] },
    after: { requests: { logout: 2 }, retries: 1, takes: [1_000, 3_000] },
  },
  {
    name: 'a Retry-After beyond the 45 s of a logout is not waited for',
    conditions: STEADY,
    post: { logout: [status(503, { 'retry-after': '120' })] },
    after: { requests: { logout: 2 }, retries: 1, takes: [0, 3_000] },
  },
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
    post: { connections: cut },
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
    post: ({ elsewhere }) => ({ logout: redirect(elsewhere.url) }),
    after: { ...LOGOUT_FAILED, requests: { logout: 1 } },
    left: 1,
  },
  {
    name: 'a logout is done when the reply says 2xx, whatever it says besides',
    post: { logout: [empty] },
    after: { requests: { logout: 1 } },
  },
  {
    name: 'a logout is done when the reply says 2xx and half a JSON',
    mode: 'passthrough',
    post: { logout: [halved] },
    after: { requests: { logout: 1 } },
  },
  {
    name: 'a logout whose reply breaks off is asked for again',
    post: { logout: [brokenOff] },
    after: { requests: { logout: 2 }, retries: 1 },
  },
  {
    name: 'a logout that is answered by silence is asked for again after 15 s',
    post: { logout: [silence] },
    after: { requests: { logout: 2 }, retries: 1, takes: [1_490, 2_900] },
  },
  {
    name: 'a logout that is answered by silence is one warning after 45 s',
    mode: 'passthrough',
    post: { logout: silence },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2, takes: [4_400, 6_000] },
    left: 1,
  },
  {
    name: 'a logout of which only the head of the reply arrives is done, and one warning',
    post: { logout: stalled },
    after: { ...LOGOUT_FAILED, requests: { logout: 3 }, retries: 2, takes: [4_400, 6_000] },
  },
  {
    name: 'a login that never ends and a logout that is answered by silence take 45 s together',
    inputs: { timeout: '10' },
    main: { poll: withStatus('running') },
    post: { poll: withStatus('running'), logout: silence },
    ends: timesOut(RUNNING),
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
    conditions: HALF,
    inputs: { timeout: '10' },
    main: { poll: withStatus('running') },
    post: { poll: reset },
    ends: timesOut(RUNNING),
    after: {
      requests: { poll: [4, 12], logout: 1 },
      retries: [3, 12],
      ...STILL_RUNNING,
      takes: [1_500, 3_500],
    },
  },
  {
    name: 'a reply to the logout that repeats the key shows it nowhere',
    post: {
      logout: status(403, {}, ({ headers }) => JSON.stringify({ detail: `${headers.authorization}\n::error::boo` })),
    },
    after: { ...logoutFailed(withFix(ERRORS.httpStatus('logout', 403, { detail: like(/.*\*\*\*.*/) }), FIX.logoutPermission)), requests: { logout: 1 } },
    left: 1,
  },
];

const GROUPS = {
  'a poll that goes wrong': POLL,
  'a logout that goes wrong': LOGOUT,
  'a login whose reply is not one': LOGIN_REPLY,
  'a login that is answered with a status': LOGIN_STATUS,
  'a login that gets no reply': LOGIN_BROKEN,
  'a Retry-After': RETRY_AFTER,
  'a host that is not there or not the right one': LOGIN_HOST,
};

describe('a bad network', { concurrency: CONCURRENCY }, () => {
  for (const [what, rows] of Object.entries(GROUPS)) {
    describe(what, { concurrency: CONCURRENCY }, () => {
      let world;
      before(async () => {
        world = await createWorld(undefined, { servers: rows.map(({ name }) => name) });
        world.reoclo.setMaxListeners(0);
      });
      after(() => world.close());
      for (const row of rows) test(row.name, (t) => check(t, world, row));
    });
  }
});

test('a connection that is refused until Reoclo is back does not keep a login from succeeding', async (t) => {
  const world = await createWorld(t);
  const port = await closedPort();
  const step = world.start('main', {
    inputs: world.inputs.vault({ api_url: `http://127.0.0.1:${port}` }),
    nodeArgs: UNDER_CONDITIONS,
    // The longest waits: there is time to come back before the next attempt.
    env: { TEST_RANDOM: '1' },
  });
  const retrying = once(
    step.child.stdout.filter((text) => text.split('\n').some(LOG.isRetry)),
    'data',
  );
  // A step that does not try again has ended; what follows then says how.
  await Promise.race([retrying, step.done]);
  const faults = world.own(await startFaults(world.reoclo.url, {}, { port }));
  const main = await step.done;
  assert.deepEqual([main.code, main.annotations], [0, []]);
  assert.equal(faults.counts.login, 1);
  const retries = retriesOf(main);
  assert.ok(retries.length >= 1 && retries.length <= 2, retries.join('\n'));
  assert.match(retries[0], exactly(LOG.retrying('login', { error: ERRORS.connection('login', like(/.*ECONNREFUSED.*/)) })));
  await world.runPost(main);
  assert.deepEqual(world.server.agent.logins(), []);
});

async function check(t, world, row) {
  const { mode = 'vault', ends = LOGGED_IN, conditions = waits(row) ? QUICK : STEADY, left = 0 } = row;
  const own = (resource) => {
    t.after(() => resource.stop());
    return resource;
  };
  const elsewhere = own(await startElsewhere());
  const tls = row.tls && (await makeCertificate(row.tls));
  const faults = own(await startFaults(world.reoclo.url, planOf(row.main, { world, elsewhere }), { tls }));
  const server = world.servers[row.name];
  const given = typeof row.inputs === 'function' ? await row.inputs({ faults }) : row.inputs;
  const inputs = world.inputs[mode]({ api_url: faults.url, server_id: server.id, ...given });
  const env = { ...conditions, ...(row.trusted && { NODE_EXTRA_CA_CERTS: await fileOf(t, tls.cert) }) };
  const nodeArgs = UNDER_CONDITIONS;

  const main = await world.run('main', { inputs, env, nodeArgs });
  assert.equal(main.code, ends.code, main.stdout);
  assertAnnotations(main, ends.title ? [['error', ends.title]] : [], ends.message, server);
  assert.deepEqual(main.saved.map(({ performed }) => performed), [ends.performed], 'what state says of the login');
  assertCounts(faults.counts, { login: ends.code === 0 ? atLeast(1) : undefined, ...row.requests });
  assertRetries(main, row.retries);
  assertTook(main, row.takes);
  row.also?.forEach((assertion) => assertion(main, faults));
  if (row.operations !== undefined) assert.equal(operationsOf(world, server, 'registry_login').length, row.operations);
  await idle(world, server);

  const { after = {} } = row;
  const nothing = !ends.performed;
  faults.restart(planOf(row.post, { world, elsewhere }));
  // Post's own wait takes a tenth of its time where that is what the row is about, else none: docker then has all the time
  // there is.
  const isQuick = conditions.TEST_SPEED && after.takes;
  const post = await (isQuick ? world.runPost(main, { nodeArgs }) : runPostAtOnce(world, main, nodeArgs));
  assert.equal(post.code, 0, post.stdout);
  const warnings = after.warning ? [after.warning] : [];
  assertAnnotations(
    post,
    warnings.map((title) => ['warning', title]),
    after.message,
    server,
  );
  // On a clock that runs ten times as fast, a docker that is merely slow is late; the logout is then sent again.
  const logouts = isQuick ? atLeast(1) : 1;
  assertCounts(faults.counts, { login: 0, logout: nothing ? 0 : logouts, ...(nothing && { poll: 0 }), ...after.requests });
  if (nothing) assert.deepEqual(post.log, [LOG.noLogins]);
  assertRetries(post, after.retries ?? (isQuick ? atLeast(0) : 0));
  assertTook(post, after.takes);

  await idle(world, server);
  assert.equal(server.agent.logins().length, left, 'logins that stay on the server');
  assert.equal(elsewhere.connections, 0, 'nothing may reach the target of a redirect');
}

/** Runs post on a clock that leaps over its wait for a login that nobody can ask about. */
async function runPostAtOnce(world, main, nodeArgs) {
  const { TEST_SPEED: _, ...env } = main.env;
  const step = world.startPost(main, { nodeArgs, env: { ...env, TEST_LEAP_S: '20' } });
  const waits = printed(step, LOG.waitingForInterruptedLogin).then(() => step.child.kill('SIGUSR2'));
  // Most rows leave nothing to wait for.
  await waits.catch(() => {});
  return step.done;
}

/** Whether a row's steps wait for long: on purpose, or because post cannot know whether a login still runs. */
function waits({ ends = LOGGED_IN, takes, after }) {
  return takes !== undefined || after?.takes !== undefined || (ends.code === 1 && ends.performed);
}

function planOf(plan, context) {
  return typeof plan === 'function' ? plan(context) : plan;
}

/** The file of a certificate, away from what a step writes to. */
async function fileOf(t, cert) {
  const folder = await mkdtemp(join(tmpdir(), 'docker-auth-ca-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'ca.pem');
  await writeFile(path, cert);
  return path;
}

function assertAnnotations({ annotations, stdout }, expected, message, server) {
  assert.deepEqual(
    annotations.map(({ level, title }) => [level, title]),
    expected,
    stdout,
  );
  if (!message) return;
  assert.match(annotations.at(-1).message, new RegExp(message.source.replaceAll('SERVER', server.id), message.flags));
}

/** Compares numbers with numbers or with `[least, most]`. */
function assertCounts(counts, expected) {
  for (const [kind, range] of Object.entries(expected)) {
    if (range !== undefined) assertInRange(counts[kind], range, `${kind} of ${JSON.stringify(counts)}`);
  }
}

function assertInRange(number, range, what) {
  const [least, most] = Array.isArray(range) ? range : [range, range];
  assert.ok(number >= least && number <= most, `${what}: ${number}, not ${[...new Set([least, most])].join(' to ')}`);
}

function retriesOf({ log }) {
  return log.filter(LOG.isRetry);
}

/** That a step said so many times, in the words promised, that it tries again. */
function assertRetries(step, expected = 0) {
  const lines = retriesOf(step);
  assertInRange(lines.length, expected, `retries in\n${lines.join('\n')}\n`);
  lines.forEach((line) => assert.match(line, RETRY));
  // Of logins and logouts there is one call a step, and its attempts are numbered.
  const attempts = lines.map(LOG.attemptOf).filter(Boolean);
  assert.deepEqual(
    attempts.map(Number),
    attempts.map((_, i) => i + 2),
  );
}

/** Compares with `[least, most]`; a busy machine may take three times the most, and what hangs takes more. */
function assertTook({ step, durationMs }, range) {
  if (range) assertInRange(durationMs, [range[0], 3 * range[1]], `how long ${step} took, in ms`);
}
