// Masks come before everything else, longest first, whatever happens next.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from '../env/test-env.js';

const lines = (text) => text.split('\n').filter(Boolean);

test('the first thing that main writes is a mask, for good input and for bad', async (t) => {
  const world = await createWorld(t);
  for (const inputs of [
    world.inputs.vault(),
    world.inputs.passthrough(),
    world.inputs.passthrough({ server_id: 'not-a-uuid' }),
    world.inputs.vault({ api_key: 'not-an-automation-key' }),
  ]) {
    const { stdout } = await world.run('main', { inputs });
    const isMask = lines(stdout).map((line) => line.startsWith('::add-mask::'));
    assert.equal(isMask[0], true, stdout);
    assert.equal(isMask.lastIndexOf(true) + 1, isMask.filter(Boolean).length, `a line came between the masks:\n${stdout}`);
  }
});

test('masks are registered longest first, and none is empty or one character', async (t) => {
  const world = await createWorld(t);
  const { commands } = await world.run('main', { inputs: world.inputs.passthrough({ access_token: 'first-line-of-it\nsecond-one\n\nx\n' }) });
  const masks = commands.filter(({ command }) => command === 'add-mask').map(({ data }) => Buffer.byteLength(data));
  assert.deepEqual(masks, masks.toSorted((a, b) => b - a));
  assert.ok(masks.every((length) => length > 1));
});

test('post masks the key again before it says anything', async (t) => {
  const world = await createWorld(t);
  const post = await world.runPost(await world.run('main', { inputs: world.inputs.vault() }));
  assert.equal(lines(post.stdout)[0], `::add-mask::${world.apiKey}`);
});

test('act and Gitea each get a value with colons in the one form that they do not show', async (t) => {
  const world = await createWorld(t);
  const access_token = 'tok::en-hunter22';
  const forms = [`##[add-mask]${access_token}`, `::add-mask::${access_token}`];
  for (const [variable, taken] of [['ACT', forms[0]], ['GITEA_ACTIONS', forms[1]], ['FORGEJO_ACTIONS', forms[1]]]) {
    const { stdout } = await world.run('main', { inputs: world.inputs.passthrough({ access_token }), env: { [variable]: 'true' } });
    assert.deepEqual(lines(stdout).filter((line) => forms.includes(line)), [taken], stdout);
  }
});

test('the fields of a service account key are masked one by one', async (t) => {
  const world = await createWorld(t);
  const key = { type: 'service_account', private_key_id: '0123456789abcdef', private_key: '-----BEGIN KEY-----\nabc/def+\n' };
  const inputs = world.inputs.passthrough({ username: '_json_key', access_token: JSON.stringify(key) });
  const { commands } = await world.run('main', { inputs });
  const masked = commands.filter(({ command }) => command === 'add-mask').map(({ data }) => data);
  for (const field of [key.private_key_id, key.private_key, 'abc/def+']) assert.ok(masked.includes(field), field);
});
