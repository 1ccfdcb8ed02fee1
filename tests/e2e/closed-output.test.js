// A runner that is shut down stops reading the output: login and cleanup must go on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestEnv } from '../env/test-env.js';

test('logs in and out when output is closed', async (t) => {
  const testEnv = await createTestEnv(t);
  const runWithClosedOutput = async (phase, given) => {
    const step = testEnv.start(phase, given);
    step.child.stdout.destroy();
    return step.done;
  };
  const main = await runWithClosedOutput('main', { inputs: testEnv.inputs.vault() });
  assert.equal(main.code, 0);
  assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
  const post = await runWithClosedOutput('post', { inputs: testEnv.inputs.vault(), state: main.state });
  assert.equal(post.code, 0);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});
