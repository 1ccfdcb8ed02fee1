// A step that is killed at any moment is cleaned up after.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactly, LOG, TITLES, WARNINGS } from '../env/messages.js';
import { startFaults, withheld } from '../sandbox/faults.js';
import { startGate } from '../sandbox/gate.js';
import { idle, printed } from '../env/fleet.js';
import { createWorld, UNDER_CONDITIONS } from '../env/test-env.js';

const isPoll = ({ method }) => method === 'GET';
const isLogin = ({ path }) => /\/registry-auth\/login(-direct)?$/.test(path);

for (const mode of ['vault', 'passthrough']) {
  test(`${mode}: killed while polling, post waits for the login to end and logs out`, async (t) => {
    const world = await createWorld(t);
    const gate = world.own(await startGate(world.registry.host));
    const inputs =
      mode === 'vault'
        ? world.inputs.vault({ credential_id: world.addCredential({ registry_url: gate.host }) })
        : world.inputs.passthrough({ registry_url: gate.host });
    const step = world.start('main', { inputs });
    await world.reoclo.seen(isPoll);
    step.child.kill('SIGKILL');
    const main = await step.done;
    assert.equal(main.signal, 'SIGKILL');

    const post = world.startPost(main);
    const polls = world.reoclo.requests.filter(isPoll).length;
    await world.reoclo.seen(isPoll, polls + 1);
    gate.release();
    const { code, log, annotations } = await post.done;
    assert.deepEqual([code, annotations], [0, []]);
    assert.match(log[0], exactly(LOG.waitingForOperation()));
    assert.equal(log.at(-1), LOG.loggedOutOf(gate.host, world.server.id));
    assert.equal(world.reoclo.audit[0].outcome, 'completed');
    assert.deepEqual(world.server.agent.logins(), []);
  });
}

test('passthrough: killed before the reply, post gives the login time to end and logs out', async (t) => {
  const world = await createWorld(t);
  const gate = world.own(await startGate(world.registry.host));
  const step = world.start('main', { inputs: world.inputs.passthrough({ registry_url: gate.host }) });
  world.reoclo.once('request', () => step.child.kill('SIGKILL'));
  const main = await step.done;
  await world.reoclo.seen(isLogin);
  await gate.waiting;

  // The login ends while post waits for 20 s, over which the clock then leaps.
  const post = world.startPost(main, { nodeArgs: UNDER_CONDITIONS, env: { TEST_LEAP_S: '20' } });
  await printed(post, LOG.waitingForInterruptedLogin);
  gate.release();
  await idle(world);
  post.child.kill('SIGUSR2');
  const { log } = await post.done;
  assert.equal(world.reoclo.audit[0].outcome, 'completed');
  assert.equal(log.at(-1), LOG.loggedOutOf(gate.host, world.server.id));
  assert.deepEqual(world.server.agent.logins(), []);
});

test('vault: killed before the reply named the registry, post says so and names the server', async (t) => {
  const world = await createWorld(t);
  const faults = world.own(await startFaults(world.reoclo.url, { login: withheld() }));
  const step = world.start('main', { inputs: world.inputs.vault({ api_url: faults.url }) });
  await faults.seen('login');
  step.child.kill('SIGKILL');
  const main = await step.done;
  assert.deepEqual(main.saved.map(({ seen, registry_url }) => [seen, registry_url]), [['requested', undefined]]);
  const post = await world.runPost(main);
  assert.equal(post.code, 0);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.loginNotCleanedUp]]);
  assert.equal(post.annotations[0].message, WARNINGS.loginNotCleanedUp(world.server.id));
});

test('post uses the key of its input where the runner has no state file', async (t) => {
  const world = await createWorld(t);
  const main = await world.run('main', { inputs: world.inputs.passthrough(), env: { GITHUB_STATE: undefined } });
  assert.equal(main.code, 0);
  assert.equal(main.state.api_key, undefined, 'the key does not travel over stdout');
  await world.runPost(main);
  assert.deepEqual(world.server.agent.logins(), []);
});
