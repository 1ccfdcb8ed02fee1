// compare-dist.sh: the committed dist/ is the rebuilt one.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createScratch } from './scratch.js';

const FILES = { '.gitignore': '/target/\n', 'dist/main.cjs': 'main\n', 'dist/core.wasm': '\0asm', 'src/lib.rs': '' };
const REBUILT = { 'target/check-dist/main.cjs': 'main\n', 'target/check-dist/core.wasm': '\0asm' };

function compare(t, changes = {}, prepare = () => {}) {
  const scratch = createScratch(t, FILES);
  scratch.write({ ...REBUILT, ...changes });
  prepare(scratch);
  return { ...scratch.run('compare-dist.sh', ['target/check-dist']), head: scratch.git('rev-parse', 'HEAD') };
}

test('accepts a dist that was rebuilt equal', (t) => {
  const { head, ...result } = compare(t);
  assert.deepEqual(result, { code: 0, stdout: `dist/ of ${head} is what its sources build\n`, stderr: '' });
});

for (const [what, changes, expected] of [
  ['a stale file', { 'target/check-dist/core.wasm': '\0asm2' }, 'Files dist/core.wasm and target/check-dist/core.wasm differ\n'],
  ['a missing file', { 'target/check-dist/post.cjs': 'post\n' }, 'Only in target/check-dist: post.cjs\n'],
]) {
  test(`refuses ${what}`, (t) => {
    const { code, stdout, stderr } = compare(t, changes);
    assert.deepEqual([code, stdout], [1, expected]);
    assert.match(stderr, /^The committed dist\/ is not what its sources build\. Fix: run make dist,/);
  });
}

test('refuses a file that is no longer built', (t) => {
  const { code, stdout } = compare(t, {}, ({ folder }) => rmSync(join(folder, 'target/check-dist/main.cjs')));
  assert.deepEqual([code, stdout], [1, 'Only in dist: main.cjs\n']);
});

test('refuses when nothing was rebuilt', (t) => {
  const { code, stderr } = compare(t, {}, ({ folder }) => rmSync(join(folder, 'target'), { recursive: true }));
  assert.deepEqual([code, stderr], [1, 'target/check-dist does not exist: build it first\n']);
});

for (const [what, changes, shown] of [
  ['an uncommitted dist', { 'dist/main.cjs': 'new\n', 'target/check-dist/main.cjs': 'new\n' }, ' M dist/main.cjs'],
  ['an uncommitted source', { 'src/lib.rs': 'new\n' }, ' M src/lib.rs'],
  ['an untracked file', { 'src/new.rs': '' }, '?? src/new.rs'],
]) {
  test(`refuses ${what}`, (t) => {
    const { code, stdout, stderr } = compare(t, changes);
    assert.deepEqual([code, stdout, stderr], [1, '', `The work tree has changes that are not in the commit:\n${shown}\n`]);
  });
}
