// How the action uses its connections to Reoclo.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { pipeline } from 'node:stream';
import { test } from 'node:test';
import { beginning, CAUSES, ERRORS, exactly, FIX, like, LOG, withFix } from '../env/messages.js';
import { startHttpProxy } from '../sandbox/proxies.js';
import { makeCertificate } from '../support/certificate.js';
import { serveConnections } from '../support/serve.js';
import { createTestEnv, UNDER_CONDITIONS } from '../env/test-env.js';

/** A relay to the stand-in, or to `upstream`, that counts connections. `change` is applied to response bytes. */
async function startRelay(testEnv, { upstream = new URL(testEnv.reoclo.url), change = (bytes) => bytes, ...options } = {}) {
  let connections = 0;
  const accept = (socket) => {
    connections++;
    const onward = connect(upstream.port, upstream.hostname);
    pipeline(socket, onward, () => {});
    pipeline(
      onward,
      async function* (chunks) {
        for await (const bytes of chunks) yield change(bytes);
      },
      socket,
      () => {},
    );
  };
  const { port, stop } = testEnv.cleanUp(await serveConnections(accept, options));
  return { port, stop, count: () => connections };
}

test('main and post use one connection each', async (t) => {
  const testEnv = await createTestEnv(t);
  const relay = await startRelay(testEnv);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ api_url: `http://127.0.0.1:${relay.port}` }) });
  assert.deepEqual([main.code, relay.count()], [0, 1], main.stdout);
  assert.ok(testEnv.reoclo.requests.length >= 2);
  const post = await testEnv.runPost(main);
  assert.deepEqual([post.annotations, relay.count(), testEnv.server.agent.logins()], [[], 2, []]);
});

test('main uses one tunnel through a proxy', async (t) => {
  const testEnv = await createTestEnv(t);
  const tls = await makeCertificate();
  const relay = await startRelay(testEnv, { tls });
  const proxy = testEnv.cleanUp(await startHttpProxy());
  const inputs = testEnv.inputs.vault({ api_url: `https://127.0.0.1:${relay.port}`, ca_certificate: tls.cert });
  const main = await testEnv.run('main', { inputs, env: { https_proxy: proxy.host } });
  assert.deepEqual([main.code, relay.count(), proxy.log().match(/Request .*CONNECT/g).length], [0, 1, 1], main.stdout);
  await testEnv.runPost(main);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});

test('retries and logs out after damaged TLS response', async (t) => {
  const testEnv = await createTestEnv(t);
  const tls = await makeCertificate();
  const reoclo = await startRelay(testEnv, { tls });
  let damaged = 0;
  const change = (bytes) => {
    if (damaged > 0 || testEnv.reoclo.requests.length === 0) return bytes;
    damaged++;
    return Buffer.from(bytes.map((byte, at) => (at < 5 ? byte : byte ^ 255)));
  };
  const relay = await startRelay(testEnv, { upstream: new URL(`https://127.0.0.1:${reoclo.port}`), change });
  const inputs = testEnv.inputs.passthrough({ api_url: `https://127.0.0.1:${relay.port}`, ca_certificate: tls.cert });
  const main = await testEnv.run('main', { inputs });
  assert.deepEqual([main.code, damaged], [0, 1], main.stdout);
  const error = ERRORS.connection('login', CAUSES.connectionLost(like(/ERR_SSL\w*/)));
  assert.match(main.log.find(LOG.isRetry), exactly(LOG.retrying('login', { error })));
  assert.equal(main.saved[0].uncertain, true);
  await testEnv.runPost(main);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});

test('connects to an IPv6-only instance', async (t) => {
  const testEnv = await createTestEnv(t);
  const relay = await startRelay(testEnv, { address: '::1' });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ api_url: `http://[::1]:${relay.port}` }) });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  await testEnv.runPost(main);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});

for (const [what, listens] of [['IPv4', '127.0.0.1'], ['IPv6', '::1']]) {
  test(`connects to a dual-stack name listening on ${what} only`, async (t) => {
    const testEnv = await createTestEnv(t);
    const relay = await startRelay(testEnv, { address: listens });
    const main = await testEnv.run('main', {
      inputs: testEnv.inputs.vault({ api_url: `http://localhost:${relay.port}` }),
    });
    assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  });
}

test('names the first address when all fail', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', {
    inputs: testEnv.inputs.vault({ api_url: 'http://localhost:2' }),
    nodeArgs: UNDER_CONDITIONS,
    env: { TEST_RANDOM: '0' },
  });
  const error = ERRORS.connection('login', 'connect ECONNREFUSED 127.0.0.1:2', { host: 'localhost:2' });
  assert.match(main.annotations[0].message, exactly(withFix(error, FIX.hostAndPort)));
});

test('retries a connection that takes over 10 s', async (t) => {
  const testEnv = await createTestEnv(t);
  // Without a TLS handshake the connection is never established.
  const silentHost = testEnv.cleanUp(await serveConnections((socket) => socket.resume()));
  const main = await testEnv.run('main', {
    inputs: testEnv.inputs.vault({ api_url: `https://${silentHost.host}`, timeout: '600' }),
    nodeArgs: UNDER_CONDITIONS,
    env: { TEST_RANDOM: '0', TEST_SPEED: '50' },
  });
  assert.deepEqual([main.code, main.annotations.length], [1, 1]);
  const error = ERRORS.connection('login', `ERR_CONNECT_TIMEOUT: ${CAUSES.connectTimeout}`, { host: silentHost.host });
  assert.match(main.annotations[0].message, beginning(error));
  assert.equal(main.log.filter(LOG.isRetry).length, 5);
  assert.equal(main.saved[0].needsLogout, false, 'no request was sent');
});
