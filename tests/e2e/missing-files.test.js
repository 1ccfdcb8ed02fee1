// A runner without files for outputs and state, or whose files do not exist.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TITLES } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

const VARIABLES = ['GITHUB_STATE', 'GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY', 'GITHUB_ENV', 'GITHUB_PATH'];
const all = (value) => Object.fromEntries(VARIABLES.map((name) => [name, value]));

test('without file variables, prints commands but no key', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault(), env: all('') });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.equal(main.outputs.registry_url, testEnv.registry.host);
  assert.deepEqual([main.saved[0].needsLogout, main.state.api_key], [true, undefined]);
  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations, testEnv.server.agent.logins()], [0, [], []]);
});

test('missing files are warnings and the login succeeds', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault(), env: all('/nonexistent/file') });
  assert.equal(main.code, 0, main.stdout);
  const warnings = main.annotations.map(({ level, title }) => `${level}: ${title}`);
  assert.deepEqual(warnings, [`warning: ${TITLES.cleanupMayFail}`, `warning: ${TITLES.outputsNotSet}`]);
  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []]);
});
