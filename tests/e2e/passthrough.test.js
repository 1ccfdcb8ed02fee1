// Passthrough mode: the workflow provides username, token and registry.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

test('logs the server in, and out in post', async (t) => {
  const testEnv = await createTestEnv(t);
  const inputs = testEnv.inputs.passthrough({ registry_url: `http://${testEnv.registry.host.toUpperCase()}/v2/` });
  const main = await testEnv.run('main', { inputs });

  assert.equal(main.code, 0, main.stdout);
  assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
  assert.equal(main.outputs.registry_url, testEnv.registry.host);
  assert.equal(main.log[0], LOG.passthrough(testEnv.server.id, testEnv.registry.host, 'generic'));

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []]);
  assert.deepEqual(testEnv.server.agent.logins(), []);
  assert.equal(testEnv.reoclo.audit[0].auth_mode, 'passthrough');
  assert.equal(testEnv.reoclo.audit[0].username, testEnv.username);
});

test('the saved state does not contain the token', async (t) => {
  const testEnv = await createTestEnv(t);
  // Every run is checked for leaks in the state file; this is its whole content.
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough() });
  const [{ requested_at }] = main.saved;
  assert.ok(Math.abs(Date.now() - requested_at) < 60_000);
  assert.deepEqual(main.state, {
    api_key: testEnv.apiKey,
    api_url: testEnv.reoclo.url,
    cleanup: 'true',
    job_summary: 'false',
    login_1: `${testEnv.server.id} 1 ended ${requested_at} certain ${main.outputs.operation_id} ${testEnv.registry.host} web-1`,
  });
});

test('redacts every line of a multi-line token', async (t) => {
  const testEnv = await createTestEnv(t);
  const access_token = JSON.stringify({ type: 'service_account', private_key: '-----BEGIN KEY-----\nabc/def+\n' }, null, 2);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ access_token: `${access_token}\n` }) });
  // It is not the registry's password, so docker fails.
  assert.equal(main.code, 1);
  const request = testEnv.reoclo.requests.find(({ path }) => path.endsWith('/login-direct'));
  assert.equal(request.body.access_token, access_token);
  const masked = main.commands.filter(({ command }) => command === 'add-mask').map(({ data }) => data);
  assert.ok(masked.includes('"type": "service_account",'));
  assert.ok(masked.includes(Buffer.from(access_token).toString('base64')));
});
