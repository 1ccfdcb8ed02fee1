// Failures between a server and its registry, with the real docker CLI: temporary ones are retried with a new login, up to
// 3 logins in total; denials are not retried, because registries lock accounts.
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

/** A registry address that passes connections to `bad` until `repair()`, then to the real registry. */
async function startFront(upstream, bad, port) {
  const [host, upstreamPort] = upstream.split(':');
  let broken = Boolean(bad);
  const accept = (client) => {
    if (broken) bad(client);
    else pipeline(client, connect({ host, port: Number(upstreamPort) }), client, () => {});
  };
  return { ...(await serveConnections(accept, { port })), repair: () => (broken = false) };
}

/** Calls back when the n-th login has finished on the server, before its next status response. */
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

/** Asserts that main succeeded with the last of `count` logins, and that post logs out. */
async function assertLoggedIn(testEnv, main, count, expected) {
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  const outcomes = logins(testEnv).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, [...Array(count - 1).fill('failed'), 'completed']);
  assert.equal(main.outputs.operation_id, logins(testEnv).at(-1).operation_id, 'the output is the last operation');
  assertRetries(main, count - 1, expected);
  assert.equal(testEnv.server.agent.logins().length, 1);

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []]);
  assert.match(post.log.at(-1), exactly(LOG.loggedOutOf(ANY, testEnv.server.id)));
  assert.deepEqual(testEnv.server.agent.logins(), []);
}

/** Asserts that main failed with one error after `count` logins, and that post does nothing. */
async function assertFailed(testEnv, main, count, expected) {
  assert.equal(main.code, 1);
  assert.deepEqual(
    main.annotations.map(({ level, title }) => [level, title]),
    [['error', TITLES.dockerFailed]],
  );
  assert.match(main.annotations[0].message, expected);
  assert.equal(logins(testEnv).length, count);
  assertRetries(main, count - 1, expected);
  assert.equal(main.saved[0].needsLogout, false);

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.log], [0, [LOG.noLogins]]);
  assert.equal(testEnv.reoclo.audit.length, count);
}

function assertRetries(main, count, expected) {
  const lines = retries(main);
  assert.equal(lines.length, count, main.stdout);
  lines.forEach((line, i) => {
    assert.match(line, exactly(LOG.retrying('docker', { attempt: i + 2 })));
    assert.match(line, expected);
  });
}

for (const mode of ['vault', 'passthrough']) {
  test(`${mode}: retries a login after connection refused`, async (t) => {
    const testEnv = await createTestEnv(t);
    const port = await closedPort();
    whenLoginEnds(testEnv, 1, async () => testEnv.cleanUp(await startFront(testEnv.registry.host, undefined, port)));
    const main = await testEnv.run('main', { inputs: inputsFor(testEnv, `127.0.0.1:${port}`, mode), ...AT_ONCE });
    await assertLoggedIn(testEnv, main, 2, /connection refused/);
  });
}

test('retries a login after HTTP 503', async (t) => {
  const testEnv = await createTestEnv(t);
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, unavailable));
  whenLoginEnds(testEnv, 1, front.repair);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  await assertLoggedIn(testEnv, main, 2, /503 Service Unavailable/);
});

test('retries a login twice after HTTP 503', async (t) => {
  const testEnv = await createTestEnv(t);
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, unavailable));
  whenLoginEnds(testEnv, 2, front.repair);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host, 'passthrough'), ...AT_ONCE });
  await assertLoggedIn(testEnv, main, 3, /503 Service Unavailable/);
});

test('retries a login after connection reset', async (t) => {
  const testEnv = await createTestEnv(t);
  // A reset before docker has written its request would be a broken pipe now and then.
  const reset = (socket) => socket.once('data', () => socket.resetAndDestroy());
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, reset));
  whenLoginEnds(testEnv, 1, front.repair);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  await assertLoggedIn(testEnv, main, 2, /connection reset by peer/);
});

test('retries a login after a closed connection', async (t) => {
  const testEnv = await createTestEnv(t);
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, (socket) => socket.once('data', () => socket.end())));
  whenLoginEnds(testEnv, 1, front.repair);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  await assertLoggedIn(testEnv, main, 2, /EOF/);
});

test('retries a completed operation with non-zero exit code', async (t) => {
  const testEnv = await createTestEnv(t, { agent: { nonZeroExit: 'completed' } });
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, unavailable));
  whenLoginEnds(testEnv, 1, front.repair);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  assert.deepEqual([main.code, logins(testEnv).length, retries(main).length], [0, 2, 1], main.stdout);
  await testEnv.runPost(main);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});

test('fails after 3 logins with HTTP 503', async (t) => {
  const testEnv = await createTestEnv(t);
  const front = testEnv.cleanUp(await startFront(testEnv.registry.host, unavailable));
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, front.host), ...AT_ONCE });
  await assertFailed(testEnv, main, 3, /503 Service Unavailable/);
});

test('fails after 3 logins with connection refused', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, `127.0.0.1:${await closedPort()}`), ...AT_ONCE });
  await assertFailed(testEnv, main, 3, /connection refused/);
});

test('fails after 3 logins with unknown host name', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', {
    inputs: inputsFor(testEnv, 'registry.invalid:5000', 'passthrough'),
    ...AT_ONCE,
  });
  await assertFailed(testEnv, main, 3, /no such host|server misbehaving|[Tt]emporary failure/);
});

for (const text of [
  'dial tcp 192.0.2.1:443: i/o timeout',
  'net/http: TLS handshake timeout',
  'context deadline exceeded',
  'unexpected EOF',
]) {
  test(`retries "${text}"`, async (t) => {
    // docker takes over 10 s to print these, so the output of a refused connection is replaced.
    const testEnv = await createTestEnv(t);
    const output = `Get "https://127.0.0.1/v2/": ${text}`;
    const faults = testEnv.cleanUp(
      await startFaults(testEnv.reoclo.url, {
        poll: changedBody((operation) =>
          operation.result ? { ...operation, result: { ...operation.result, stdout: '', stderr: output } } : operation,
        ),
      }),
    );
    const inputs = inputsFor(testEnv, `127.0.0.1:${await closedPort()}`, 'vault', { api_url: faults.url });
    const main = await testEnv.run('main', { inputs, ...AT_ONCE });
    assert.equal(logins(testEnv).length, 3);
    assert.equal(retries(main).length, 2);
    assert.ok(main.annotations[0].message.includes(text), main.annotations[0].message);
  });
}

test('retries share one `timeout`', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', {
    inputs: inputsFor(testEnv, `127.0.0.1:${await closedPort()}`, 'vault', { timeout: '1' }),
    // The longest waits: 0.25 s and 0.5 s, in addition to the logins themselves.
    ...AT_ONCE,
    env: { TEST_RANDOM: '1' },
  });
  assert.equal(main.code, 1);
  assert.equal(main.annotations.length, 1);
  assert.ok(main.durationMs < 7_500, `main took ${main.durationMs} ms`);
});

test('does not retry a wrong password', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', {
    inputs: testEnv.inputs.passthrough({ access_token: 'not-the-password' }),
    ...AT_ONCE,
  });
  await assertFailed(testEnv, main, 1, /401 Unauthorized/);
});

test('does not retry a wrong vault password', async (t) => {
  const testEnv = await createTestEnv(t);
  const credential_id = testEnv.addCredential({ password: 'not-the-password' });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ credential_id }), ...AT_ONCE });
  await assertFailed(testEnv, main, 1, /401 Unauthorized/);
});

// A denial may contain the text of a temporary error, since the registry chooses it.
for (const text of [
  'requested access to the resource is denied',
  'connection refused, i/o timeout, 503 Service Unavailable, EOF',
]) {
  test(`does not retry a denial with "${text}"`, async (t) => {
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
  test(`does not retry a token server's ${status} "${reason}"`, async (t) => {
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

test('does not retry an unknown failure', async (t) => {
  const testEnv = await createTestEnv(t);
  const registry = testEnv.cleanUp(await serve((request, response) => response.writeHead(418).end()));
  const main = await testEnv.run('main', { inputs: inputsFor(testEnv, registry.host), ...AT_ONCE });
  await assertFailed(testEnv, main, 1, /418/);
});

/** Responds to plain HTTP with 503. docker tries TLS first and falls back to HTTP. */
function unavailable(socket) {
  socket.once('data', () =>
    socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
  );
}
