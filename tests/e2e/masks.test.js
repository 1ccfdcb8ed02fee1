// Masks are the first output, longest first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestEnv } from '../env/test-env.js';

const lines = (text) => text.split('\n').filter(Boolean);

test('main prints masks first, for invalid inputs too', async (t) => {
  const testEnv = await createTestEnv(t);
  for (const inputs of [
    testEnv.inputs.vault(),
    testEnv.inputs.passthrough(),
    testEnv.inputs.passthrough({ server_id: 'not-a-uuid' }),
    testEnv.inputs.vault({ api_key: 'not-an-automation-key' }),
  ]) {
    const { stdout } = await testEnv.run('main', { inputs });
    const isMask = lines(stdout).map((line) => line.startsWith('::add-mask::'));
    assert.equal(isMask[0], true, stdout);
    assert.equal(isMask.lastIndexOf(true) + 1, isMask.filter(Boolean).length, `there is a line between the masks:\n${stdout}`);
  }
});

test('masks are sorted, longest first', async (t) => {
  const testEnv = await createTestEnv(t);
  const { commands } = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ access_token: 'first-line-of-it\nsecond-one\n\nx\n' }) });
  const masks = commands.filter(({ command }) => command === 'add-mask').map(({ data }) => Buffer.byteLength(data));
  assert.deepEqual(masks, masks.toSorted((a, b) => b - a));
  assert.ok(masks.every((length) => length > 1));
});

test('post prints no mask commands', async (t) => {
  const testEnv = await createTestEnv(t);
  const post = await testEnv.runPost(await testEnv.run('main', { inputs: testEnv.inputs.vault() }));
  assert.ok(!post.stdout.includes('add-mask'), post.stdout);
});

test('masks values with colons for act and Gitea', async (t) => {
  const testEnv = await createTestEnv(t);
  const access_token = 'tok::en-hunter22';
  const forms = [`##[add-mask]${access_token}`, `::add-mask::${access_token}`];
  for (const [variable, taken] of [['ACT', forms[0]], ['GITEA_ACTIONS', forms[1]], ['FORGEJO_ACTIONS', forms[1]]]) {
    const { stdout } = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ access_token }), env: { [variable]: 'true' } });
    assert.deepEqual(lines(stdout).filter((line) => forms.includes(line)), [taken], stdout);
  }
});

test('masks the fields of a service account key', async (t) => {
  const testEnv = await createTestEnv(t);
  const key = { type: 'service_account', private_key_id: '0123456789abcdef', private_key: '-----BEGIN KEY-----\nabc/def+\n' };
  const inputs = testEnv.inputs.passthrough({ username: '_json_key', access_token: JSON.stringify(key) });
  const { commands } = await testEnv.run('main', { inputs });
  const masked = commands.filter(({ command }) => command === 'add-mask').map(({ data }) => data);
  for (const field of [key.private_key_id, key.private_key, 'abc/def+']) assert.ok(masked.includes(field), field);
});
