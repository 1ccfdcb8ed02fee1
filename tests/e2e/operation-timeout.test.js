// A slow server or registry does not delay a job beyond its timeout.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, exactly, FIX, LOG, PROGRESS, TITLES, withFix } from '../env/messages.js';
import { startGate } from '../sandbox/gate.js';
import { createTestEnv } from '../env/test-env.js';

test('a login over `timeout` fails and is logged out', async (t) => {
  const testEnv = await createTestEnv(t);
  const gate = testEnv.cleanUp(await startGate(testEnv.registry.host));
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ registry_url: gate.host, timeout: '1' }) });
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(({ title }) => title), [TITLES.timedOut]);
  assert.match(main.annotations[0].message, exactly(withFix(ERRORS.loginTimeout(1, PROGRESS.runningOrError()), FIX.timeout)));

  // The login succeeds while post waits for it.
  const post = testEnv.startPost(main);
  await testEnv.reoclo.seen(({ method, at }) => method === 'GET' && at > performance.now() - 500);
  gate.release();
  const { code, log } = await post.done;
  assert.equal(code, 0);
  assert.equal(log.at(-1), LOG.loggedOutOf(gate.host, testEnv.server.id));
  assert.equal(testEnv.reoclo.audit[0].outcome, 'completed');
  assert.deepEqual(testEnv.server.agent.logins(), []);
});

test('an operation that timed out is logged out', async (t) => {
  const testEnv = await createTestEnv(t, { agent: { timeLimitMs: 300 } });
  const gate = testEnv.cleanUp(await startGate(testEnv.registry.host));
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ registry_url: gate.host }) });
  assert.equal(main.code, 1);
  assert.match(main.annotations[0].message, exactly(withFix(ERRORS.dockerTimeout, FIX.serverNetwork)));
  const post = await testEnv.runPost(main);
  assert.equal(post.log.at(-1), LOG.loggedOutOf(gate.host, testEnv.server.id));
});
