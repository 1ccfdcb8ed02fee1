// What is different about a Windows runner: paths with backslashes and spaces, and lines that end with CR LF.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTlsEnv, logInAndOut } from '../env/tls.js';
import { createTestEnv } from '../env/test-env.js';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

test('state and outputs have lines of Windows', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ job_summary: 'true' }) });
  assert.equal(main.code, 0, main.stdout);
  for (const text of [main.files.state, main.files.outputs]) assert.doesNotMatch(text, /[^\r]\n/);
  assert.match(main.files.state, /\r\n/);
  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations, testEnv.server.agent.logins()], [0, [], []]);
});

test('the action runs from a path with spaces', async (t) => {
  const testEnv = await createTestEnv(t);
  const folder = await mkdtemp(join(tmpdir(), 'docker auth dist '));
  t.after(() => rm(folder, { recursive: true }));
  await cp(DIST, folder, { recursive: true });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough(), dist: folder });
  assert.equal(main.code, 0, main.stdout);
  const post = await testEnv.runPost(main, { dist: folder });
  assert.deepEqual([post.code, post.annotations, testEnv.server.agent.logins()], [0, [], []]);
});

test('ca_certificate may be a path with backslashes', async (t) => {
  const { testEnv, tls, inputs } = await createTlsEnv(t);
  const folder = join(testEnv.folder, 'workspace', 'my certificates');
  await mkdir(folder);
  await writeFile(join(folder, 'ca.pem'), tls.cert.replaceAll('\n', '\r\n'));
  await logInAndOut(testEnv, inputs('my certificates\\ca.pem'));
  await logInAndOut(testEnv, inputs(`Z:${join(folder, 'ca.pem').replaceAll('/', '\\')}`));
});
