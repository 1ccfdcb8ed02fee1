// A Node that is too old for the action, as a self-hosted runner may bring it: one sentence
// says so, whatever else that Node could not read.
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
  test(`${step} on Node ${old.version} says which Node it needs, as one ${level}`, async (t) => {
    const testEnv = await createTestEnv(t);
    const result = await testEnv.run(step, { inputs: testEnv.inputs.vault(), node: old.path });
    assert.equal(result.code, code, result.stdout + result.stderr);
    assert.deepEqual(result.annotations, [{ level, title: TITLES.unsupportedNode, message: ERRORS.unsupportedNode(old.version) }]);
    // Neither a stack trace nor a complaint about syntax.
    assert.deepEqual(result.log, []);
    assert.equal(result.stderr, '');
    assert.deepEqual(testEnv.reoclo.requests, []);
  });
}
