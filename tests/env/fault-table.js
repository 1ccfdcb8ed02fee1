// A table of faults between a runner and Reoclo: what happens to which request, how the step ends, how many requests it
// sends, and what is left on the server.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { changedBody, startFaults, startRedirectTarget } from '../sandbox/faults.js';
import { makeCertificate } from '../support/certificate.js';
import { idle, operationsOf, printed } from './fleet.js';
import { ANY, ERRORS, exactly, FIX, like, LOG, oneOf, PROGRESS, TITLES, WARNINGS, withFix } from './messages.js';
import { createTestEnv, UNDER_CONDITIONS } from './test-env.js';

// So many rows at a time: they wait more than they work.
const CONCURRENCY = 9;

// How a row's steps find their process (see conditions.cjs): by default every
// random wait is 0, and where a step waits for long, what takes 30 s takes 3.
// `timeout` is in seconds of that clock, `takes` and `gap` are in milliseconds of
// this one.
export const FAST_CLOCK = { TEST_RANDOM: '0', TEST_SPEED: '10' };
export const FAST_CLOCK_HALF_WAITS = { TEST_RANDOM: '0.5', TEST_SPEED: '10' };
export const NO_WAITS = { TEST_RANDOM: '0' };
export const RANDOM_WAITS = {};

const RETRY = oneOf(
  exactly(LOG.retrying('login', { attempt: like(/[2-6]/) })),
  exactly(LOG.retrying('logout', { attempt: like(/[23]/) })),
  exactly(LOG.retrying('status')),
);

// How main can end.
const LOGGED_IN = { code: 0, needsLogout: true };
/** It fails, and there is certainly no login. */
export const failsWithoutLogin = (title, error, fix = ANY) => ({ code: 1, title, message: exactly(withFix(error, fix)), needsLogout: false });
/** It fails, and there may be a login. */
export const failsWithPossibleLogin = (title, error, fix = ANY) => ({ code: 1, title, message: exactly(withFix(error, fix)), needsLogout: true });
/** It times out: by default with an operation that was running, and the last error behind it if there was one. */
export const timesOut = ({ progress = PROGRESS.runningOrError(), seconds = like(/\d+/) } = {}) =>
  failsWithPossibleLogin(TITLES.timedOut, ERRORS.loginTimeout(seconds, progress), FIX.timeout);

export const logoutFailed = (why) => ({ warning: TITLES.logoutFailed, message: exactly(WARNINGS.logoutFailed('SERVER', { why })) });
export const LOGOUT_FAILED = logoutFailed(withFix(ANY, ANY));
export const STILL_RUNNING = { warning: TITLES.loginStillRunning, message: exactly(WARNINGS.loginStillRunning({ server: 'SERVER' })) };

export const atLeast = (least) => [least, Infinity];
/** The real operation, once it has ended, with another result. */
export const whenEnded = (change) =>
  changedBody((operation, request) => (operation.result ? change(operation, request) : operation));
/** The real operation, ended in a denial. */
export const denied = whenEnded((operation) => ({
  ...operation,
  status: 'failed',
  result: { exit_code: 1, stderr: 'denied' },
}));

/** Asserts how long after one request of a kind the next one came, in ms; a busy machine may take three times the most. */
export const gap =
  (kind, least, most = Infinity) =>
  (main, faults) => {
    const [first, second] = faults.requests.filter((request) => request.kind === kind);
    const waited = second.at - first.at;
    assert.ok(waited >= least && waited <= 3 * most, `${kind} came again after ${waited} ms`);
  };
export const logs =
  (...lines) =>
  (main) =>
    lines.forEach((line) => assert.ok(main.log.some((logged) => exactly(line).test(logged)), `no ${line} in\n${main.stdout}`));

/**
 * Runs a test for each row, all against one testEnv, on a server of the row's own.
 *
 * A row: `main` and `post` are the plans of faults, `ends` is the end of main, `requests` how often main asked, `retries`
 * how often it said that it asks again, `after` what post does, `left` how many logins stay on the server.
 */
export function faultTable(subject, rows) {
  describe(subject, { concurrency: CONCURRENCY }, () => {
    let testEnv;
    before(async () => {
      testEnv = await createTestEnv(undefined, { servers: rows.map(({ name }) => name) });
      testEnv.reoclo.setMaxListeners(0);
    });
    after(() => testEnv.close());
    for (const row of rows) test(row.name, (t) => check(t, testEnv, row));
  });
}

async function check(t, testEnv, row) {
  const { mode = 'vault', ends = LOGGED_IN, conditions = waits(row) ? FAST_CLOCK : NO_WAITS, left = 0 } = row;
  const cleanUp = (resource) => {
    t.after(() => resource.stop());
    return resource;
  };
  const redirectTarget = cleanUp(await startRedirectTarget());
  const tls = row.tls && (await makeCertificate(row.tls));
  const faults = cleanUp(await startFaults(testEnv.reoclo.url, planOf(row.main, { testEnv, redirectTarget }), { tls }));
  const server = testEnv.servers[row.name];
  const given = typeof row.inputs === 'function' ? await row.inputs({ faults }) : row.inputs;
  const inputs = testEnv.inputs[mode]({ api_url: faults.url, server_id: server.id, ...given });
  const env = { ...conditions, ...(row.trusted && { NODE_EXTRA_CA_CERTS: await fileOf(t, tls.cert) }) };
  const nodeArgs = UNDER_CONDITIONS;

  const main = await testEnv.run('main', { inputs, env, nodeArgs });
  assert.equal(main.code, ends.code, main.stdout);
  assertAnnotations(main, ends.title ? [['error', ends.title]] : [], ends.message, server);
  assert.deepEqual(main.saved.map(({ needsLogout }) => needsLogout), [ends.needsLogout], 'what state says of the login');
  assertCounts(faults.counts, { login: ends.code === 0 ? atLeast(1) : undefined, ...row.requests });
  assertRetries(main, row.retries);
  assertTook(main, row.takes);
  row.also?.forEach((assertion) => assertion(main, faults));
  if (row.operations !== undefined) assert.equal(operationsOf(testEnv, server, 'registry_login').length, row.operations);
  await idle(testEnv, server);

  const { after = {} } = row;
  const nothing = !ends.needsLogout;
  faults.restart(planOf(row.post, { testEnv, redirectTarget }));
  // Post's own wait takes a tenth of its time where that is what the row is about, else none: docker then has all the time
  // there is.
  const isQuick = conditions.TEST_SPEED && after.takes;
  const post = await (isQuick ? testEnv.runPost(main, { nodeArgs }) : runPostAtOnce(testEnv, main, nodeArgs));
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

  await idle(testEnv, server);
  assert.equal(server.agent.logins().length, left, 'logins that stay on the server');
  assert.equal(redirectTarget.connections, 0, 'nothing may reach the target of a redirect');
}

/** Runs post on a clock that leaps over its wait for a login that nobody can ask about. */
async function runPostAtOnce(testEnv, main, nodeArgs) {
  const { TEST_SPEED: _, ...env } = main.env;
  const step = testEnv.startPost(main, { nodeArgs, env: { ...env, TEST_LEAP_S: '20' } });
  const waits = printed(step, LOG.waitingForInterruptedLogin).then(() => step.child.kill('SIGUSR2'));
  // Most rows leave nothing to wait for.
  await waits.catch(() => {});
  return step.done;
}

/** Whether a row's steps wait for long: on purpose, or because post cannot know whether a login still runs. */
function waits({ ends = LOGGED_IN, takes, after }) {
  return takes !== undefined || after?.takes !== undefined || (ends.code === 1 && ends.needsLogout);
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
