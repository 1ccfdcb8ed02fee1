// release-notes.js: the section of one version in CHANGELOG.md.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHANGELOG, createScratch } from './scratch.js';

const notes = (t, changelog, tag) => createScratch(t, { 'CHANGELOG.md': changelog }).run('release-notes.js', [tag]);

test('prints one section with its links', (t) => {
  const expected = '### Added\n\n- Several servers in one step ([#12]).\n\n[#12]: https://github.com/reoclo/docker-auth/issues/12\n';
  assert.deepEqual(notes(t, CHANGELOG, 'v2.2.0'), { code: 0, stdout: expected, stderr: '' });
  assert.equal(notes(t, CHANGELOG.replaceAll('\n', '\r\n'), 'v2.2.0').stdout, expected);
});

test('the last section ends before the links', (t) => {
  assert.equal(notes(t, CHANGELOG, 'v2.1.0').stdout, '### Fixed\n\n- Proxies with a password.\n');
});

test('a version needs no link', (t) => {
  assert.equal(notes(t, '## [2.0.0] - 2026-01-01\n\n- Second.\n\n## 1.1 - 2025-02-01\n\n- First.\n', 'v2.0.0').stdout, '- Second.\n');
  assert.equal(notes(t, '## 2.0.0\n\n- Second.\n\n## Before that\n\n- First.\n', 'v2.0.0').stdout, '- Second.\n');
});

test('headings in code blocks are text', (t) => {
  const code = '````text\n## [1.0.0]\n```\n[x]: y\n````';
  assert.equal(notes(t, `## [2.0.0] - 2026-01-01\n\n${code}\n\n## [1.0.0] - 2025-01-01\n- First.\n`, 'v2.0.0').stdout, `${code}\n`);
});

for (const [what, tag] of [['an unknown version', 'v9.9.9'], ['a part of a version', 'v2.2'], ['an empty section', 'vUnreleased']]) {
  test(`fails for ${what}`, (t) => {
    assert.deepEqual(notes(t, CHANGELOG, tag), { code: 1, stdout: '', stderr: `CHANGELOG.md has no notes for ${tag}\n` });
  });
}
