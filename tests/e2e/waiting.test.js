// A step that waits says now and then what it waits for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { label, LOG, NAMES } from '../env/messages.js';
import { startFaults, withheld } from '../sandbox/faults.js';
import { startGate } from '../sandbox/gate.js';
import { createFleet, die, printed } from '../env/fleet.js';
import { createWorld, UNDER_CONDITIONS } from '../env/test-env.js';

// Each leap of the clock is over one of the waits between two lines.
const LEAPS = { nodeArgs: UNDER_CONDITIONS, env: { TEST_LEAP_S: '10' } };

const signs = ({ log }) => log.filter((line) => line.includes(LOG.stillWaitingStart));

/** Waits for the signs of 5, 15 and 25 s, with a leap for each. */
async function threeSigns(step) {
  for (const seconds of [5, 15, 25]) {
    step.child.kill('SIGUSR2');
    await printed(step, LOG.stillWaiting(seconds));
  }
}

/** That these are the first signs, made by `line(seconds)`; a slow machine may have come to the next. */
function assertSigns(main, line) {
  const expected = signs(main).map((_, i) => line(5 + 10 * i));
  assert.ok(expected.length >= 3);
  assert.deepEqual(signs(main), expected);
}

test('a login that docker takes long for is told of after 5 s and then every 10 s', async (t) => {
  const world = await createWorld(t);
  const gate = world.own(await startGate(world.registry.host));
  const step = world.start('main', { inputs: world.inputs.passthrough({ registry_url: gate.host }), ...LEAPS });
  await printed(step, LOG.operationStart);
  await threeSigns(step);
  gate.release();
  const main = await step.done;
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assertSigns(main, (seconds) => LOG.stillWaitingFor(seconds, `${NAMES.server(world.server.id)}, ${gate.host}`));
  await world.runPost(main);
  assert.deepEqual(world.server.agent.logins(), []);
});

test('so is a request that Reoclo takes long for, by the credential, since the registry is not known', async (t) => {
  const world = await createWorld(t);
  let answer;
  const faults = world.own(await startFaults(world.reoclo.url, { login: withheld(new Promise((resolve) => (answer = resolve))) }));
  const step = world.start('main', { inputs: world.inputs.vault({ api_url: faults.url }), ...LEAPS });
  await faults.seen('login');
  await threeSigns(step);
  answer();
  const main = await step.done;
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assertSigns(main, (seconds) => LOG.stillWaitingFor(seconds, `${NAMES.server(world.server.id)}, ${NAMES.credential(world.credentialId)}`));
});

test('of several logins those are named that are under way, and how many are done', async (t) => {
  const { world, servers, registries, inputs } = await createFleet(t, { types: ['generic'] });
  await die(servers[1]);
  const step = world.start('main', { inputs: inputs(), ...LEAPS });
  const done = ['web-1', 'web-3'].map((name) => printed(step, label(name, registries[0]) + LOG.loggedInStart(name, registries[0])));
  await Promise.all([...done, printed(step, label(NAMES.server(servers[1].id), registries[0]) + LOG.operationStart)]);
  await threeSigns(step);
  step.child.kill('SIGTERM');
  const main = await step.done;
  assert.equal(main.code, 1);
  assertSigns(main, (seconds) => LOG.stillWaitingForSome(seconds, 2, 3, `${NAMES.server(servers[1].id)}, ${registries[0]}`));
});

test('a quick login says nothing of it', async (t) => {
  const world = await createWorld(t);
  const main = await world.run('main', { inputs: world.inputs.vault() });
  assert.equal(main.code, 0);
  // Where the machine has made it a slow one, it says so with right.
  if (main.durationMs < 5_000) assert.deepEqual(signs(main), []);
});
