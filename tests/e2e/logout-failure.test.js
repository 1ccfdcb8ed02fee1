// Whatever goes wrong in post is a warning, and never fails the job.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from '../env/test-env.js';

test('a key that may not log out is one warning that says what to change', async (t) => {
  const world = await createWorld(t, { key: { allowed_operations: ['registry_login'] } });
  const main = await world.run('main', { inputs: world.inputs.vault() });
  const post = await world.runPost(main);
  assert.equal(post.code, 0);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', 'Logout failed']]);
  assert.match(post.annotations[0].message, /may still be logged in to .* 403 .* Fix: .*registry_logout/);
});

test('an API that has gone away is one warning', async (t) => {
  const world = await createWorld(t);
  const main = await world.run('main', { inputs: world.inputs.vault() });
  const post = await world.runPost(main, { state: { ...main.state, api_url: 'http://127.0.0.1:2' } });
  assert.equal(post.code, 0);
  assert.deepEqual(post.annotations.map(({ level }) => level), ['warning']);
  assert.match(post.annotations[0].message, /127\.0\.0\.1:2 could not be reached for the logout request: .*ECONNREFUSED/);
});
