// A Node that is too old for the action, as on a self-hosted runner, gets one error.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, TITLES } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';
import { installed } from '../support/nodes.js';

const old = installed(18);

for (const [step, level, code] of [
  ['main', 'error', 1],
  ['post', 'warning', 0],
]) {
  test(`${step} on Node ${old.version} is one ${level}`, async (t) => {
    const testEnv = await createTestEnv(t);
    const result = await testEnv.run(step, { inputs: testEnv.inputs.vault(), node: old.path });
    assert.equal(result.code, code, result.stdout + result.stderr);
    assert.deepEqual(result.annotations, [{ level, title: TITLES.unsupportedNode, message: ERRORS.unsupportedNode(old.version) }]);
    // No stack trace and no syntax error.
    assert.deepEqual(result.log, []);
    assert.equal(result.stderr, '');
    assert.deepEqual(testEnv.reoclo.requests, []);
  });
}
