// Runs from forks and by Dependabot have no secrets: `if_missing` decides whether the step fails or passes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { containing, INPUTS, TITLES, WARNINGS } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

let testEnv;
before(async () => (testEnv = await createTestEnv()));
after(() => testEnv.close());

// what is empty → mode, changed inputs, the input in the message
const MISSING = {
  'a vault login without a key': ['vault', { api_key: '' }, 'api_key'],
  'a vault login without any of its secrets': ['vault', { api_key: '', server_id: '', credential_id: '' }, 'api_key'],
  'a passthrough login without a key': ['passthrough', { api_key: ' ' }, 'api_key'],
  'a passthrough login without a token': ['passthrough', { access_token: '' }, 'access_token'],
  'a passthrough login without username and token': ['passthrough', { username: '', access_token: '\n' }, 'access_token'],
  'a passthrough login without any of its secrets': ['passthrough', { api_key: '', username: '', access_token: '' }, 'api_key'],
};

const titles = ({ annotations }) => annotations.map(({ level, title }) => [level, title]);

for (const [what, [mode, different, input]] of Object.entries(MISSING)) {
  test(`${what} passes with if_missing: skip`, async () => {
    const inputs = testEnv.inputs[mode]({ ...different, if_missing: 'skip', job_summary: 'true' });
    const main = await testEnv.run('main', { inputs });
    assert.deepEqual([main.code, main.stderr, main.log, main.state, main.summary], [0, '', [], {}, ''], main.stdout);
    assert.deepEqual(titles(main), [['notice', TITLES.loginSkipped]]);
    assert.equal(main.annotations[0].message, WARNINGS.loginSkipped(input));
    // An empty list, so that workflows can parse it.
    assert.deepEqual(main.outputs, { logins: '[]' });

    const post = await testEnv.runPost(main);
    assert.deepEqual([post.code, post.stdout, post.stderr, post.summary], [0, '', '', '']);
    assert.deepEqual(testEnv.reoclo.requests, []);
  });

  for (const if_missing of [undefined, '', 'fail']) {
    test(`${what} fails with if_missing: ${if_missing ?? 'not given'}`, async () => {
      const main = await testEnv.run('main', { inputs: testEnv.inputs[mode]({ ...different, if_missing }) });
      assert.deepEqual([main.code, titles(main), main.state], [1, [['error', TITLES.invalidInputs]], {}], main.stdout);
      assert.match(main.annotations[0].message, containing(INPUTS.isEmpty(input)));
      assert.ok(main.annotations[0].message.includes(INPUTS.emptySecrets), main.annotations[0].message);

      const post = await testEnv.runPost(main);
      assert.deepEqual([post.code, post.stdout], [0, '']);
      assert.deepEqual(testEnv.reoclo.requests, []);
    });
  }
}

test('if_missing: skip applies to missing secrets only', async () => {
  for (const different of [{ server_id: '' }, { credential_id: '' }, { api_key: 'not-an-automation-key' }, { server_id: 'web-1' }]) {
    const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ ...different, if_missing: 'skip' }) });
    assert.deepEqual([main.code, titles(main)], [1, [['error', TITLES.invalidInputs]]], main.stdout);
  }
  assert.deepEqual(testEnv.reoclo.requests, []);
});

test('if_missing: skip logs in with all secrets', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ if_missing: ' skip\n' }) });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
  await testEnv.runPost(main);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});
