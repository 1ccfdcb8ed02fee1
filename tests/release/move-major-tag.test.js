// move-major-tag.sh: the major tag follows the newest release, and never goes back.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createScratch } from './scratch.js';

const move = (scratch, tag, env) => scratch.run('move-major-tag.sh', [tag], env);

test('creates and then moves the major tag', (t) => {
  const scratch = createScratch(t);
  const first = scratch.release('v2.0.0');
  assert.deepEqual(move(scratch, 'v2.0.0'), { code: 0, stdout: 'Moved v2 to v2.0.0\n', stderr: '' });
  assert.equal(scratch.remoteTag('v2'), first);

  const second = scratch.release('v2.1.0');
  assert.deepEqual(move(scratch, 'v2.1.0'), { code: 0, stdout: 'Moved v2 to v2.1.0 from v2.0.0\n', stderr: '' });
  assert.equal(scratch.remoteTag('v2'), second);
});

test('a re-run changes nothing', (t) => {
  const scratch = createScratch(t);
  const commit = scratch.release('v2.0.0');
  move(scratch, 'v2.0.0');
  assert.deepEqual(move(scratch, 'v2.0.0'), { code: 0, stdout: 'v2 is at v2.0.0 already\n', stderr: '' });
  assert.equal(scratch.remoteTag('v2'), commit);
});

test('a re-run of an older release does not move it back', (t) => {
  const scratch = createScratch(t);
  scratch.release('v2.9.0');
  // 10 is more than 9, but not as text.
  const newer = scratch.release('v2.10.0');
  move(scratch, 'v2.10.0');
  scratch.git('checkout', '--quiet', 'v2.9.0');
  assert.deepEqual(move(scratch, 'v2.9.0'), { code: 0, stdout: 'v2 stays at v2.10.0, which is newer than v2.9.0\n', stderr: '' });
  assert.equal(scratch.remoteTag('v2'), newer);
});

test('a later commit with an older version does not move it back', (t) => {
  const scratch = createScratch(t);
  const newer = scratch.release('v2.2.0');
  move(scratch, 'v2.2.0');
  scratch.release('v2.1.1');
  assert.equal(move(scratch, 'v2.1.1').stdout, 'v2 stays at v2.2.0, which is newer than v2.1.1\n');
  assert.equal(scratch.remoteTag('v2'), newer);
});

test('moves an annotated major tag to an annotated release', (t) => {
  const scratch = createScratch(t);
  scratch.release('v2.0.0', '--annotate', '--message', 'first');
  scratch.git('tag', '--annotate', '--message', 'major', 'v2', 'v2.0.0^{}');
  scratch.git('push', '--quiet', 'origin', 'v2');
  const commit = scratch.release('v2.1.0', '--annotate', '--message', 'second');
  assert.equal(move(scratch, 'v2.1.0').stdout, 'Moved v2 to v2.1.0 from v2.0.0\n');
  assert.equal(scratch.remoteTag('v2'), commit);
});

test('major versions have tags of their own', (t) => {
  const scratch = createScratch(t);
  const second = scratch.release('v2.0.0');
  move(scratch, 'v2.0.0');
  const third = scratch.release('v3.0.0');
  move(scratch, 'v3.0.0');
  assert.deepEqual([scratch.remoteTag('v2'), scratch.remoteTag('v3')], [second, third]);
});

test('refuses to move a tag that is at no release', (t) => {
  const scratch = createScratch(t);
  const stray = scratch.commit();
  scratch.git('push', '--quiet', 'origin', 'HEAD:refs/tags/v2');
  scratch.release('v2.0.0');
  const { code, stderr } = move(scratch, 'v2.0.0');
  assert.equal(code, 1);
  assert.equal(stderr, `v2 is at ${stray}, which is no release. Fix: move it to a release manually, and re-run the job.\n`);
  assert.equal(scratch.remoteTag('v2'), stray);
});

test('names the command when the remote refuses', (t) => {
  const scratch = createScratch(t);
  const commit = scratch.release('v2.0.0');
  writeFileSync(join(scratch.remote, 'hooks/pre-receive'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const { code, stderr } = move(scratch, 'v2.0.0');
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^Cannot move v2\\. Fix: move it manually: git push --force origin ${commit}:refs/tags/v2$`, 'm'));
});

test('refuses a tag that has moved on the remote', (t) => {
  const scratch = createScratch(t);
  const released = scratch.release('v2.0.0');
  scratch.commit();
  const { code, stderr } = move(scratch, 'v2.0.0');
  assert.deepEqual([code, stderr], [1, `v2.0.0 is at ${released} on origin, not at the checked out commit\n`]);
  assert.equal(scratch.remoteTag('v2'), '');
});

for (const [tag, expected] of [['v2.0.0', 'origin has no tag v2.0.0\n'], ['v2', 'v2 is not a version such as v1.2.3\n'], ['v2.0.0-rc.1', 'v2.0.0-rc.1 is not a version such as v1.2.3\n']]) {
  test(`refuses ${tag} without such a release`, (t) => {
    assert.deepEqual(move(createScratch(t), tag), { code: 1, stdout: '', stderr: expected });
  });
}
