// What goes wrong between a server and its registry, in the real docker CLI's own
// words: what passes by itself is tried again as a new login, at most 3 times;
// what is a refusal is not, because accounts get locked.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { pipeline } from 'node:stream';
import { test } from 'node:test';
import { ANY, exactly, LOG, TITLES } from '../env/messages.js';
import { changedBody, startFaults } from '../sandbox/faults.js';
import { startHostileRegistry } from '../sandbox/hostile-registry.js';
import { closedPort, serve, serveConnections } from '../support/serve.js';
import { createTestEnv, UNDER_CONDITIONS } from '../env/test-env.js';

// Without random waits.
const AT_ONCE = {
  nodeArgs: UNDER_CONDITIONS,
  env: { TEST_RANDOM: '0' },
};

/**
 * A registry's address at which `bad(socket)` happens until `mend()`; from then on
 * the real registry answers.
 */
async function startFront(upstream, bad, port) {
  const [host, upstreamPort] = upstream.split(':');
  let broken = Boolean(bad);
  const accept = (client) => {
    if (broken) bad(client);
    else pipeline(client, connect({ host, port: Number(upstreamPort) }), client, () => {});
  };
  return { ...(await serveConnections(accept, { port })), mend: () => (broken = false) };
}

/** Calls back when the n-th login has ended on the server, before anybody can have asked how it is doing. */
function whenLoginEnds(testEnv, n, callback) {
  testEnv.reoclo.on('operation', ({ operation_type, status }) => {
    if (operation_type === 'registry_login' && status !== 'running' && --n === 0) callback();
  });
}

const logins = (testEnv) => testEnv.reoclo.audit.filter(({ action }) => action === 'registry_login');
const retries = ({ log }) => log.filter(LOG.isRetry);
const inputsFor = (testEnv, host, mode = 'vault', different) =>
  mode === 'vault'
    ? testEnv.inputs.vault({ credential_id: testEnv.addCredential({ registry_url: host }), ...different })
    : testEnv.inputs.passthrough({ registry_url: host, ...different });

/** Asserts that main succeeded with so many logins, and that post leaves none. */
async function assertLoggedIn(testEnv, main, count, words) {
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  const outcomes = logins(testEnv).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, [...Array(count - 1).fill('failed'), 'completed']);
  assert.equal(main.outputs.operation_id, logins(testEnv).at(-1).operation_id, 'the output names the login that counts');
  assertRetries(main, count - 1, words);
  assert.equal(testEnv.server.agent.logins().length, 1);

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []]);
  assert.match(post.log.at(-1), exactly(LOG.loggedOutOf(ANY, testEnv.server.id)));
  assert.deepEqual(testEnv.server.agent.logins(), []);
}

/** Asserts that main failed with one error after so many logins, and that post does nothing. */
async function assertFailed(testEnv, main, count, words) {
  assert.equal(main.code, 1);
  assert.deepEqual(
    main.annotations.map(({ level, title }) => [level, title]),
    [['error', TITLES.dockerFailed]],
  );
  assert.match(main.annotations[0].message, words);
  assert.equal(logins(testEnv).length, count);
  assertRetries(main, count - 1, words);
  assert.equal(main.saved[0].needsLogout, false);

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.log], [0, [LOG.noLogins]]);
  assert.equal(testEnv.reoclo.audit.length, count);
}

function assertRetries(main, count, words) {
  const lines = retries(main);
  assert.equal(lines.length, count, main.stdout);
  lines.forEach((line, i) => {
    assert.match(line, exactly(LOG.retrying('docker', { attempt: i + 2 })));
    assert.match(line, words);
  });
}

for (const mode of ['vault', 'passthrough']) {
  test(`${mode}: a registry that refuses connections and is up at the second login is logged in to`, async (t) => {
    const testEnv = await createTestEnv(t);
    const port = await closedPort();
    whenLoginEnds(testEnv, 1, async () => testEnv.cleanUp(await startFront(testEnv.registry.host, undefined, port)));
    const main = await testEnv.run('main', { inputs: inputsFor(testEnv, `127.0.0.1:${port}`, mode), ...AT_ONCE });
    await assertLoggedIn(testEnv, main, 2, /connection refused/);
  });
}

test('a registry that answers 503 to the first login is logged in to with the second', async (t) => {
  const testEnv = await createTestEnv(t);
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, unavailable));
  whenLoginEnds(testEnv, 1, front.mend);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  await assertLoggedIn(testEnv, main, 2, /503 Service Unavailable/);
});

test('a registry that answers 503 to two logins is logged in to with the third', async (t) => {
  const testEnv = await createTestEnv(t);
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, unavailable));
  whenLoginEnds(testEnv, 2, front.mend);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host, 'passthrough'), ...AT_ONCE });
  await assertLoggedIn(testEnv, main, 3, /503 Service Unavailable/);
});

test('a registry that resets the connections of the first login is logged in to with the second', async (t) => {
  const testEnv = await createTestEnv(t);
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, (socket) => socket.resetAndDestroy()));
  whenLoginEnds(testEnv, 1, front.mend);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  await assertLoggedIn(testEnv, main, 2, /connection reset by peer|EOF/);
});

test('a registry that hangs up on the first login is logged in to with the second', async (t) => {
  const testEnv = await createTestEnv(t);
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, (socket) => socket.once('data', () => socket.end())));
  whenLoginEnds(testEnv, 1, front.mend);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  await assertLoggedIn(testEnv, main, 2, /EOF/);
});

test('a failure that the API reports as completed with an exit code is tried again, too', async (t) => {
  const testEnv = await createTestEnv(t, { agent: { nonZeroExit: 'completed' } });
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, unavailable));
  whenLoginEnds(testEnv, 1, front.mend);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  assert.deepEqual([main.code, logins(testEnv).length, retries(main).length], [0, 2, 1], main.stdout);
  await testEnv.runPost(main);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});

test('a registry that answers 503 for good is given up after 3 logins', async (t) => {
  const testEnv = await createTestEnv(t);
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, unavailable));
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  await assertFailed(testEnv, main, 3, /503 Service Unavailable/);
});

test('a registry that refuses connections for good is given up after 3 logins', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, `127.0.0.1:${await closedPort()}`), ...AT_ONCE });
  await assertFailed(testEnv, main, 3, /connection refused/);
});

test('a registry whose name the server cannot resolve is given up after 3 logins', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', {
    inputs: inputsFor(testEnv, 'registry.invalid:5000', 'passthrough'),
    ...AT_ONCE,
  });
  await assertFailed(testEnv, main, 3, /no such host|server misbehaving|[Tt]emporary failure/);
});

for (const words of [
  'dial tcp 192.0.2.1:443: i/o timeout',
  'net/http: TLS handshake timeout',
  'context deadline exceeded',
  'unexpected EOF',
]) {
  test(`docker's "${words}" is tried again`, async (t) => {
    // docker takes 10 s and more to say these of itself, so here they are put into
    // its mouth, in place of what it says of a registry that refuses connections.
    const testEnv = await createTestEnv(t);
    const said = `Get "https://127.0.0.1/v2/": ${words}`;
    const faults = testEnv.cleanUp(
      await startFaults(testEnv.reoclo.url, {
        poll: changedBody((operation) =>
          operation.result ? { ...operation, result: { ...operation.result, stdout: '', stderr: said } } : operation,
        ),
      }),
    );
    const inputs = inputsFor(testEnv, `127.0.0.1:${await closedPort()}`, 'vault', { api_url: faults.url });
    const main = await testEnv.run('main', { inputs, ...AT_ONCE });
    assert.equal(logins(testEnv).length, 3);
    assert.equal(retries(main).length, 2);
    assert.ok(main.annotations[0].message.includes(words), main.annotations[0].message);
  });
}

test('the logins of one step share one `timeout`', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', {
    inputs: inputsFor(testEnv, `127.0.0.1:${await closedPort()}`, 'vault', { timeout: '1' }),
    // The longest waits: 0.25 s, then 0.5 s, and each login takes some time, too.
    ...AT_ONCE,
    env: { TEST_RANDOM: '1' },
  });
  assert.equal(main.code, 1);
  assert.equal(main.annotations.length, 1);
  assert.ok(main.durationMs < 7_500, `main took ${main.durationMs} ms`);
});

test('a wrong password is one login', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', {
    inputs: testEnv.inputs.passthrough({ access_token: 'not-the-password' }),
    ...AT_ONCE,
  });
  await assertFailed(testEnv, main, 1, /401 Unauthorized/);
});

test('a wrong password in the vault is one login', async (t) => {
  const testEnv = await createTestEnv(t);
  const credential_id = testEnv.addCredential({ password: 'not-the-password' });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ credential_id }), ...AT_ONCE });
  await assertFailed(testEnv, main, 1, /401 Unauthorized/);
});

// A denial that tells of something transient as well: a registry decides what it says.
for (const text of [
  'requested access to the resource is denied',
  'connection refused, i/o timeout, 503 Service Unavailable, EOF',
]) {
  test(`a registry that denies with "${text}" is one login`, async (t) => {
    const testEnv = await createTestEnv(t);
    const registry = testEnv.cleanUp(await startHostileRegistry(text));
    const main = await testEnv.run('main', { inputs: inputsFor(testEnv, registry.host), ...AT_ONCE });
    await assertFailed(testEnv, main, 1, /denied/);
  });
}

for (const [status, reason] of [
  [503, 'Too many failed login attempts'],
  [502, 'Incorrect username or password'],
  [500, 'unauthorized'],
]) {
  test(`a token server's ${status} "${reason}" is a refusal: one login`, async (t) => {
    const testEnv = await createTestEnv(t);
    const registry = testEnv.cleanUp(
      await serve((request, response) => {
        if (request.url.startsWith('/token')) response.writeHead(status, reason).end();
        else
          response
            .writeHead(401, {
              'www-authenticate': `Bearer realm="http://${request.headers.host}/token",service="sandbox"`,
            })
            .end();
      }),
    );
    const main = await testEnv.run('main', { inputs: inputsFor(testEnv, registry.host, 'passthrough'), ...AT_ONCE });
    await assertFailed(testEnv, main, 1, new RegExp(reason));
  });
}

test('a failure that no word explains is one login', async (t) => {
  const testEnv = await createTestEnv(t);
  const registry = testEnv.cleanUp(await serve((request, response) => response.writeHead(418).end()));
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, registry.host), ...AT_ONCE });
  await assertFailed(testEnv, main, 1, /418/);
});

/** Answers plain HTTP with 503, whatever is asked. docker asks with TLS first, and takes the failure for a no. */
function unavailable(socket) {
  socket.once('data', () =>
    socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
  );
}
