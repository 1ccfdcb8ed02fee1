// Some logins of a step fail: one error says which and why, the others are made, stay, and are logged out by post.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pass, startFaults, status } from '../sandbox/faults.js';
import { createFleet, die, loginsOf, printed } from '../env/fleet.js';
import { UNDER_CONDITIONS } from '../env/test-env.js';

const under = (env) => ({ nodeArgs: UNDER_CONDITIONS, env: { TEST_RANDOM: '0', ...env } });
const loggedOut = (post, servers, registries) =>
  Promise.all(servers.flatMap(({ name }) => registries.map((registry) => printed(post, `[${name}, ${registry}] Logged out`))));
const title = ({ level, title }) => [level, title];

test('a server on which docker never ends is told at `timeout`, and keeps no other from its login and its logout', async (t) => {
  const { world, servers, registries, credentials, inputs } = await createFleet(t);
  const [, dead] = servers;
  await die(dead);

  const step = world.start('main', { inputs: inputs({ timeout: '600' }), ...under({ TEST_LEAP_S: '600' }) });
  // The ten minutes are over when nothing but the dead server is left to wait for.
  const done = (name) => registries.map((registry) => printed(step, `[${name}, ${registry}] Logged ${name} (`));
  await Promise.all([...done('web-1'), ...done('web-3'), printed(step, `[server ${dead.id}, ${registries[0]}] Operation`)]);
  step.child.kill('SIGUSR2');
  const main = await step.done;

  const [operation] = [...world.reoclo.operations.values()].filter(({ server_id }) => server_id === dead.id);
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(title), [['error', 'Timed out']]);
  const [head, first, fix, second, secondFix, ...rest] = main.annotations[0].message.split('\n');
  assert.deepEqual([head, rest], ['2 of 6 logins failed:', []]);
  assert.equal(first, `server ${dead.id}, ${registries[0]}: The login did not end within 600 s: operation ${operation.operation_id} still ran on the server.`);
  assert.match(fix, /^Fix: see whether the server is online in Reoclo/);
  assert.equal(second, `server ${dead.id}, credential ${credentials[1]}: Reoclo was not asked for it: the time was up before its turn came.`);
  assert.match(secondFix, /^Fix: /);
  assert.deepEqual(main.saved.map(({ key }) => key), ['login_1', 'login_2', 'login_3', 'login_5', 'login_6'], 'nothing is left for what was not asked for');
  assert.match(main.log.at(-1), /^4 of 6 logins done in /);

  const ids = main.outputs.operation_id.split('\n');
  assert.deepEqual([ids.length, ids[2], ids[3]], [6, operation.operation_id, '-']);
  assert.equal(main.outputs.registry_url, [...registries, registries[0], '-', ...registries].join('\n'));
  assert.deepEqual(JSON.parse(main.outputs.logins).map(({ server_name }) => server_name), ['web-1', 'web-1', 'web-3', 'web-3']);
  assert.deepEqual(loginsOf(world), { 'web-1': registries.toSorted(), 'web-2': [], 'web-3': registries.toSorted() });

  // Post waits for the dead server's login, and then for its logout, each until the clock leaps.
  const post = world.startPost(main, under({ TEST_LEAP_S: '22' }));
  await loggedOut(post, [servers[0], servers[2]], registries);
  post.child.kill('SIGUSR2');
  await world.reoclo.seen(({ path, body }) => path.endsWith('/logout') && body.server_id === dead.id);
  post.child.kill('SIGUSR2');
  const { code, annotations } = await post.done;
  assert.deepEqual([code, annotations.map(title)], [0, [['warning', 'Logout failed']]]);
  assert.match(annotations[0].message, new RegExp(`^Server ${dead.id} may still be logged in to ${registries[0]}\\. .* Fix: [^\n]*$`));
  assert.deepEqual(Object.values(loginsOf(world)).flat(), []);
});

test('a server that Reoclo does not know is named, and the logins of the others stay', async (t) => {
  const { world, servers, registries, credentials, inputs } = await createFleet(t);
  const [, unknown] = servers;
  world.reoclo.servers.delete(unknown.id);
  world.own(unknown.agent);

  const main = await world.run('main', { inputs: inputs() });
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(title), [['error', 'Reoclo does not know this id']]);
  // Both logins failed of the same, which is said once.
  const [head, why, fix, ...rest] = main.annotations[0].message.split('\n');
  assert.deepEqual([head, rest], ['2 of 6 logins failed:', []]);
  const names = credentials.map((credential) => `server ${unknown.id}, credential ${credential}`).join('; ');
  const { host } = new URL(world.reoclo.url);
  assert.equal(why, `2 logins: Reoclo at ${host} answered 404 to the login request: Server ${unknown.id} not found. (${names})`);
  assert.match(fix, /^Fix: check server_id and credential_id: /);
  assert.deepEqual(loginsOf(world), { 'web-1': registries.toSorted(), 'web-2': [], 'web-3': registries.toSorted() });

  const post = await world.runPost(main);
  const labels = ['web-1', 'web-3'].flatMap((name) => registries.map((registry) => `[${name}, ${registry}]`));
  assert.deepEqual([post.code, post.annotations, post.log.toSorted()], [0, [], labels.map((label) => `${label} Logged out`).toSorted()]);
  assert.deepEqual(Object.values(loginsOf(world)).flat(), []);
});

test('what may be logged in after a 503 is logged out, of the registry that the other servers were told', async (t) => {
  const { world, servers, registries, inputs } = await createFleet(t);
  const [, busy] = servers;
  const unavailable = status(503);
  const faults = world.own(
    await startFaults(world.reoclo.url, { login: (exchange) => (exchange.request.body.includes(busy.id) ? unavailable : pass)(exchange) }),
  );

  const main = await world.run('main', { inputs: inputs({ api_url: faults.url }), ...under() });
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(title), [['error', 'Reoclo had an error']]);
  assert.match(main.annotations[0].message, new RegExp(`^2 of 6 logins failed:\n2 logins: Reoclo at .* answered 503 .* \\(server ${busy.id}, .*; server ${busy.id}, .*\\)\nFix: run the job again`));
  const retries = main.log.filter((line) => line.startsWith(`[server ${busy.id}, credential `) && line.includes('] Retrying '));
  assert.equal(retries.length, 2 * 5, main.stdout);
  assert.deepEqual(loginsOf(world), { 'web-1': registries.toSorted(), 'web-2': [], 'web-3': registries.toSorted() });

  // Nobody knows whether the login still runs: it gets 20 s, until the clock leaps.
  const step = world.startPost(main, under({ TEST_LEAP_S: '22' }));
  await Promise.all([loggedOut(step, [servers[0], servers[2]], registries), printed(step, 'Waiting for the end of a login that was cut off')]);
  step.child.kill('SIGUSR2');
  const post = await step.done;
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  for (const registry of registries) assert.ok(post.log.includes(`[server ${busy.id}, ${registry}] Logged out`), post.stdout);
  assert.deepEqual(Object.values(loginsOf(world)).flat(), []);
});

test('what nothing can mend is asked once a server, and said in one error', async (t) => {
  const { world, inputs } = await createFleet(t, { servers: 10, types: ['generic', 'harbor', 'generic'] });
  // Eight requests are under way before the first of them is answered.
  let answer;
  const eight = new Promise((resolve) => (answer = resolve));
  const faults = world.own(
    await startFaults(world.reoclo.url, {
      login: async (exchange) => {
        if (faults.counts.login === 8) answer();
        await eight;
        return pass(exchange);
      },
    }),
  );
  const main = await world.run('main', { inputs: inputs({ api_url: faults.url, api_key: 'rca_unknown' }) });
  assert.deepEqual([main.code, faults.requests.length], [1, 8], main.stdout);
  assert.equal(new Set(faults.requests.map(({ body }) => JSON.parse(body).server_id)).size, 8);
  assert.deepEqual(main.annotations.map(title), [['error', 'Reoclo does not accept the API key']]);
  const [head, refused, fix, untried, untriedFix, ...rest] = main.annotations[0].message.split('\n');
  assert.deepEqual([head, rest], ['30 of 30 logins failed:', []]);
  assert.match(refused, /^8 logins: Reoclo at .* answered 401 .*: Invalid API key\. \(.*\)$/);
  assert.match(fix, /^Fix: check api_key/);
  assert.match(untried, /^22 logins: Reoclo was not asked for it: what is wrong with another login/);
  assert.match(untriedFix, /^Fix: /);
  assert.match(main.log.at(-1), /^0 of 30 logins done in \d+\.\d s$/);
  assert.equal(main.saved.length, 8, 'nothing is left for what was not asked for');
  assert.equal(main.outputs.logins, '[]');

  const post = await world.runPost(main);
  assert.deepEqual([post.code, post.log, post.annotations], [0, ['No login to clean up.'], []]);
  assert.equal(faults.requests.length, 8);
});

test('failures of several kinds are one error, and the words of docker are in it', async (t) => {
  const { world, servers, registries, credentials, inputs } = await createFleet(t);
  world.reoclo.credentials.get(credentials[1]).password = 'not-the-password';
  world.reoclo.servers.delete(servers[2].id);
  world.own(servers[2].agent);
  const main = await world.run('main', { inputs: inputs() });
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(title), [['error', 'Logins failed']]);
  const [head, ...whys] = main.annotations[0].message.split('\n');
  assert.deepEqual([head, whys.length], ['4 of 6 logins failed:', 5], main.annotations[0].message);
  const denied = ({ name }) => new RegExp(`^credential ${credentials[1]}: docker login ${registries[1]} on ${name} \\(.*\\) ended with exit code 1: .*401 Unauthorized`);
  // One remedy for both: it is told once, behind the first.
  assert.match(whys[0], denied(servers[0]));
  assert.match(whys[1], /^Fix for these 2: check the user name/);
  assert.match(whys[2], denied(servers[1]));
  assert.match(whys[3], /^2 logins: Reoclo at .* answered 404 /);
  assert.match(whys[4], /^Fix: check server_id/);
  // What docker said of a failure is in the log, too.
  assert.ok(main.log.some((line) => line.startsWith(`[web-1, ${registries[1]}]   docker | `) && line.includes('401 Unauthorized')));

  const post = await world.runPost(main);
  assert.deepEqual([post.annotations, post.log.length], [[], 2], post.stdout);
  assert.deepEqual(Object.values(loginsOf(world)).flat(), []);
});

test('two credentials for one registry are one warning, and one logout a server', async (t) => {
  const { world, registries, credentials, inputs } = await createFleet(t, { types: ['generic'] });
  const second = world.addCredential();
  const main = await world.run('main', { inputs: inputs({ credential_id: `${credentials[0]},${second}` }) });
  assert.deepEqual([main.code, main.annotations.map(title)], [0, [['warning', 'Two credentials for one registry']]]);
  const { message } = main.annotations[0];
  for (const words of [credentials[0], second, registries[0]]) assert.ok(message.includes(words), message);
  assert.equal(JSON.parse(main.outputs.logins).length, 6);

  const post = await world.runPost(main);
  assert.deepEqual([post.annotations, post.log.length], [[], 3], post.stdout);
  assert.deepEqual(Object.values(loginsOf(world)).flat(), []);
});
