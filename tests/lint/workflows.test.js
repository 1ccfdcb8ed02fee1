// The linters of the workflows find planted errors.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const installed = (linter) => existsSync(join(ROOT, `.tools/${linter}.stamp`)) || process.env.REQUIRE_LINTERS === '1';

/** Lints a copy of the workflows, with one replacement in ci.yml. */
function lint(t, from = '', to = '') {
  const root = mkdtempSync(join(tmpdir(), 'docker-auth-lint-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const path of ['.github', '.gitea', 'action.yml', 'dist']) cpSync(join(ROOT, path), join(root, path), { recursive: true });
  // actionlint finds local actions from the root of the repository.
  execFileSync('git', ['init', '--quiet'], { cwd: root });
  const file = join(root, '.github/workflows/ci.yml');
  const text = readFileSync(file, 'utf8');
  assert.ok(text.includes(from));
  writeFileSync(file, text.replace(from, to));
  const { status, stdout, stderr } = spawnSync(join(import.meta.dirname, 'workflows.sh'), [root], { encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}

test('the workflows have no findings', (t) => {
  const { code, output } = lint(t);
  assert.equal(code, 0, output);
});

for (const [linter, what, from, to, expected] of [
  ['actionlint', 'an unknown input of the action', 'credential_id:', 'credential:', /input "credential" is not defined in action "Reoclo Docker Auth"/],
  ['actionlint', 'an output that does not exist', 'outputs.api_key', 'outputs.key', /property "key" is not defined/],
  ['zizmor', 'an action without a commit', '3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1', 'v7', /unpinned-uses/],
  ['zizmor', 'a checkout that leaves credentials', 'persist-credentials: false', 'fetch-depth: 1', /artipacked/],
  ['zizmor', 'permissions for everything', 'contents: read # to check out', 'contents: write # to check out', /excessive-permissions/],
  ['zizmor', 'an expression in a script', 'make "$TARGET"', 'make "${{ github.ref_name }}"', /template-injection/],
]) {
  test(`${linter} finds ${what}`, { skip: !installed(linter) && 'not installed: see install.sh' }, (t) => {
    const { code, output } = lint(t, from, to);
    assert.notEqual(code, 0);
    assert.match(output, expected);
  });
}
