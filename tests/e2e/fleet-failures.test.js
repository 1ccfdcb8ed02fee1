// Some logins of a step fail: one error names them, and post logs the others out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANY, ERRORS, exactly, FIX, label, like, LOG, NAMES, PROGRESS, TITLES, WARNINGS, withFix } from '../env/messages.js';
import { pass, startFaults, status } from '../sandbox/faults.js';
import { createFleet, hangDocker, loginsOf, printed } from '../env/fleet.js';
import { UNDER_CONDITIONS } from '../env/test-env.js';

const under = (env) => ({ nodeArgs: UNDER_CONDITIONS, env: { TEST_RANDOM: '0', ...env } });
const loggedOut = (post, servers, registries) =>
  Promise.all(servers.flatMap(({ name }) => registries.map((registry) => printed(post, label(name, registry) + LOG.loggedOut))));
const title = ({ level, title }) => [level, title];

test('a server that hangs affects no other server', async (t) => {
  const { testEnv, servers, registries, credentials, inputs } = await createFleet(t);
  const [, hanging] = servers;
  await hangDocker(hanging);

  const step = testEnv.start('main', { inputs: inputs({ timeout: '600' }), ...under({ TEST_JUMP_S: '600' }) });
  // The clock jumps when only the hanging server is left.
  const done = (name) => registries.map((registry) => printed(step, label(name, registry) + LOG.loggedInStart(name, registry)));
  await Promise.all([...done('web-1'), ...done('web-3'), printed(step, label(NAMES.server(hanging.id), registries[0]) + LOG.operationStart)]);
  step.child.kill('SIGUSR2');
  const main = await step.done;

  const [operation] = [...testEnv.reoclo.operations.values()].filter(({ server_id }) => server_id === hanging.id);
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(title), [['error', TITLES.timedOut]]);
  const [head, first, fix, second, secondFix, ...rest] = main.annotations[0].message.split('\n');
  assert.deepEqual([head, rest], [ERRORS.failed(2, 6), []]);
  assert.equal(first, `${NAMES.server(hanging.id)}, ${registries[0]}: ${ERRORS.loginTimeout(600, PROGRESS.running(operation.operation_id))}`);
  assert.equal(fix, ERRORS.fix(FIX.timeout));
  assert.equal(second, `${NAMES.server(hanging.id)}, ${NAMES.credential(credentials[1])}: ${ERRORS.skippedAfterTimeout}`);
  assert.equal(secondFix, ERRORS.fix(FIX.skippedAfterTimeout));
  assert.deepEqual(main.saved.map(({ key }) => key), ['login_1', 'login_2', 'login_3', 'login_5', 'login_6'], 'skipped logins are not saved');
  assert.match(main.log.at(-1), exactly(LOG.finished(4, 6)));

  const ids = main.outputs.operation_id.split('\n');
  assert.deepEqual([ids.length, ids[2], ids[3]], [6, operation.operation_id, '-']);
  assert.equal(main.outputs.registry_url, [...registries, registries[0], '-', ...registries].join('\n'));
  assert.deepEqual(JSON.parse(main.outputs.logins).map(({ server_name }) => server_name), ['web-1', 'web-1', 'web-3', 'web-3']);
  assert.deepEqual(loginsOf(testEnv), { 'web-1': registries.toSorted(), 'web-2': [], 'web-3': registries.toSorted() });

  // Post waits for the login of the hanging server and then for its logout, each until the clock jumps.
  const post = testEnv.startPost(main, under({ TEST_JUMP_S: '22' }));
  await loggedOut(post, [servers[0], servers[2]], registries);
  post.child.kill('SIGUSR2');
  await testEnv.reoclo.seen(({ path, body }) => path.endsWith('/logout') && body.server_id === hanging.id);
  post.child.kill('SIGUSR2');
  const { code, annotations } = await post.done;
  assert.deepEqual([code, annotations.map(title)], [0, [['warning', TITLES.logoutFailed]]]);
  assert.match(annotations[0].message, exactly(WARNINGS.logoutFailed(hanging.id, { registry: registries[0], why: withFix(ANY, ANY) })));
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
});

test('an unknown server is named, others keep logins', async (t) => {
  const { testEnv, servers, registries, credentials, inputs } = await createFleet(t);
  const [, unknown] = servers;
  testEnv.reoclo.servers.delete(unknown.id);
  testEnv.cleanUp(unknown.agent);

  const main = await testEnv.run('main', { inputs: inputs() });
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(title), [['error', TITLES.notFound]]);
  // Both logins have the same error, which is shown once.
  const [head, why, fix, ...rest] = main.annotations[0].message.split('\n');
  assert.deepEqual([head, rest], [ERRORS.failed(2, 6), []]);
  const names = credentials.map((credential) => `${NAMES.server(unknown.id)}, ${NAMES.credential(credential)}`).join('; ');
  const { host } = new URL(testEnv.reoclo.url);
  assert.equal(why, ERRORS.same(2, ERRORS.httpStatus('login', 404, { host, detail: `Server ${unknown.id} not found` }), names));
  assert.equal(fix, ERRORS.fix(FIX.serverAndCredential));
  assert.deepEqual(loginsOf(testEnv), { 'web-1': registries.toSorted(), 'web-2': [], 'web-3': registries.toSorted() });

  const post = await testEnv.runPost(main);
  const labels = ['web-1', 'web-3'].flatMap((name) => registries.map((registry) => label(name, registry)));
  assert.deepEqual([post.code, post.annotations, post.log.toSorted()], [0, [], labels.map((start) => start + LOG.loggedOut).toSorted()]);
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
});

test('logs out a possible login after HTTP 503', async (t) => {
  const { testEnv, servers, registries, inputs } = await createFleet(t);
  const [, busy] = servers;
  const unavailable = status(503);
  const faults = testEnv.cleanUp(
    await startFaults(testEnv.reoclo.url, { login: (exchange) => (exchange.request.body.includes(busy.id) ? unavailable : pass)(exchange) }),
  );

  const main = await testEnv.run('main', { inputs: inputs({ api_url: faults.url }), ...under() });
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(title), [['error', TITLES.serverError]]);
  const names = `${NAMES.server(busy.id)}, ${ANY}; ${NAMES.server(busy.id)}, ${ANY}`;
  const error = ERRORS.same(2, ERRORS.httpStatus('login', 503), names);
  assert.match(main.annotations[0].message, exactly([ERRORS.failed(2, 6), error, ERRORS.fix(FIX.serverError)].join('\n')));
  const retries = main.log.filter((line) => line.startsWith(`[${NAMES.server(busy.id)}, ${NAMES.credential('')}`) && LOG.isRetry(line));
  assert.equal(retries.length, 2 * 5, main.stdout);
  assert.deepEqual(loginsOf(testEnv), { 'web-1': registries.toSorted(), 'web-2': [], 'web-3': registries.toSorted() });

  // The login may still be running: post waits for 20 s, until the clock jumps.
  const step = testEnv.startPost(main, under({ TEST_JUMP_S: '22' }));
  await Promise.all([loggedOut(step, [servers[0], servers[2]], registries), printed(step, LOG.waitingForUnknownLogin)]);
  step.child.kill('SIGUSR2');
  const post = await step.done;
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  for (const registry of registries) assert.ok(post.log.includes(label(NAMES.server(busy.id), registry) + LOG.loggedOut), post.stdout);
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
});

test('an invalid key stops all logins', async (t) => {
  const { testEnv, inputs } = await createFleet(t, { servers: 10, types: ['generic', 'harbor', 'generic'] });
  // All ten requests arrive before the first response is sent.
  let respond;
  const ten = new Promise((resolve) => (respond = resolve));
  const faults = testEnv.cleanUp(
    await startFaults(testEnv.reoclo.url, {
      login: async (exchange) => {
        if (faults.counts.login === 10) respond();
        await ten;
        return pass(exchange);
      },
    }),
  );
  const main = await testEnv.run('main', { inputs: inputs({ api_url: faults.url, api_key: 'rca_unknown' }) });
  assert.deepEqual([main.code, faults.requests.length], [1, 10], main.stdout);
  assert.equal(new Set(faults.requests.map(({ body }) => JSON.parse(body).server_id)).size, 10);
  assert.deepEqual(main.annotations.map(title), [['error', TITLES.invalidApiKey]]);
  const [head, error, fix, skipped, skippedFix, ...rest] = main.annotations[0].message.split('\n');
  assert.deepEqual([head, rest], [ERRORS.failed(30, 30), []]);
  assert.match(error, exactly(ERRORS.same(10, ERRORS.httpStatus('login', 401, { detail: 'Invalid API key' }))));
  assert.equal(fix, ERRORS.fix(FIX.apiKey));
  assert.match(skipped, exactly(ERRORS.same(20, ERRORS.skippedAfterError)));
  assert.equal(skippedFix, ERRORS.fix(FIX.skippedAfterError));
  assert.match(main.log.at(-1), exactly(LOG.finishedWithoutLogin(30)));
  assert.equal(main.saved.length, 10, 'skipped logins are not saved');
  assert.equal(main.outputs.logins, '[]');

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.log, post.annotations], [0, [LOG.noLogins], []]);
  assert.equal(faults.requests.length, 10);
});

test('different failures are one error with docker output', async (t) => {
  const { testEnv, servers, registries, credentials, inputs } = await createFleet(t);
  testEnv.reoclo.credentials.get(credentials[1]).password = 'not-the-password';
  testEnv.reoclo.servers.delete(servers[2].id);
  testEnv.cleanUp(servers[2].agent);
  const main = await testEnv.run('main', { inputs: inputs() });
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(title), [['error', TITLES.loginsFailed]]);
  const [head, ...whys] = main.annotations[0].message.split('\n');
  assert.deepEqual([head, whys.length], [ERRORS.failed(4, 6), 5], main.annotations[0].message);
  const denied = ({ id, name }) =>
    exactly(`${NAMES.credential(credentials[1])}: ${ERRORS.docker({ registry: registries[1], server: `${name} (${id})`, output: like(/.*401 Unauthorized.*/) })}`);
  // Both have the same remedy, which is shown once, after the first.
  assert.match(whys[0], denied(servers[0]));
  assert.match(whys[1], exactly(ERRORS.sameFix(2, FIX.credential)));
  assert.match(whys[2], denied(servers[1]));
  assert.match(whys[3], exactly(ERRORS.same(2, ERRORS.httpStatus('login', 404))));
  assert.equal(whys[4], ERRORS.fix(FIX.serverAndCredential));
  // The log has the docker output of a failure.
  assert.ok(main.log.some((line) => line.startsWith(label('web-1', registries[1]) + LOG.docker) && line.includes('401 Unauthorized')));

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.annotations, post.log.length], [[], 2], post.stdout);
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
});

test('warns of two credentials for one registry', async (t) => {
  const { testEnv, registries, credentials, inputs } = await createFleet(t, { types: ['generic'] });
  const second = testEnv.addCredential();
  const main = await testEnv.run('main', { inputs: inputs({ credential_id: `${credentials[0]},${second}` }) });
  assert.deepEqual([main.code, main.annotations.map(title)], [0, [['warning', TITLES.duplicateRegistry]]]);
  assert.equal(main.annotations[0].message, WARNINGS.duplicateRegistry(credentials[0], second, registries[0]));
  assert.equal(JSON.parse(main.outputs.logins).length, 6);

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.annotations, post.log.length], [[], 3], post.stdout);
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
});
