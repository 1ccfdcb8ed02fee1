// What post says about a logout is what the API has confirmed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ANY, ERRORS, exactly, FIX, LOG, SUMMARY, TITLES, WARNINGS, withFix } from '../../env/messages.js';
import { createScriptedEnv } from '../../env/scripted-env.js';
import { UNDER_CONDITIONS } from '../../env/test-env.js';
import { ended, LOGOUT_OPERATION, REGISTRY, startScriptedApi } from '../../sandbox/scripted-api.js';

const OTHER = '99999999-9999-4999-8999-999999999999';
const response = (status, different) => [200, { operation_id: LOGOUT_OPERATION, status, ...different }];
const operation = (status, different) => [200, { operation_id: LOGOUT_OPERATION, status, ...different }];
const RUNNING = [202, { operation_id: LOGOUT_OPERATION, status: 'running' }];
const DENIED = { result: { exit_code: 1, stderr: 'Error: no space left on device' } };

const LOGGED_OUT = { line: LOG.loggedOutOf(REGISTRY, ANY), cell: SUMMARY.loggedOut };
const REQUESTED = { line: LOG.logoutRequested(REGISTRY, ANY), cell: SUMMARY.logoutRequested };
const failed = (error, fix = ANY) => ({ warning: withFix(error, fix), cell: SUMMARY.mayStillBeLoggedIn });
const dockerFailed = (output) => failed(ERRORS.dockerLogout({ registry: REGISTRY, operation: LOGOUT_OPERATION, output }), FIX.logoutByHand(REGISTRY));
const NOT_FINISHED = failed(ERRORS.dockerLogoutNotFinished({ registry: REGISTRY, operation: LOGOUT_OPERATION }), FIX.logoutByHand(REGISTRY));

/** Without the selector of an emoji's form. */
const plain = (text) => text.replaceAll('\ufe0f', '');

// `logouts` and `polls` are the numbers of requests, 1 and 0 by default.
const ROWS = [
  { name: 'completed', logout: response('completed'), ends: LOGGED_OUT },
  { name: 'completed in upper case', logout: response('COMPLETED'), ends: LOGGED_OUT, polls: [0, 1] },
  { name: 'empty with status 200', logout: [200, ''], ends: LOGGED_OUT },
  { name: 'empty with status 204', logout: [204, ''], ends: LOGGED_OUT },
  { name: 'JSON without status', logout: [200, {}], ends: LOGGED_OUT },
  { name: 'JSON with an operation without status', logout: [200, { operation_id: LOGOUT_OPERATION }], ends: LOGGED_OUT },
  { name: 'running, then completed', logout: RUNNING, logoutStatus: (n) => operation(n < 2 ? 'running' : 'completed'), ends: LOGGED_OUT, polls: 2 },
  { name: 'queued, then completed', logout: response('queued'), logoutStatus: (n) => operation(n < 2 ? 'queued' : 'completed'), ends: LOGGED_OUT, polls: 2 },
  { name: 'running, then completed with exit code 0', logout: RUNNING, logoutStatus: [200, ended()], ends: LOGGED_OUT, polls: 1 },
  { name: 'running, then completed with exit code 1', logout: RUNNING, logoutStatus: operation('completed', DENIED), ends: dockerFailed(DENIED.result.stderr), polls: 1 },
  { name: 'running, then failed', logout: RUNNING, logoutStatus: operation('failed', DENIED), ends: dockerFailed(DENIED.result.stderr), polls: 1 },
  { name: 'running, then failed without output', logout: RUNNING, logoutStatus: operation('failed'), ends: dockerFailed(), logouts: 3, polls: 3 },
  { name: 'running, then timeout', logout: RUNNING, logoutStatus: operation('timeout', DENIED), ends: dockerFailed(DENIED.result.stderr), polls: 1 },
  {
    name: 'running, then failed for the moment, then completed',
    logout: RUNNING,
    logoutStatus: (n) => operation(n === 1 ? 'failed' : 'completed', n === 1 ? { result: { exit_code: 1, stderr: 'dial tcp: i/o timeout' } } : {}),
    ends: LOGGED_OUT,
    logouts: 2,
    polls: 2,
  },
  { name: 'running for ever', logout: RUNNING, logoutStatus: operation('running'), ends: NOT_FINISHED, polls: [3, Infinity] },
  { name: 'failed at once', logout: response('failed'), logoutStatus: operation('failed', DENIED), ends: dockerFailed(DENIED.result.stderr), polls: 1 },
  { name: 'timeout at once', logout: response('timeout'), logoutStatus: operation('timeout', DENIED), ends: dockerFailed(DENIED.result.stderr), polls: 1 },
  { name: 'failed without operation', logout: [200, { status: 'failed' }], ends: failed(ERRORS.dockerLogoutRejected(REGISTRY), FIX.logoutByHand(REGISTRY)) },
  { name: 'running without operation', logout: [202, { status: 'running' }], ends: REQUESTED },
  { name: 'a login page', logout: [200, '<!doctype html><title>Sign in</title>', { 'content-type': 'text/html' }], ends: failed(ERRORS.invalidJson('logout')), logouts: [1, 3] },
  { name: 'a JSON string', logout: [200, '"ok"'], ends: LOGGED_OUT },
  ...[403, 404].map((code) => ({ name: `running, and HTTP ${code} for the status`, logout: RUNNING, logoutStatus: [code, { detail: 'No' }], ends: REQUESTED, polls: 1 })),
  { name: 'running, and HTTP 401 for the status', logout: RUNNING, logoutStatus: [401, { detail: 'No' }], ends: failed(ERRORS.httpStatus('status', 401, { detail: 'No' })), polls: 1 },
  { name: 'running, and HTTP 503 for the status once', logout: RUNNING, logoutStatus: (n) => (n === 1 ? [503, ''] : operation('completed')), ends: LOGGED_OUT, polls: 2 },
  {
    name: 'running, and the status of another operation',
    logout: RUNNING,
    logoutStatus: operation('completed', { operation_id: OTHER }),
    ends: failed(ERRORS.unexpectedResponse('status', 'it is for another operation or server')),
    polls: [1, 3],
  },
  {
    name: 'running, and the status of another server',
    logout: RUNNING,
    logoutStatus: operation('completed', { server_id: OTHER }),
    ends: failed(ERRORS.unexpectedResponse('status', 'it is for another operation or server')),
    polls: [1, 3],
  },
];


describe('the result of a logout', { concurrency: 2 }, () => {
  let testEnv;
  before(async () => ({ testEnv } = await createScriptedEnv()));
  after(() => testEnv.close());

  for (const { name, ends, logouts = 1, polls = 0, ...responses } of ROWS) {
    test(`is right after ${name}`, async (t) => {
      const api = await startScriptedApi(responses);
      t.after(() => api.stop());
      const state = { api_url: api.url, job_summary: 'true', login_1: `${testEnv.server.id} 1 ended 0 certain - ${REGISTRY} -` };
      const env = { TEST_RANDOM: '0', TEST_SPEED: '20' };
      const post = await testEnv.run('post', { inputs: testEnv.inputs.passthrough(), state, env, nodeArgs: UNDER_CONDITIONS });
      assert.equal(post.code, 0);
      const warnings = post.annotations.map(({ level, title }) => [level, title]);
      assert.deepEqual(warnings, ends.warning ? [['warning', TITLES.logoutFailed]] : [], post.stdout);
      if (ends.warning) assert.match(post.annotations[0].message, exactly(WARNINGS.logoutFailed(testEnv.server.id, { registry: REGISTRY, why: ends.warning })));
      const claims = post.log.filter((line) => exactly(LOG.loggedOutOf(ANY, ANY)).test(line) || exactly(LOG.logoutRequested(ANY, ANY)).test(line));
      assert.equal(claims.length, ends.line ? 1 : 0, post.stdout);
      if (ends.line) assert.match(claims[0], exactly(ends.line));
      const rows = post.summary.split('\n').filter((line) => line.includes(REGISTRY));
      assert.equal(rows.length, 1, post.summary);
      // job-summary.test.js is about the form of the symbols.
      assert.ok(plain(rows[0]).includes(plain(ends.cell)), `${rows[0]} instead of ${ends.cell}`);
      for (const [kind, expected] of [['logout', logouts], ['logoutStatus', polls]]) {
        const [least, most] = [expected].flat().length === 2 ? expected : [expected, expected];
        const n = api.count(kind);
        assert.ok(n >= least && n <= most, `${n} ${kind} requests instead of ${least} to ${most}:\n${post.stdout}`);
      }
    });
  }
});
