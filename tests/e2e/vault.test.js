// Vault mode: the credential is in Reoclo, docker logs in for real, post logs out for real.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG } from '../env/messages.js';
import { createWorld } from '../env/test-env.js';

test('a vault login logs the server in, and the post step logs it out', async (t) => {
  const world = await createWorld(t);
  const main = await world.run('main', { inputs: world.inputs.vault() });

  assert.equal(main.code, 0, main.stdout);
  assert.deepEqual(world.server.agent.logins(), [world.registry.host]);
  assert.deepEqual(main.annotations, []);
  const [{ operation_id }] = world.reoclo.audit;
  const { logins, ...outputs } = main.outputs;
  assert.deepEqual(outputs, { operation_id, registry_url: world.registry.host, registry_type: 'generic' });
  const [{ duration_ms, ...login }, ...others] = JSON.parse(logins);
  assert.ok(Number.isInteger(duration_ms) && duration_ms > 0 && duration_ms <= main.durationMs, logins);
  assert.deepEqual(others, []);
  assert.deepEqual(login, {
    server_id: world.server.id,
    server_name: 'web-1',
    credential_id: world.credentialId,
    registry_url: world.registry.host,
    registry_type: 'generic',
    operation_id,
    auth_mode: 'vault',
    attempts: 1,
  });
  assert.deepEqual(main.log.filter((line) => line.trim()).map((line) => line.replace(/[0-9a-f-]{36}/g, 'ID')), [
    LOG.vault('ID', 'ID'),
    LOG.operation('ID', world.registry.host, 'generic'),
    `${LOG.docker}Login Succeeded`,
    ...main.log.filter((line) => line.startsWith(LOG.docker) && !line.includes('Succeeded')),
    LOG.loggedIn('web-1 (ID)', world.registry.host),
  ]);

  const post = await world.runPost(main);
  assert.equal(post.code, 0);
  assert.deepEqual(post.annotations, []);
  assert.deepEqual(post.log, [LOG.loggedOutOf(world.registry.host, world.server.id)]);
  assert.deepEqual(world.server.agent.logins(), []);

  const audited = { provider: 'github_actions', repository: 'acme/shop', workflow: 'Deploy', actor: 'octocat' };
  for (const [i, action] of ['registry_login', 'registry_logout'].entries()) {
    const entry = world.reoclo.audit[i];
    assert.equal(entry.outcome, 'completed');
    assert.equal(entry.action, action);
    assert.equal(entry.provider, audited.provider);
    assert.equal(entry.run_id, '9876543210');
  }
  assert.equal(world.reoclo.audit[0].auth_mode, 'vault');
});

test('the requests are a login, polls and, in post, one logout', async (t) => {
  const world = await createWorld(t);
  const main = await world.run('main', { inputs: world.inputs.vault() });
  await world.runPost(main);
  for (const { body } of world.reoclo.requests.filter(({ method }) => method === 'POST')) {
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
  const made = world.reoclo.requests.map(({ method, path }) => `${method} ${path.split('/').slice(4, 6).join('/')}`);
  const polls = made.filter((request) => request.startsWith('GET'));
  assert.equal(made[0], 'POST registry-auth/login');
  assert.equal(made.at(-1), 'POST registry-auth/logout');
  assert.ok(polls.length >= 1 && polls.length === made.length - 2, made.join('\n'));
  for (const { headers } of world.reoclo.requests) {
    assert.match(headers['user-agent'], /^reoclo-docker-auth\/2\.\d+\.\d+ /);
    assert.equal(headers.authorization, `Bearer ${world.apiKey}`);
  }
});
