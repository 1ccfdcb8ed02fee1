// A step that was killed is cleaned up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactly, LOG, TITLES, WARNINGS } from '../env/messages.js';
import { delayResponse, startFaults } from '../sandbox/faults.js';
import { startGate } from '../sandbox/gate.js';
import { idle, printed } from '../env/fleet.js';
import { createTestEnv, UNDER_CONDITIONS } from '../env/test-env.js';

const isPoll = ({ method }) => method === 'GET';
const isLogin = ({ path }) => /\/registry-auth\/login(-direct)?$/.test(path);

for (const mode of ['vault', 'passthrough']) {
  test(`${mode}: logs out after a kill while polling`, async (t) => {
    const testEnv = await createTestEnv(t);
    const gate = testEnv.cleanUp(await startGate(testEnv.registry.host));
    const inputs =
      mode === 'vault'
        ? testEnv.inputs.vault({ credential_id: testEnv.addCredential({ registry_url: gate.host }) })
        : testEnv.inputs.passthrough({ registry_url: gate.host });
    const step = testEnv.start('main', { inputs });
    await testEnv.reoclo.seen(isPoll);
    step.child.kill('SIGKILL');
    const main = await step.done;
    assert.equal(main.signal, 'SIGKILL');

    const post = testEnv.startPost(main);
    const polls = testEnv.reoclo.requests.filter(isPoll).length;
    await testEnv.reoclo.seen(isPoll, polls + 1);
    gate.release();
    const { code, log, annotations } = await post.done;
    assert.deepEqual([code, annotations], [0, []]);
    assert.match(log[0], exactly(LOG.waitingForOperation()));
    assert.equal(log.at(-1), LOG.loggedOutOf(gate.host, testEnv.server.id));
    assert.equal(testEnv.reoclo.audit[0].outcome, 'completed');
    assert.deepEqual(testEnv.server.agent.logins(), []);
  });
}

test('passthrough: logs out after a kill before response', async (t) => {
  const testEnv = await createTestEnv(t);
  const gate = testEnv.cleanUp(await startGate(testEnv.registry.host));
  const step = testEnv.start('main', { inputs: testEnv.inputs.passthrough({ registry_url: gate.host }) });
  testEnv.reoclo.once('request', () => step.child.kill('SIGKILL'));
  const main = await step.done;
  await testEnv.reoclo.seen(isLogin);
  await gate.waiting;

  // The login finishes while post waits for 20 s; then the clock jumps.
  const post = testEnv.startPost(main, { nodeArgs: UNDER_CONDITIONS, env: { TEST_JUMP_S: '20' } });
  await printed(post, LOG.waitingForUnknownLogin);
  gate.release();
  await idle(testEnv);
  post.child.kill('SIGUSR2');
  const { log } = await post.done;
  assert.equal(testEnv.reoclo.audit[0].outcome, 'completed');
  assert.equal(log.at(-1), LOG.loggedOutOf(gate.host, testEnv.server.id));
  assert.deepEqual(testEnv.server.agent.logins(), []);
});

test('vault: warns after a kill before response', async (t) => {
  const testEnv = await createTestEnv(t);
  const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, { login: delayResponse() }));
  const step = testEnv.start('main', { inputs: testEnv.inputs.vault({ api_url: faults.url }) });
  await faults.seen('login');
  step.child.kill('SIGKILL');
  const main = await step.done;
  assert.deepEqual(main.saved.map(({ seen, registry_url }) => [seen, registry_url]), [['requested', undefined]]);
  const post = await testEnv.runPost(main);
  assert.equal(post.code, 0);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.loginNotCleanedUp]]);
  assert.equal(post.annotations[0].message, WARNINGS.loginNotCleanedUp(testEnv.server.id));
});

test('post uses api_key without a state file', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough(), env: { GITHUB_STATE: undefined } });
  assert.equal(main.code, 0);
  assert.equal(main.state.api_key, undefined, 'the key is not written to stdout');
  await testEnv.runPost(main);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});
