// publish-release.sh: creates a release once. `gh` is a fake that knows one release and logs its calls.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { createScratch } from './scratch.js';

const GH = `#!/usr/bin/env bash
if [ "$2" != view ]; then echo "$*" >>"$GH_CALLS"; exit; fi
if [ "$GH_RELEASE" = none ]; then echo 'release not found' >&2; exit 1; fi
echo "$GH_RELEASE"
`;

function publish(t, release) {
  const scratch = createScratch(t, { 'bin/gh': GH });
  chmodSync(join(scratch.folder, 'bin/gh'), 0o755);
  const calls = join(scratch.folder, 'calls');
  const { code, stdout } = scratch.run('publish-release.sh', ['v2.2.0', 'notes.md', 'sbom.json'], {
    PATH: [join(scratch.folder, 'bin'), process.env.PATH].join(delimiter),
    GH_CALLS: calls,
    GH_RELEASE: release,
  });
  assert.equal(code, 0);
  return { stdout, calls: existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : [] };
}

test('creates a release for an existing tag', (t) => {
  assert.deepEqual(publish(t, 'none').calls, ['release create v2.2.0 --verify-tag --title v2.2.0 --notes-file notes.md sbom.json']);
});

test('completes a draft', (t) => {
  assert.deepEqual(publish(t, 'true').calls, [
    'release upload v2.2.0 --clobber sbom.json',
    'release edit v2.2.0 --draft=false --title v2.2.0 --notes-file notes.md',
  ]);
});

test('leaves a published release unchanged', (t) => {
  assert.deepEqual(publish(t, 'false'), { stdout: 'The release v2.2.0 exists: unchanged\n', calls: [] });
});
