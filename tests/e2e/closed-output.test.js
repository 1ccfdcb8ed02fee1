// A runner that has stopped listening, as one that is shut down does: the login and its cleanup go on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from '../env/test-env.js';

test('a runner that no longer reads what is printed gets its login and its logout all the same', async (t) => {
  const world = await createWorld(t);
  const deaf = async (phase, given) => {
    const step = world.start(phase, given);
    step.child.stdout.destroy();
    return step.done;
  };
  const main = await deaf('main', { inputs: world.inputs.vault() });
  assert.equal(main.code, 0);
  assert.deepEqual(world.server.agent.logins(), [world.registry.host]);
  const post = await deaf('post', { inputs: world.inputs.vault(), state: main.state });
  assert.equal(post.code, 0);
  assert.deepEqual(world.server.agent.logins(), []);
});
