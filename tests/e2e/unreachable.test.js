// The network between runner and Reoclo: which host, which cause, what to check.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../support/serve.js';
import { createWorld, UNDER_CONDITIONS } from '../env/test-env.js';

/** A server of the test's own; resolves to its host. */
async function startServer(t, answer) {
  const server = await serve(answer);
  t.after(() => server.stop());
  return server.host;
}

async function errorFor(t, api_url, timeout = '5') {
  const world = await createWorld(t);
  // Without jitter: six attempts are over before `timeout`, and it is the cause that is told.
  const main = await world.run('main', {
    inputs: world.inputs.passthrough({ api_url, timeout }),
    nodeArgs: UNDER_CONDITIONS,
    env: { TEST_RANDOM: '0' },
  });
  assert.equal(main.code, 1);
  assert.equal(main.annotations.length, 1, main.stdout);
  return { world, main, message: main.annotations[0].message };
}

test('a refused connection names host and code', async (t) => {
  // Nobody listens below 1024 on loopback here, and no kernel hands such a port out.
  const port = 2;
  const { message, main } = await errorFor(t, `http://127.0.0.1:${port}`);
  assert.match(message, new RegExp(`127\\.0\\.0\\.1:${port} could not be reached .*ECONNREFUSED.* Fix: check host and port`));
  assert.equal(main.saved[0].performed, false, 'nothing was sent, so nothing needs a logout');
});

test('an unknown host names host and code', async (t) => {
  const { message } = await errorFor(t, 'https://reoclo.invalid');
  assert.match(message, /reoclo\.invalid could not be reached .*(ENOTFOUND|EAI_AGAIN).* Fix: check the host in api_url/);
});

test('a peer that does not speak TLS names host and code', async (t) => {
  const host = await startServer(t, (_, response) => response.end());
  const { message } = await errorFor(t, `https://${host}`);
  assert.match(message, /could not be reached .*: EPROTO\. Fix: .* speaks no TLS/);
});

test('a redirect is refused and the key does not follow it', async (t) => {
  const followed = [];
  const elsewhere = await startServer(t, (request, response) => response.end(followed.push(request.headers) && '{}'));
  const host = await startServer(t, (_, response) =>
    response.writeHead(307, { location: `http://${elsewhere}/x` }).end(),
  );
  const { message } = await errorFor(t, `http://${host}`);
  assert.match(message, new RegExp(`redirect \\(307\\) to ${elsewhere.replaceAll('.', '\\.')}.* Fix: set api_url`));
  assert.deepEqual(followed, []);
});

test('a web page instead of the API points at api_url', async (t) => {
  const host = await startServer(t, (_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>secret page</h1>'));
  const { message } = await errorFor(t, `http://${host}`);
  assert.match(message, /answered 404 .* Fix: check api_url/);
  assert.doesNotMatch(message, /secret page/);
});
