// publish-release.sh creates a release once; publish-page.sh starts the workflow for the newest one. `gh` is a fake that logs its
// calls.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { createScratch } from './scratch.js';

const GH = `#!/usr/bin/env bash
case "$1 $2" in
  'release list') printf '%s\\n' $GH_RELEASES ;;
  'release view')
    if [ "$GH_RELEASE" = none ]; then echo 'release not found' >&2; exit 1; fi
    echo "$GH_RELEASE"
    ;;
  *) echo "$*" >>"$GH_CALLS" ;;
esac
`;

/** Runs a script beside a fake of `gh`. `isDraft` is that of the release, or `none`; `releases` are those that are published. */
function run(t, script, args, { isDraft = 'none', releases = '' }) {
  const scratch = createScratch(t, { 'bin/gh': GH });
  chmodSync(join(scratch.folder, 'bin/gh'), 0o755);
  const calls = join(scratch.folder, 'calls');
  const { code, stdout } = scratch.run(script, args, {
    PATH: [join(scratch.folder, 'bin'), process.env.PATH].join(delimiter),
    GH_CALLS: calls,
    GH_RELEASE: isDraft,
    GH_RELEASES: releases,
  });
  assert.equal(code, 0);
  return { stdout, calls: existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : [] };
}

const publish = (t, isDraft, releases) => run(t, 'publish-release.sh', ['v2.2.0', 'notes.md', 'sbom.json'], { isDraft, releases });
const publishPage = (t, releases) => run(t, 'publish-page.sh', ['v2.2.0', 'main'], { releases });

for (const [what, releases, latest] of [
  ['the first release', '', true],
  ['a newer release', 'v1.9.0 v2.1.9 v2 nightly-9', true],
  ['a release of an older version', 'v2.1.0 v2.10.0 v2.9.0', false],
]) {
  test(`creates ${what} for an existing tag`, (t) => {
    const expected = `release create v2.2.0 --verify-tag --latest=${latest} --title v2.2.0 --notes-file notes.md sbom.json`;
    assert.deepEqual(publish(t, 'none', releases).calls, [expected]);
  });
}

test('completes a draft', (t) => {
  assert.deepEqual(publish(t, 'true').calls, [
    'release upload v2.2.0 --clobber sbom.json',
    'release edit v2.2.0 --draft=false --latest=true --title v2.2.0 --notes-file notes.md',
  ]);
});

test('leaves a published release unchanged', (t) => {
  assert.deepEqual(publish(t, 'false'), { stdout: 'The release v2.2.0 exists: unchanged\n', calls: [] });
});

test('starts the workflow of the page on the default branch', (t) => {
  assert.deepEqual(publishPage(t, 'v2.1.0 v2.2.0 v1.10.0').calls, ['workflow run pages.yml --ref main --field tag=v2.2.0']);
});

test('the page stays at a newer release', (t) => {
  assert.deepEqual(publishPage(t, 'v2.2.0 v2.10.0'), { stdout: 'The page stays at v2.10.0, which is newer than v2.2.0\n', calls: [] });
});
