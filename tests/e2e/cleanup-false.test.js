// `cleanup: false` leaves the server logged in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

for (const cleanup of ['false', 'False', 'FALSE']) {
  test(`cleanup: ${cleanup} keeps the login`, async (t) => {
    const testEnv = await createTestEnv(t);
    const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ cleanup }) });
    assert.equal(main.code, 0);
    assert.equal(main.log.at(-1), LOG.loggedInForGood(`web-1 (${testEnv.server.id})`, testEnv.registry.host));

    // The input's expression may have another value by now: the saved state counts.
    const post = await testEnv.runPost(main, { inputs: testEnv.inputs.vault({ cleanup: 'true' }) });
    assert.equal(post.code, 0);
    assert.deepEqual(post.log, [LOG.staysLoggedIn(testEnv.server.id, testEnv.registry.host)]);
    assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
    assert.equal(testEnv.reoclo.audit.length, 1);
  });
}
