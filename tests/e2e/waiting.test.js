// A step that waits prints what it waits for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { label, LOG, NAMES } from '../env/messages.js';
import { delayResponse, startFaults } from '../sandbox/faults.js';
import { startGate } from '../sandbox/gate.js';
import { createFleet, hangDocker, printed } from '../env/fleet.js';
import { createTestEnv, UNDER_CONDITIONS } from '../env/test-env.js';

// Each jump of the clock skips the time until the next line.
const JUMPS = { nodeArgs: UNDER_CONDITIONS, env: { TEST_JUMP_S: '10' } };

const waitingLines = ({ log }) => log.filter((line) => line.includes(LOG.stillWaitingStart));

/** Waits for the lines after 5, 15 and 25 s, with a jump of the clock for each. */
async function threeWaitingLines(step) {
  for (const seconds of [5, 15, 25]) {
    step.child.kill('SIGUSR2');
    await printed(step, LOG.stillWaiting(seconds));
  }
}

/** Asserts that the lines are those of `line(seconds)` from 5 s on: three, or more on a slow machine. */
function assertWaitingLines(main, line) {
  const expected = waitingLines(main).map((_, i) => line(5 + 10 * i));
  assert.ok(expected.length >= 3);
  assert.deepEqual(waitingLines(main), expected);
}

test('reports a slow login after 5 s, then every 10 s', async (t) => {
  const testEnv = await createTestEnv(t);
  const gate = testEnv.cleanUp(await startGate(testEnv.registry.host));
  const step = testEnv.start('main', { inputs: testEnv.inputs.passthrough({ registry_url: gate.host }), ...JUMPS });
  await printed(step, LOG.operationStart);
  await threeWaitingLines(step);
  gate.release();
  const main = await step.done;
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assertWaitingLines(main, (seconds) => LOG.stillWaitingFor(seconds, `${NAMES.server(testEnv.server.id)}, ${gate.host}`));
  await testEnv.runPost(main);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});

test('reports a slow request by its credential', async (t) => {
  const testEnv = await createTestEnv(t);
  let respond;
  const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, { login: delayResponse(new Promise((resolve) => (respond = resolve))) }));
  const step = testEnv.start('main', { inputs: testEnv.inputs.vault({ api_url: faults.url }), ...JUMPS });
  await faults.seen('login');
  await threeWaitingLines(step);
  respond();
  const main = await step.done;
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assertWaitingLines(main, (seconds) => LOG.stillWaitingFor(seconds, `${NAMES.server(testEnv.server.id)}, ${NAMES.credential(testEnv.credentialId)}`));
});

test('reports running logins and the number finished', async (t) => {
  const { testEnv, servers, registries, inputs } = await createFleet(t, { types: ['generic'] });
  await hangDocker(servers[1]);
  const step = testEnv.start('main', { inputs: inputs(), ...JUMPS });
  const done = ['web-1', 'web-3'].map((name) => printed(step, label(name, registries[0]) + LOG.loggedInStart(name, registries[0])));
  await Promise.all([...done, printed(step, label(NAMES.server(servers[1].id), registries[0]) + LOG.operationStart)]);
  await threeWaitingLines(step);
  step.child.kill('SIGTERM');
  const main = await step.done;
  assert.equal(main.code, 1);
  assertWaitingLines(main, (seconds) => LOG.stillWaitingForSome(seconds, { finished: 2, all: 3, running: 1, waiting: 0 }, `${NAMES.server(servers[1].id)}, ${registries[0]}`));
});

test('reports nothing for a fast login', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault() });
  assert.equal(main.code, 0);
  // On a busy machine the login may be slow.
  if (main.durationMs < 5_000) assert.deepEqual(waitingLines(main), []);
});
