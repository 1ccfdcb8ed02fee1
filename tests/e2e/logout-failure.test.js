// A failure in post is a warning and never fails the job.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, exactly, FIX, like, TITLES, WARNINGS, withFix } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

test('a key without registry_logout is one warning', async (t) => {
  const testEnv = await createTestEnv(t, { key: { allowed_operations: ['registry_login'] } });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault() });
  const post = await testEnv.runPost(main);
  assert.equal(post.code, 0);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.logoutFailed]]);
  const why = withFix(ERRORS.httpStatus('logout', 403), FIX.logoutPermission);
  assert.match(post.annotations[0].message, exactly(WARNINGS.logoutFailed(testEnv.server.id, { registry: testEnv.registry.host, why })));
});

test('an unreachable API is one warning', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault() });
  const post = await testEnv.runPost(main, { state: { ...main.state, api_url: 'http://127.0.0.1:2' } });
  assert.equal(post.code, 0);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.logoutFailed]]);
  const why = withFix(ERRORS.connection('logout', like(/.*ECONNREFUSED.*/), { host: '127.0.0.1:2' }), FIX.hostAndPort);
  assert.match(post.annotations[0].message, exactly(WARNINGS.logoutFailed(testEnv.server.id, { registry: testEnv.registry.host, why })));
});
