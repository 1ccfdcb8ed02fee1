// Neither a slow server nor a slow registry keeps a job waiting.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, exactly, FIX, LOG, PROGRESS, TITLES, withFix } from '../env/messages.js';
import { startGate } from '../sandbox/gate.js';
import { createWorld } from '../env/test-env.js';

test('a login that outlives `timeout` fails with one error, and post logs out what came of it', async (t) => {
  const world = await createWorld(t);
  const gate = world.own(await startGate(world.registry.host));
  const main = await world.run('main', { inputs: world.inputs.passthrough({ registry_url: gate.host, timeout: '1' }) });
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(({ title }) => title), [TITLES.timedOut]);
  assert.match(main.annotations[0].message, exactly(withFix(ERRORS.loginTimeout(1, PROGRESS.running()), FIX.timeout)));

  // The login succeeds after main has given up, while post waits for it.
  const post = world.startPost(main);
  await world.reoclo.seen(({ method, at }) => method === 'GET' && at > performance.now() - 500);
  gate.release();
  const { code, log } = await post.done;
  assert.equal(code, 0);
  assert.equal(log.at(-1), LOG.loggedOutOf(gate.host, world.server.id));
  assert.equal(world.reoclo.audit[0].outcome, 'completed');
  assert.deepEqual(world.server.agent.logins(), []);
});

test('an operation that Reoclo gave up on is an error, and is logged out to be safe', async (t) => {
  const world = await createWorld(t, { agent: { timeLimitMs: 300 } });
  const gate = world.own(await startGate(world.registry.host));
  const main = await world.run('main', { inputs: world.inputs.passthrough({ registry_url: gate.host }) });
  assert.equal(main.code, 1);
  assert.match(main.annotations[0].message, exactly(withFix(ERRORS.dockerTimeout, FIX.serverNetwork)));
  const post = await world.runPost(main);
  assert.equal(post.log.at(-1), LOG.loggedOutOf(gate.host, world.server.id));
});
