// check-release.js: the tag, the versions, the changelog and the commit of a release agree.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHANGELOG, createScratch, manifests } from './scratch.js';

const FILES = { ...manifests('2.2.0'), 'CHANGELOG.md': CHANGELOG };

function check(t, { files = {}, tag = 'v2.2.0', change = () => {} } = {}) {
  const scratch = createScratch(t, { ...FILES, ...files });
  scratch.git('tag', tag);
  change(scratch);
  const { code, stdout, stderr } = scratch.run('check-release.js', [tag]);
  assert.equal(stderr, '');
  return { code, lines: stdout.trimEnd().split('\n').map((line) => line.replace(`::error title=Cannot release ${tag}::`, '')) };
}

test('accepts a tag that agrees with everything', (t) => {
  assert.deepEqual(check(t), { code: 0, lines: ['v2.2.0 can be released: versions, changelog and commit agree'] });
});

test('accepts files with CR LF', (t) => {
  const files = Object.fromEntries(Object.entries(FILES).map(([path, text]) => [path, text.replaceAll('\n', '\r\n')]));
  assert.equal(check(t, { files }).code, 0);
});

test('accepts an older commit of main', (t) => {
  const change = (scratch) => {
    scratch.release('v2.2.1');
    scratch.git('checkout', '--quiet', 'v2.2.0');
  };
  assert.equal(check(t, { change }).code, 0);
});

const withChangelog = (from, to) => ({ 'CHANGELOG.md': CHANGELOG.replace(from, to) });
for (const [what, files, expected] of [
  ['another version in Cargo.toml', { 'Cargo.toml': manifests('2.1.0')['Cargo.toml'] }, 'Cargo.toml has the version 2.1.0, the tag is v2.2.0.'],
  ['another version in package.json', { 'package.json': manifests('2.3.0')['package.json'] }, 'package.json has the version 2.3.0, the tag is v2.2.0.'],
  ['another version in package-lock.json', { 'package-lock.json': manifests('2.1.9')['package-lock.json'] }, 'package-lock.json has the version 2.1.9, the tag is v2.2.0.'],
  ['a changelog without the version', withChangelog('## [2.2.0] - 2026-11-21', '### More'), 'CHANGELOG.md has no section "## [2.2.0] - YYYY-MM-DD".'],
  ['a section without a date', withChangelog(' - 2026-11-21', ''), 'CHANGELOG.md: the section 2.2.0 needs a date: "## [2.2.0] - YYYY-MM-DD".'],
  ['a section with an impossible date', withChangelog('2026-11-21', '2026-02-30'), 'CHANGELOG.md: the section 2.2.0 needs a date: "## [2.2.0] - YYYY-MM-DD".'],
  ['an empty section', withChangelog(/### Added[^#]*?\[#12\]\)\.\n/, ''), 'CHANGELOG.md: the section 2.2.0 is empty.'],
  ['unreleased entries', withChangelog('## [Unreleased]\n', '## [Unreleased]\n\n- Forgotten.\n'), 'CHANGELOG.md: the section Unreleased is not empty. Move its entries to the section of the release.'],
  ['a section above the released one', withChangelog('## [Unreleased]\n', '## [2.3.0] - 2026-12-24\n\n- Later.\n'), 'CHANGELOG.md: the section 2.3.0 is above the section 2.2.0.'],
]) {
  test(`refuses ${what}`, (t) => {
    const { code, lines } = check(t, { files });
    assert.equal(code, 1);
    assert.ok(lines.includes(expected), lines.join('\n'));
  });
}

test('refuses a missing changelog', (t) => {
  const change = (scratch) => {
    scratch.git('rm', '--quiet', 'CHANGELOG.md');
  };
  assert.deepEqual(check(t, { change }), { code: 1, lines: ['CHANGELOG.md has no section "## [2.2.0] - YYYY-MM-DD".'] });
});

for (const tag of ['v2.2', 'v2.2.0-rc.1', 'v2.02.0', '2.2.0']) {
  test(`refuses the tag ${tag}`, (t) => {
    const { code, lines } = check(t, { tag });
    assert.equal(code, 1);
    assert.equal(lines[0], `The tag ${tag} must have the form v1.2.3.`);
  });
}

test('refuses a commit that is not on main', (t) => {
  const change = (scratch) => {
    scratch.git('checkout', '--quiet', '-b', 'other');
    scratch.commit();
    scratch.git('tag', '--force', 'v2.2.0');
  };
  const { code, lines } = check(t, { change });
  assert.equal(code, 1);
  assert.match(lines[0], /^The commit [0-9a-f]{40} is not on main\.$/);
});

test('refuses a commit that the tag does not name', (t) => {
  const { code, lines } = check(t, { change: (scratch) => scratch.commit() });
  assert.equal(code, 1);
  assert.match(lines[0], /^The checked out commit [0-9a-f]{40} is not the one of the tag v2\.2\.0\.$/);
});
