// A bug in the core is one annotation without a stack trace, and never fails a job in post.
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { ERRORS, exactly, TITLES } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

// Makes the core fail during a request, outside of any promise.
const SABOTAGE = `
  const { set } = Map.prototype;
  Map.prototype.set = function (key, value) {
    if (key === 'authorization') throw new Error('sabotage');
    return set.call(this, key, value);
  };`;

async function sabotage(testEnv) {
  const script = join(testEnv.folder, 'sabotage.cjs');
  await writeFile(script, SABOTAGE);
  return { nodeArgs: ['--require', script] };
}

test('a panic in main is one error', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault(), ...(await sabotage(testEnv)) });
  assert.equal(main.code, 1);
  assert.deepEqual(main.annotations.map(({ level, title }) => [level, title]), [['error', TITLES.internalError]]);
  assert.match(main.annotations[0].message, exactly(ERRORS.internal));
  assert.deepEqual([main.stderr, /\n\s+at /.test(main.stdout)], ['', false]);
});

test('a panic in post is one warning', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault() });
  const post = await testEnv.runPost(main, await sabotage(testEnv));
  assert.equal(post.code, 0);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.internalError]]);
  assert.equal(post.stderr, '');
});

test('a damaged dist is one error', async (t) => {
  const testEnv = await createTestEnv(t);
  const dist = await mkdtemp(join(tmpdir(), 'docker-auth-dist-'));
  t.after(() => rm(dist, { recursive: true }));
  await cp(fileURLToPath(new URL('../../dist', import.meta.url)), dist, { recursive: true });
  await writeFile(join(dist, 'reoclo_docker_auth.wasm'), 'not wasm');
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault(), dist });
  assert.equal(main.code, 1);
  assert.equal(main.annotations.length, 1);
  assert.equal(main.stderr, '');
});
