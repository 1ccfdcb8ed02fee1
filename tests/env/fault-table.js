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

// Rows mostly wait, so many run concurrently.
const CONCURRENCY = Number(process.env.ROWS_AT_ONCE ?? 9);

// Conditions of a row's steps (see conditions.cjs). By default random waits are 0, and steps that wait for long run on a clock
// ten times as fast: `timeout` is in seconds of that clock, `takes` and `gap` are in real milliseconds.
export const FAST_CLOCK = { TEST_RANDOM: '0', TEST_SPEED: '10' };
export const FAST_CLOCK_HALF_WAITS = { TEST_RANDOM: '0.5', TEST_SPEED: '10' };
export const NO_WAITS = { TEST_RANDOM: '0' };
export const RANDOM_WAITS = {};

const RETRY = oneOf(
  exactly(LOG.retrying('login', { attempt: like(/[2-6]/) })),
  exactly(LOG.retrying('logout', { attempt: like(/[23]/) })),
  exactly(LOG.retrying('status')),
);

// Results of main.
const LOGGED_IN = { code: 0, needsLogout: true };
/** It fails without a login. */
export const failsWithoutLogin = (title, error, fix = ANY) => ({ code: 1, title, message: exactly(withFix(error, fix)), needsLogout: false });
/** It fails, and there may be a login to log out. */
export const failsWithPossibleLogin = (title, error, fix = ANY) => ({ code: 1, title, message: exactly(withFix(error, fix)), needsLogout: true });
/** It times out, by default with an operation that was running. */
export const timesOut = ({ progress = PROGRESS.runningOrError(), seconds = like(/\d+/) } = {}) =>
  failsWithPossibleLogin(TITLES.timedOut, ERRORS.loginTimeout(seconds, progress), FIX.timeout);

export const logoutFailed = (why) => ({ warning: TITLES.logoutFailed, message: exactly(WARNINGS.logoutFailed('SERVER', { why })) });
export const LOGOUT_FAILED = logoutFailed(withFix(ANY, ANY));
export const STILL_RUNNING = { warning: TITLES.loginStillRunning, message: exactly(WARNINGS.loginStillRunning({ server: 'SERVER' })) };

export const atLeast = (least) => [least, Infinity];
/** The real operation; `change` is applied once it has a result. */
export const whenEnded = (change) =>
  changedBody((operation, request) => (operation.result ? change(operation, request) : operation));
/** The real operation, failed with a denial. */
export const denied = whenEnded((operation) => ({
  ...operation,
  status: 'failed',
  result: { exit_code: 1, stderr: 'denied' },
}));

/** Asserts the time between the first two requests of a kind, in ms; `most` times three, since the machine may be busy. */
export const gap =
  (kind, least, most = Infinity) =>
  (main, faults) => {
    const [first, second] = faults.requests.filter((request) => request.kind === kind);
    const waited = second.at - first.at;
    assert.ok(waited >= least && waited <= 3 * most, `${kind} was sent again after ${waited} ms`);
  };
export const logs =
  (...lines) =>
  (main) =>
    lines.forEach((line) => assert.ok(main.log.some((logged) => exactly(line).test(logged)), `no ${line} in\n${main.stdout}`));

/**
 * Runs a test for each row, all in one test environment, each with its own server.
 *
 * A row: `main` and `post` are plans of faults, `ends` is the result of main, `requests`, `retries` and `warnings` are its,
 * `after` is what post does, `left` how many logins remain on the server.
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
  const expected = [...(row.warnings ?? []).map((title) => ['warning', title]), ...(ends.title ? [['error', ends.title]] : [])];
  assertAnnotations(main, expected, ends.message, server);
  assert.deepEqual(main.saved.map(({ needsLogout }) => needsLogout), [ends.needsLogout], 'needsLogout in the state');
  assertCounts(faults.counts, { login: ends.code === 0 ? atLeast(1) : undefined, ...row.requests });
  assertRetries(main, row.retries);
  assertTook(main, row.takes);
  row.also?.forEach((assertion) => assertion(main, faults));
  if (row.operations !== undefined) assert.equal(operationsOf(testEnv, server, 'registry_login').length, row.operations);
  await idle(testEnv, server);

  const { after = {} } = row;
  const nothing = !ends.needsLogout;
  faults.restart(planOf(row.post, { testEnv, redirectTarget }));
  // If the row measures post, it runs on the fast clock; else the clock jumps over its wait.
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
  // On the fast clock docker may be too slow, and the logout is then sent again.
  const logouts = isQuick ? atLeast(1) : 1;
  assertCounts(faults.counts, { login: 0, logout: nothing ? 0 : logouts, ...(nothing && { poll: 0 }), ...after.requests });
  if (nothing) assert.deepEqual(post.log, [LOG.noLogins]);
  assertRetries(post, after.retries ?? (isQuick ? atLeast(0) : 0));
  assertTook(post, after.takes);

  await idle(testEnv, server);
  assert.equal(server.agent.logins().length, left, 'logins that remain on the server');
  assert.equal(redirectTarget.connections, 0, 'no request may reach the target of a redirect');
}

/** Runs post; the clock jumps over its wait for an interrupted login. */
async function runPostAtOnce(testEnv, main, nodeArgs) {
  const { TEST_SPEED: _, ...env } = main.env;
  const step = testEnv.startPost(main, { nodeArgs, env: { ...env, TEST_JUMP_S: '20' } });
  const waits = printed(step, LOG.waitingForUnknownLogin).then(() => step.child.kill('SIGUSR2'));
  // Most rows have none.
  await waits.catch(() => {});
  return step.done;
}

/** Whether a row's steps wait for long. */
function waits({ ends = LOGGED_IN, takes, after }) {
  return takes !== undefined || after?.takes !== undefined || (ends.code === 1 && ends.needsLogout);
}

function planOf(plan, context) {
  return typeof plan === 'function' ? plan(context) : plan;
}

/** Writes a certificate to a file outside of the runner's folders. */
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

/** Asserts the number of retry lines and their text. */
function assertRetries(step, expected = 0) {
  const lines = retriesOf(step);
  assertInRange(lines.length, expected, `retries in\n${lines.join('\n')}\n`);
  lines.forEach((line) => assert.match(line, RETRY));
  // A step has one login or logout request, whose attempts are numbered.
  const attempts = lines.map(LOG.attemptOf).filter(Boolean);
  assert.deepEqual(
    attempts.map(Number),
    attempts.map((_, i) => i + 2),
  );
}

/** Compares with `[least, most]`; `most` times three, since the machine may be busy. */
function assertTook({ step, durationMs }, range) {
  if (range) assertInRange(durationMs, [range[0], 3 * range[1]], `duration of ${step} in ms`);
}
