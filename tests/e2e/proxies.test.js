// A runner that reaches Reoclo through a proxy, with the environment variables of curl and real proxies.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ANY, CAUSES, containing, ERRORS, exactly, FIX, like, LOG, TITLES, withFix } from '../env/messages.js';
import { startHttpProxy, startSocksProxy } from '../sandbox/proxies.js';
import { closedPort, serveConnections } from '../support/serve.js';
import { createTlsEnv, logInAndOut } from '../env/tls.js';
import { createTestEnv, OS, UNDER_CONDITIONS } from '../env/test-env.js';

// Windows ignores the case of variable names, and the action names what it looked for first.
const named = (variable) => (OS === 'Windows' ? variable.toLowerCase() : variable);

/** A test environment with Reoclo on TLS, and the inputs of a login there. */
async function createTrustedEnv(t) {
  const { testEnv, reoclo, tls, inputs } = await createTlsEnv(t);
  return { testEnv, reoclo, inputs: inputs(tls.cert) };
}

/** Runs main, asserts that it fails with one error and nothing to log out, and returns the message. */
async function failure(testEnv, inputs, env, title = TITLES.connectionFailed) {
  const main = await testEnv.run('main', { inputs, env: { TEST_RANDOM: '0', ...env }, nodeArgs: UNDER_CONDITIONS });
  assert.deepEqual([main.code, main.annotations.map((annotation) => annotation.title)], [1, [title]], main.stdout);
  assert.equal(main.saved[0].needsLogout, false, 'no request reached the API');
  return { message: main.annotations[0].message, retries: main.log.filter(LOG.isRetry).length };
}

const secret = () => randomBytes(9).toString('hex');

test('tunnels https through https_proxy', async (t) => {
  const { testEnv, reoclo, inputs } = await createTrustedEnv(t);
  const proxy = testEnv.cleanUp(await startHttpProxy());
  const ignored = OS === 'Windows' ? {} : { HTTPS_PROXY: 'http://127.0.0.1:1' };
  await logInAndOut(testEnv, inputs, { env: { https_proxy: `http://${proxy.host}`, ...ignored } });
  const tunnels = proxy.log().match(/Request .*CONNECT .*/g) ?? [];
  t.diagnostic(`the proxy's log: ${tunnels.join(' | ')}`);
  assert.ok(tunnels.length >= 3, 'a login, a poll, a logout');
  assert.ok(tunnels.every((line) => line.includes(`CONNECT ${reoclo.url.slice('https://'.length)} HTTP/1.1`)));
});

test('sends plain http through HTTP_PROXY', async (t) => {
  const testEnv = await createTestEnv(t);
  const proxy = testEnv.cleanUp(await startHttpProxy());
  await logInAndOut(testEnv, testEnv.inputs.passthrough(), { env: { HTTP_PROXY: proxy.host } });
  assert.match(proxy.log(), /Request .*POST http:\/\/127\.0\.0\.1:\d+\/api\/automation\/v1\/registry-auth\/login/);
  assert.match(proxy.log(), /Request .*POST http:\/\/127\.0\.0\.1:\d+\/api\/automation\/v1\/registry-auth\/logout/);
});

test('authenticates at the proxy only, without leaks', async (t) => {
  const { testEnv, inputs } = await createTrustedEnv(t);
  const password = secret();
  const proxy = testEnv.cleanUp(await startHttpProxy({ user: 'ci', password }));
  const encoded = password.replace(/./, (first) => `%${first.charCodeAt(0).toString(16)}`);
  // With DEBUG, proxy agents print their URL.
  const env = { https_proxy: `http://ci:${encoded}@${proxy.host}`, DEBUG: '*' };
  const { main, post } = await logInAndOut(testEnv, inputs, { env });
  for (const step of [main, post]) await testEnv.assertNoLeaks(step, [password, encoded]);
});

test('a wrong proxy password is one error', async (t) => {
  const { testEnv, reoclo, inputs } = await createTrustedEnv(t);
  const proxy = testEnv.cleanUp(await startHttpProxy({ user: 'ci', password: secret() }));
  const wrong = secret();
  const { message, retries } = await failure(testEnv, inputs, { https_proxy: `http://ci:${wrong}@${proxy.host}` });
  const cause = ANY + CAUSES.proxyStatus(proxy.host, 'https_proxy', like(/40[17]/));
  assert.match(message, exactly(withFix(ERRORS.connection('login', cause), FIX.proxy)));
  assert.ok(!message.includes(wrong));
  assert.deepEqual([retries, reoclo.counts.connections], [0, 0]);
});

test('a proxy of plain http that wants a password is one error', async (t) => {
  const testEnv = await createTestEnv(t);
  const proxy = testEnv.cleanUp(await startHttpProxy({ user: 'ci', password: secret() }));
  const { message, retries } = await failure(testEnv, testEnv.inputs.vault(), { http_proxy: proxy.host }, TITLES.requestFailed);
  assert.match(message, exactly(withFix(ERRORS.httpStatus('login', 407), FIX.proxyAuthentication)));
  assert.equal(retries, 0);
});

test('an unreachable proxy is retried, then one error', async (t) => {
  const { testEnv, reoclo, inputs } = await createTrustedEnv(t);
  const host = `127.0.0.1:${await closedPort()}`;
  const password = secret();
  const { message, retries } = await failure(testEnv, inputs, { ALL_PROXY: `http://ci:${password}@${host}` });
  const cause = ANY + CAUSES.proxyConnection(host, named('ALL_PROXY'), like(/connect ECONNREFUSED.*/));
  assert.match(message, exactly(withFix(ERRORS.connection('login', cause), FIX.proxy)));
  assert.ok(!message.includes(password));
  assert.deepEqual([retries, reoclo.counts.connections], [5, 0]);
});

test('a silent proxy times out after 10 s', async (t) => {
  const { testEnv, reoclo, inputs } = await createTrustedEnv(t);
  const { host } = testEnv.cleanUp(await serveConnections((socket) => socket.resume()));
  for (const scheme of ['http', 'https', 'socks5']) {
    const env = { https_proxy: `${scheme}://${host}`, TEST_SPEED: '50' };
    const { message, retries } = await failure(testEnv, inputs, env);
    assert.match(message, containing(CAUSES.proxyConnection(host, 'https_proxy', CAUSES.connectTimeout)));
    assert.deepEqual([retries, reoclo.counts.connections], [5, 0]);
    // A slower clock: the step must get to its request before `timeout`.
    const soon = await testEnv.run('main', { inputs: { ...inputs, timeout: '5' }, env: { ...env, TEST_SPEED: '5' }, nodeArgs: UNDER_CONDITIONS });
    assert.deepEqual(soon.annotations.map(({ title }) => title), [TITLES.timedOut], soon.stdout);
  }
});

test('a late proxy response after the timeout is ignored', async (t) => {
  const { testEnv, inputs } = await createTrustedEnv(t);
  const respondLate = (socket) => {
    socket.resume();
    // Half a second is 25 s on the clock of the step.
    setTimeout(() => socket.write('HTTP/1.1 200 OK\r\n\r\n', () => socket.destroy()), 500).unref();
  };
  const { host } = testEnv.cleanUp(await serveConnections(respondLate));
  const { message } = await failure(testEnv, inputs, { https_proxy: `http://${host}`, TEST_SPEED: '50' });
  assert.match(message, containing(CAUSES.proxyConnection(host, 'https_proxy', CAUSES.connectTimeout)));
});

test('an invalid proxy response is one error', async (t) => {
  const { testEnv, inputs } = await createTrustedEnv(t);
  const repeat = (socket) => socket.once('data', (request) => socket.end(`HTTP/1.1 200 OK\r\n${request.toString('base64')}\r\n\r\n`));
  const { host } = testEnv.cleanUp(await serveConnections(repeat));
  const { message } = await failure(testEnv, inputs, { https_proxy: `http://ci:${secret()}@${host}` });
  assert.match(message, containing(withFix(`${CAUSES.proxyNotHttp(host, 'https_proxy')}.`, '')));
});

test('no_proxy bypasses the proxy', async (t) => {
  const { testEnv, inputs } = await createTrustedEnv(t);
  const dead = `http://127.0.0.1:${await closedPort()}`;
  await logInAndOut(testEnv, inputs, { env: { https_proxy: dead, NO_PROXY: 'example.com, 127.0.0.0/8' } });
});

test('an invalid proxy URL is one error before any request', async (t) => {
  const { testEnv, reoclo, inputs } = await createTrustedEnv(t);
  const password = secret();
  for (const value of [`ftp://ci:${password}@proxy`, `http://ci:${password}@pro xy`]) {
    const { message, retries } = await failure(testEnv, inputs, { HTTPS_PROXY: value });
    const cause = ANY + CAUSES.proxyUrl(named('HTTPS_PROXY'));
    assert.match(message, exactly(withFix(ERRORS.connection('login', cause), FIX.proxyVariable)));
    assert.ok(!message.includes(password));
    assert.deepEqual([retries, reoclo.counts.connections], [0, 0]);
  }
});

test('all_proxy may be a SOCKS proxy with a password', async (t) => {
  const { testEnv, reoclo, inputs } = await createTrustedEnv(t);
  const password = secret();
  const proxy = testEnv.cleanUp(await startSocksProxy({ user: 'ci', password }));
  const { main } = await logInAndOut(testEnv, inputs, { env: { all_proxy: `socks5h://ci:${password}@${proxy.host}` } });
  await testEnv.assertNoLeaks(main, [password]);
  const connections = proxy.log().match(/connected to .*/g) ?? [];
  t.diagnostic(`the proxy's log: ${connections.join(' | ')}`);
  assert.ok(connections.length >= 3, 'a login, a poll, a logout');
  assert.ok(connections.every((line) => line.includes(`127.0.0.1:${new URL(reoclo.url).port}`)));
});

test('verifies certificates behind a proxy', async (t) => {
  const { testEnv, reoclo, inputs } = await createTrustedEnv(t);
  const [http, socks] = [testEnv.cleanUp(await startHttpProxy()), testEnv.cleanUp(await startSocksProxy())];
  for (const proxy of [`http://${http.host}`, `socks5://${socks.host}`]) {
    const { message, retries } = await failure(testEnv, { ...inputs, ca_certificate: undefined }, { https_proxy: proxy });
    assert.match(message, exactly(withFix(ERRORS.connection('login', like(/.*[sS]elf[- ]signed certificate.*/)), FIX.certificate)));
    assert.deepEqual([retries, reoclo.counts.login], [0, 0]);
  }
});
