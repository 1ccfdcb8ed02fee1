// The test environment, with a small action: steps run as on a runner, and a leak fails the test.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTestEnv } from './test-env.js';

const MANIFEST = `
name: probe
inputs:
  api_key: { required: true }
  access_token: { description: secret }
  script: { description: JavaScript to run }
  cleanup: { default: 'true' }
runs: { using: node20, main: dist/main.cjs, post: dist/post.cjs }
`;
const MAIN = `
const { appendFileSync } = require('node:fs');
const { env } = process;
console.log('::add-mask::' + env.INPUT_API_KEY);
console.log('hello');
console.log('::warning title=Careful%3A 50%25%2C::line 1%0Aline 2');
appendFileSync(env.GITHUB_STATE, 'api_key<<EOF\\n' + env.INPUT_API_KEY + '\\nEOF\\n');
appendFileSync(env.GITHUB_OUTPUT, 'cleanup=' + env.INPUT_CLEANUP + '\\n');
appendFileSync(env.GITHUB_STEP_SUMMARY, '# Done\\n');
appendFileSync(env.GITHUB_OUTPUT, 'variables=' + Object.keys(env).join() + '\\n');
eval(env.INPUT_SCRIPT);
`;
const POST = `console.log('key ' + (process.env.STATE_api_key === process.env.INPUT_API_KEY));`;

/** A test environment whose action runs the JavaScript in its input `script`. */
async function probe(t) {
  const action = await mkdtemp(join(tmpdir(), 'docker-auth-probe-'));
  t.after(() => rm(action, { recursive: true }));
  await mkdir(join(action, 'dist'));
  await writeFile(join(action, 'action.yml'), MANIFEST);
  await writeFile(join(action, 'dist/main.cjs'), MAIN);
  await writeFile(join(action, 'dist/post.cjs'), POST);
  return createTestEnv(t, { action });
}

test('a step gets the environment of a runner only', async (t) => {
  const testEnv = await probe(t);
  const main = await testEnv.run('main', {
    inputs: testEnv.inputs.vault({ credential_id: undefined }),
    env: { EXTRA: '1', CI: undefined },
  });
  assert.equal(main.code, 0);
  assert.deepEqual(main.log, ['hello']);
  assert.deepEqual(main.annotations, [
    { level: 'warning', title: 'Careful: 50%,', message: 'line 1\nline 2' },
  ]);
  assert.deepEqual(main.commands[0], { command: 'add-mask', properties: {}, data: testEnv.apiKey });
  assert.deepEqual(main.state, { api_key: testEnv.apiKey });
  assert.equal(main.outputs.cleanup, 'true');
  assert.equal(main.summary, '# Done\n');
  const variables = main.outputs.variables.split(',');
  assert.ok(variables.includes('INPUT_ACCESS_TOKEN') && variables.includes('EXTRA'));
  assert.ok(!variables.includes('INPUT_CREDENTIAL_ID') && !variables.includes('CI'));
  assert.deepEqual(variables.filter((name) => !/^(INPUT|GITHUB|RUNNER)_/.test(name)).sort(), [
    'EXTRA',
    'HOME',
    'PATH',
  ]);

  const post = await testEnv.runPost(main);
  assert.deepEqual(post.log, ['key true']);
});

test('a leaked secret fails the step', async (t) => {
  const testEnv = await probe(t);
  const leaks = {
    "console.log('x' + env.INPUT_API_KEY)": /stdout contains the API key$/,
    'console.error(env.INPUT_API_KEY)': /stderr contains the API key$/,
    "console.log(Buffer.from('octo:' + env.INPUT_ACCESS_TOKEN).toString('base64'))":
      /user and access token in base64$/,
    'console.log(encodeURIComponent(env.INPUT_ACCESS_TOKEN))': /as in a URL/,
    'console.log(JSON.stringify(env.INPUT_ACCESS_TOKEN))': /as in JSON/,
    "console.log('::error::' + env.INPUT_ACCESS_TOKEN.split('\\n')[1])":
      /contains the line of the access token$/,
    'appendFileSync(env.GITHUB_STATE, `t=${encodeURIComponent(env.INPUT_ACCESS_TOKEN)}\\n`)':
      /save_state_\S+ contains the access token/,
    "appendFileSync(env.RUNNER_TEMP + '/f', env.INPUT_API_KEY)": /f contains the API key/,
  };
  for (const [script, message] of Object.entries(leaks)) {
    const access_token = 'one "1"\ntwo\\three';
    const inputs = testEnv.inputs.passthrough({ script, username: 'octo', access_token });
    await assert.rejects(testEnv.run('main', { inputs }), { name: 'AssertionError', message });
    await rm(join(testEnv.folder, 'temp/f'), { force: true });
  }
});

test('a killed step keeps its state', async (t) => {
  const testEnv = await probe(t);
  const { child, done } = testEnv.start('main', {
    inputs: testEnv.inputs.vault({ script: "setInterval(() => {}, 1000); console.log('stuck')" }),
  });
  child.stdout.on('data', (text) => text.includes('stuck') && child.kill('SIGKILL'));
  const main = await done;
  assert.equal(main.signal, 'SIGKILL');
  assert.deepEqual(main.state, { api_key: testEnv.apiKey });
});
