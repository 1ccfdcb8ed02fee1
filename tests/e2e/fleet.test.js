// Several servers and credentials in one step: every server is logged in with each credential.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactly, label, LOG, NAMES } from '../env/messages.js';
import { startGate } from '../sandbox/gate.js';
import { createFleet, isLogin, loginOperation, loginsOf, operationsOf, outputsFor, started, watchDockers } from '../env/fleet.js';

const TYPES = ['generic', 'harbor'];

test('logs three servers in with two credentials, and out', async (t) => {
  const { testEnv, servers, registries, credentials, inputs } = await createFleet(t, { types: TYPES });
  const most = watchDockers(testEnv);
  const pairs = servers.flatMap((server) => credentials.map((credential, i) => ({ server, credential, registry: registries[i], type: TYPES[i] })));
  const everywhere = Object.fromEntries(servers.map(({ name }) => [name, registries.toSorted()]));
  const nowhere = Object.fromEntries(servers.map(({ name }) => [name, []]));

  const main = await testEnv.run('main', { inputs: inputs() });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.deepEqual(loginsOf(testEnv), everywhere);

  const { logins, ...outputs } = main.outputs;
  assert.deepEqual(outputs, outputsFor(testEnv, pairs));
  assert.deepEqual(
    JSON.parse(logins).map(({ duration_ms, ...login }) => {
      assert.ok(Number.isInteger(duration_ms) && duration_ms > 0 && duration_ms <= main.durationMs, logins);
      return login;
    }),
    pairs.map((pair) => ({
      server_id: pair.server.id,
      server_name: pair.server.name,
      credential_id: pair.credential,
      registry_url: pair.registry,
      registry_type: pair.type,
      operation_id: loginOperation(testEnv, pair),
      auth_mode: 'vault',
      attempts: 1,
    })),
  );

  // The saved state has one line per login.
  assert.deepEqual(main.state, {
    api_key: testEnv.apiKey,
    api_url: testEnv.reoclo.url,
    cleanup: 'true',
    job_summary: 'false',
    ...Object.fromEntries(
      pairs.map((pair, i) => {
        const { requested_at } = main.saved[i];
        const [credential, id] = [1 + (i % 2), loginOperation(testEnv, pair)];
        return [`login_${i + 1}`, `${pair.server.id} ${credential} ended ${requested_at} certain ${id} ${pair.registry} ${pair.server.name}`];
      }),
    ),
  });

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  assert.deepEqual(loginsOf(testEnv), nowhere);
  assert.deepEqual(
    post.log.toSorted(),
    pairs
      .map(({ server, registry }) => label(server.name, registry) + LOG.loggedOut)
      .toSorted(),
  );

  // docker rewrites the whole config.json, so concurrent commands on one server lose or restore logins.
  for (const server of servers) {
    const [first, ...others] = operationsOf(testEnv, server);
    assert.equal(others.length, 3);
    others.reduce((before, after) => {
      assert.ok(before.completed_at <= after.started_at, `${before.completed_at}, then ${after.started_at}`);
      return after;
    }, first);
    assert.equal(most.on(server), 1, server.name);
  }
});

test('labels the lines of each login', async (t) => {
  const { testEnv, servers, registries, inputs } = await createFleet(t, { servers: 2 });
  const { log } = await testEnv.run('main', { inputs: inputs() });
  assert.equal(log[0], LOG.vaultMany(2, 2));
  assert.match(log.at(-1), exactly(LOG.finished(4, 4)));

  const about = new Map();
  for (const line of log.slice(1, -1)) {
    const [, labelled, text] = line.match(/^\[([^\]]+, [^\]]+)\] (.+)$/) ?? assert.fail(`no label: ${line}`);
    about.set(labelled, [...(about.get(labelled) ?? []), text.replace(/[0-9a-f-]{36}/g, 'ID')]);
  }
  for (const { id, name } of servers) {
    for (const [i, registry] of registries.entries()) {
      // The server's ID is used until its name is known.
      assert.deepEqual(about.get(`${NAMES.server(id)}, ${registry}`), [LOG.operationOf('ID', registry, TYPES[i], 'ID')]);
      // The docker output of successful logins is omitted, since it would be most of the log.
      assert.deepEqual(about.get(`${name}, ${registry}`), [LOG.loggedIn(`${name} (ID)`, registry)]);
    }
  }
});

test('lists allow comments, blank lines, commas and duplicates', async (t) => {
  const { testEnv, servers, registries, credentials, inputs } = await createFleet(t, { servers: 2 });
  const [one, two] = servers.map(({ id }) => id);
  const main = await testEnv.run('main', {
    inputs: inputs({
      server_id: `# all of them\r\n\r\n  ${one} ,, ${two.toUpperCase()} # the second, ${one}\n${two}\n`,
      credential_id: `${credentials.join(',')}, ${credentials[0]}`,
    }),
  });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.equal(testEnv.reoclo.requests.filter(isLogin).length, 4);
  assert.equal(main.outputs.registry_url, [...registries, ...registries].join('\n'));
  await testEnv.runPost(main);
  assert.deepEqual(loginsOf(testEnv), { 'web-1': [], 'web-2': [] });
});

test('a list of one is a single login', async (t) => {
  const { testEnv, registries, inputs } = await createFleet(t, { servers: 1, types: ['harbor'] });
  const given = inputs();
  const main = await testEnv.run('main', {
    inputs: { ...given, server_id: `${given.server_id}, # the only one\n${given.server_id}`, credential_id: `\n${given.credential_id}\n` },
  });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.deepEqual(main.log.filter((line) => !line.startsWith(LOG.docker)).map((line) => line.replace(/[0-9a-f-]{36}/g, 'ID')), [
    LOG.vault('ID', 'ID'),
    LOG.operation('ID', registries[0], 'harbor'),
    LOG.loggedIn('web-1 (ID)', registries[0]),
  ]);
  const post = await testEnv.runPost(main);
  assert.deepEqual(post.log, [LOG.loggedOutOf(registries[0], testEnv.server.id)]);
});

test('logs several servers in with one token', async (t) => {
  const { testEnv, servers } = await createFleet(t, { types: [] });
  const main = await testEnv.run('main', {
    inputs: testEnv.inputs.passthrough({ server_id: servers.map(({ id }) => id).join(','), cleanup: 'false' }),
  });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.equal(main.log[0], LOG.passthroughMany(3, testEnv.registry.host, 'generic'));
  assert.match(main.log.at(-1), exactly(LOG.finishedForGood(3, 3)));
  const logins = JSON.parse(main.outputs.logins);
  assert.deepEqual(logins.map(({ server_id, auth_mode, credential_id }) => [server_id, auth_mode, credential_id]), servers.map(({ id }) => [id, 'passthrough', undefined]));

  const post = await testEnv.runPost(main);
  assert.deepEqual(post.log, servers.map(({ id }) => LOG.staysLoggedIn(id, testEnv.registry.host)));
  assert.deepEqual([post.annotations, new Set(Object.values(loginsOf(testEnv)).flat())], [[], new Set([testEnv.registry.host])]);
});

test('logs in on all servers concurrently', async (t) => {
  let gate;
  const front = async (host, testEnv) => (gate = testEnv.cleanUp(await startGate(host))).host;
  const { testEnv, inputs } = await createFleet(t, { servers: 20, types: ['generic'], front });
  const most = watchDockers(testEnv);
  const step = testEnv.start('main', { inputs: inputs() });
  // docker is held on all of them.
  await started(testEnv, 20);
  gate.release();

  const main = await step.done;
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.equal(JSON.parse(main.outputs.logins).length, 20);
  assert.deepEqual([most.all, ...most.by.values()], [20, ...Array(20).fill(1)]);
  await testEnv.runPost(main);
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
});
