// Vault mode: the credential is stored in Reoclo; the real docker CLI logs in and out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

test('logs the server in, and out in post', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault() });

  assert.equal(main.code, 0, main.stdout);
  assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
  assert.deepEqual(main.annotations, []);
  const [{ operation_id }] = testEnv.reoclo.audit;
  const { logins, ...outputs } = main.outputs;
  assert.deepEqual(outputs, { operation_id, registry_url: testEnv.registry.host, registry_type: 'generic' });
  const [{ duration_ms, ...login }, ...others] = JSON.parse(logins);
  assert.ok(Number.isInteger(duration_ms) && duration_ms > 0 && duration_ms <= main.durationMs, logins);
  assert.deepEqual(others, []);
  assert.deepEqual(login, {
    server_id: testEnv.server.id,
    server_name: 'web-1',
    credential_id: testEnv.credentialId,
    registry_url: testEnv.registry.host,
    registry_type: 'generic',
    operation_id,
    auth_mode: 'vault',
    attempts: 1,
  });
  assert.deepEqual(main.log.filter((line) => line.trim()).map((line) => line.replace(/[0-9a-f-]{36}/g, 'ID')), [
    LOG.vault('ID', 'ID'),
    LOG.operation('ID', testEnv.registry.host, 'generic'),
    `${LOG.docker}Login Succeeded`,
    ...main.log.filter((line) => line.startsWith(LOG.docker) && !line.includes('Succeeded')),
    LOG.loggedIn('web-1 (ID)', testEnv.registry.host),
  ]);

  const post = await testEnv.runPost(main);
  assert.equal(post.code, 0);
  assert.deepEqual(post.annotations, []);
  assert.deepEqual(post.log, [LOG.loggedOutOf(testEnv.registry.host, testEnv.server.id)]);
  assert.deepEqual(testEnv.server.agent.logins(), []);

  const audited = { provider: 'github_actions', repository: 'acme/shop', workflow: 'Deploy', actor: 'octocat' };
  for (const [i, action] of ['registry_login', 'registry_logout'].entries()) {
    const entry = testEnv.reoclo.audit[i];
    assert.equal(entry.outcome, 'completed');
    assert.equal(entry.action, action);
    assert.equal(entry.provider, audited.provider);
    assert.equal(entry.run_id, '9876543210');
  }
  assert.equal(testEnv.reoclo.audit[0].auth_mode, 'vault');
});

test('sends a login, status requests and one logout', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault() });
  await testEnv.runPost(main);
  for (const { body } of testEnv.reoclo.requests.filter(({ method }) => method === 'POST')) {
    assert.equal(body.run_id, '9876543210');
    assert.deepEqual(body.run_context, {
      provider: 'github_actions',
      repository: 'acme/shop',
      workflow: 'Deploy',
      trigger: 'push',
      actor: 'octocat',
      sha: '0123456789abcdef0123456789abcdef01234567',
      ref: 'refs/heads/main',
    });
  }
  const made = testEnv.reoclo.requests.map(({ method, path }) => `${method} ${path.split('/').slice(4, 6).join('/')}`);
  const polls = made.filter((request) => request.startsWith('GET'));
  assert.equal(made[0], 'POST registry-auth/login');
  assert.equal(made.at(-1), 'POST registry-auth/logout');
  assert.ok(polls.length >= 1 && polls.length === made.length - 2, made.join('\n'));
  for (const { headers } of testEnv.reoclo.requests) {
    assert.match(headers['user-agent'], /^reoclo-docker-auth\/2\.\d+\.\d+ /);
    assert.equal(headers.authorization, `Bearer ${testEnv.apiKey}`);
  }
});
