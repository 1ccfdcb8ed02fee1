// `cleanup: false` leaves the server logged in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG } from '../env/messages.js';
import { createWorld } from '../env/test-env.js';

for (const cleanup of ['false', 'False', 'FALSE']) {
  test(`cleanup: ${cleanup} leaves the server logged in and says so in one line`, async (t) => {
    const world = await createWorld(t);
    const main = await world.run('main', { inputs: world.inputs.vault({ cleanup }) });
    assert.equal(main.code, 0);
    assert.equal(main.log.at(-1), LOG.loggedInForGood(`web-1 (${world.server.id})`, world.registry.host));

    // A later step may have changed what the input's expression yields: state decides.
    const post = await world.runPost(main, { inputs: world.inputs.vault({ cleanup: 'true' }) });
    assert.equal(post.code, 0);
    assert.deepEqual(post.log, [LOG.staysLoggedIn(world.server.id, world.registry.host)]);
    assert.deepEqual(world.server.agent.logins(), [world.registry.host]);
    assert.equal(world.reoclo.audit.length, 1);
  });
}
