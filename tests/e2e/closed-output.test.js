// A runner that has stopped listening, as one that is shut down does: the login and its cleanup go on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestEnv } from '../env/test-env.js';

test('a runner that no longer reads what is printed gets its login and its logout all the same', async (t) => {
  const testEnv = await createTestEnv(t);
  const deaf = async (phase, given) => {
    const step = testEnv.start(phase, given);
    step.child.stdout.destroy();
    return step.done;
  };
  const main = await deaf('main', { inputs: testEnv.inputs.vault() });
  assert.equal(main.code, 0);
  assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
  const post = await deaf('post', { inputs: testEnv.inputs.vault(), state: main.state });
  assert.equal(post.code, 0);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});
