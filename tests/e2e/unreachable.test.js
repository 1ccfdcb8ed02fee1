// Connection errors name the host, the cause and what to check.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, exactly, FIX, like, withFix } from '../env/messages.js';
import { serve } from '../support/serve.js';
import { createTestEnv, UNDER_CONDITIONS } from '../env/test-env.js';

/** Starts a server for one test; resolves to its host. */
async function startServer(t, respond) {
  const server = await serve(respond);
  t.after(() => server.stop());
  return server.host;
}

async function errorFor(t, api_url) {
  const testEnv = await createTestEnv(t);
  // Without random waits the six attempts follow at once.
  const main = await testEnv.run('main', {
    inputs: testEnv.inputs.passthrough({ api_url }),
    nodeArgs: UNDER_CONDITIONS,
    env: { TEST_RANDOM: '0' },
  });
  assert.equal(main.code, 1);
  assert.equal(main.annotations.length, 1, main.stdout);
  return { testEnv, main, message: main.annotations[0].message };
}

test('connection refused names host and code', async (t) => {
  // Nothing listens on this port, and the kernel never assigns it.
  const port = 2;
  const { message, main } = await errorFor(t, `http://127.0.0.1:${port}`);
  const error = ERRORS.connection('login', like(/.*ECONNREFUSED.*/), { host: `127.0.0.1:${port}` });
  assert.match(message, exactly(withFix(error, FIX.hostAndPort)));
  assert.equal(main.saved[0].needsLogout, false, 'no request was sent, so there is nothing to log out');
});

test('unknown host name names host and code', async (t) => {
  const { message } = await errorFor(t, 'https://reoclo.invalid');
  const error = ERRORS.connection('login', like(/.*(ENOTFOUND|EAI_AGAIN).*/), { host: 'reoclo.invalid' });
  assert.match(message, exactly(withFix(error, FIX.dns)));
});

test('a server without TLS names host and code', async (t) => {
  const host = await startServer(t, (_, response) => response.end());
  const { message } = await errorFor(t, `https://${host}`);
  assert.match(message, exactly(withFix(ERRORS.connection('login', 'EPROTO', { host }), FIX.noTls)));
});

test('does not follow a redirect with the key', async (t) => {
  const followed = [];
  const redirectTarget = await startServer(t, (request, response) => response.end(followed.push(request.headers) && '{}'));
  const host = await startServer(t, (_, response) =>
    response.writeHead(307, { location: `http://${redirectTarget}/x` }).end(),
  );
  const { message } = await errorFor(t, `http://${host}`);
  assert.match(message, exactly(withFix(ERRORS.redirect('login', 307, { to: redirectTarget }), FIX.apiUrlFinal)));
  assert.deepEqual(followed, []);
});

test('a web page instead of the API points at api_url', async (t) => {
  const host = await startServer(t, (_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>secret page</h1>'));
  const { message } = await errorFor(t, `http://${host}`);
  assert.match(message, exactly(withFix(ERRORS.httpStatus('login', 404, { host }), FIX.apiUrlNoApi)));
  assert.doesNotMatch(message, /secret page/);
});
