// docker login fails: the error has its output, and an existing login is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, exactly, FIX, like, LOG, TITLES, withFix } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

test('a wrong password fails with docker output', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ access_token: 'not-the-password' }) });
  assert.equal(main.code, 1);
  assert.equal(main.annotations.length, 1);
  const [{ level, title, message }] = main.annotations;
  assert.deepEqual([level, title], ['error', TITLES.dockerFailed]);
  const error = ERRORS.docker({
    registry: testEnv.registry.host,
    server: `web-1 (${testEnv.server.id})`,
    output: like(/[^=]*401 Unauthorized/),
    operation: main.outputs.operation_id,
  });
  assert.match(message, exactly(withFix(error, FIX.credential)));
});

test('a failed login keeps an existing login', async (t) => {
  const testEnv = await createTestEnv(t);
  await testEnv.run('main', { inputs: testEnv.inputs.vault({ cleanup: 'false' }) });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ access_token: 'not-the-password' }) });
  assert.equal(main.saved[0].needsLogout, false);
  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.log], [0, [LOG.noLogins]]);
  assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
});

test('a completed operation with non-zero exit fails', async (t) => {
  const testEnv = await createTestEnv(t, { agent: { nonZeroExit: 'completed' } });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ access_token: 'not-the-password' }) });
  assert.equal(main.code, 1);
  assert.match(main.annotations[0].message, exactly(withFix(ERRORS.docker({ exitCode: 1 }), FIX.credential)));
});
