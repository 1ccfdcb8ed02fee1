// `make verify`, in small repositories whose `make dist` copies src/ to dist/.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const SCRIPT = join(import.meta.dirname, '../../js/verify.js');
const MAKEFILE = 'dist:\n\t@mkdir -p dist\n\t@cp src/* dist/\n';
const LOCK = '[[package]]\nname = "wasm-bindgen"\nversion = "0.2.1"\n';
const FILES = { Makefile: MAKEFILE, 'Cargo.lock': LOCK, 'src/a.cjs': 'a\n', 'src/b.wasm': '\0b\r\n', 'dist/a.cjs': 'a\n', 'dist/b.wasm': '\0b\r\n' };

/** A repository with one commit of these files; `undefined` leaves a file out. */
function createRepository(t, changed = {}) {
  const base = mkdtempSync(join(tmpdir(), 'docker-auth-verify-test-'));
  t.after(() => rmSync(base, { recursive: true }));
  const folder = join(base, 'repository');
  const temporary = join(base, 'tmp');
  mkdirSync(temporary);
  const git = (...args) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: folder, encoding: 'utf8' }).trim();
  const write = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const commit = () => {
    git('add', '--all', '--force');
    git('commit', '--quiet', '--message', 'x');
    return git('rev-parse', 'HEAD');
  };
  mkdirSync(folder);
  git('init', '--quiet');
  const files = Object.entries({ ...FILES, ...changed }).filter(([, text]) => text !== undefined);
  files.forEach(([path, text]) => write(path, text));
  const head = commit();
  // As `make verify TOOLS=outer` starts it.
  const options = { cwd: folder, encoding: 'utf8', env: { ...process.env, TMPDIR: temporary, MAKEFLAGS: ' -- TOOLS=outer' } };
  /** Runs the script; asserts that it leaves nothing behind. */
  const verify = (...args) => {
    const { status, stdout } = spawnSync(process.execPath, [SCRIPT, ...args], options);
    assert.deepEqual(leftovers(), []);
    return { status, lines: stdout.trimEnd().split('\n') };
  };
  const leftovers = () => [...readdirSync(temporary), ...git('worktree', 'list').split('\n').slice(1), ...git('status', '--porcelain').split('\n').filter(Boolean)];
  return { folder, git, write, commit, head, verify, options, leftovers };
}

test('a commit whose dist/ matches is verified', (t) => {
  const { verify, head } = createRepository(t);
  const expected = (name) => ({ status: 0, lines: [`Verified: the 2 files in dist/ of ${name} (commit ${head}) match its sources`] });
  assert.deepEqual(verify(), expected('HEAD'));
  assert.deepEqual(verify(head.slice(0, 8)), expected(head.slice(0, 8)));
});

for (const [what, changed, difference] of [
  ['a changed file', { 'dist/a.cjs': 'b\n' }, 'dist/a.cjs differs: 2 bytes committed, 2 bytes built'],
  ['another line end', { 'dist/b.wasm': '\0b\n' }, 'dist/b.wasm differs: 3 bytes committed, 4 bytes built'],
  ['an additional file', { 'dist/sub/c.cjs': 'c' }, 'dist/sub/c.cjs is committed but not built'],
  ['a file that is not committed', { 'dist/a.cjs': undefined }, 'dist/a.cjs is built but not committed'],
]) {
  test(`a commit with ${what} in dist/ is not verified`, (t) => {
    const { verify, head } = createRepository(t, changed);
    assert.deepEqual(verify('HEAD'), { status: 1, lines: [difference, `NOT verified: dist/ of HEAD (commit ${head}) does not match its sources`] });
  });
}

test('a link in dist/ is not verified', (t) => {
  const { folder, verify, commit } = createRepository(t);
  rmSync(join(folder, 'dist/a.cjs'));
  symlinkSync('../src/a.cjs', join(folder, 'dist/a.cjs'));
  commit();
  const { status, lines } = verify('HEAD');
  assert.deepEqual([status, lines[0]], [1, 'dist/a.cjs is not committed as a file']);
});

test('verifies a tag that is not checked out, without changing the working tree', (t) => {
  const { git, write, commit, verify, head, folder } = createRepository(t);
  git('tag', 'v1.0.0');
  write('dist/a.cjs', 'evil\n');
  commit();
  assert.deepEqual(verify('v1.0.0').lines, [`Verified: the 2 files in dist/ of v1.0.0 (commit ${head}) match its sources`]);
  assert.equal(verify('HEAD').status, 1);
  assert.ok(existsSync(join(folder, 'dist/a.cjs')));
});

test('files that are not committed have no effect', (t) => {
  const { write, folder, verify, git } = createRepository(t);
  write('.git/info/exclude', 'dist/x.cjs\n');
  write('dist/x.cjs', 'x');
  assert.equal(verify('HEAD').status, 0);
  assert.equal(git('status', '--porcelain'), '');
  assert.ok(existsSync(join(folder, 'dist/x.cjs')));
});

for (const [what, changed, args, line] of [
  ['an unknown tag', {}, ['v9'], 'Unknown tag, branch or commit: v9. Fix: git fetch --tags'],
  ['an option instead of a tag', {}, ['--all'], 'Unknown tag, branch or commit: --all. Fix: git fetch --tags'],
  ['a commit without dist/', { 'dist/a.cjs': undefined, 'dist/b.wasm': undefined }, ['HEAD'], 'NOT verified: HEAD has no dist/'],
  ['a build that fails', { Makefile: 'dist:\n\t@exit 3\n' }, ['HEAD'], 'NOT verified: `make dist` of this commit failed, see above'],
]) {
  test(`${what} is an error`, (t) => {
    const { status, lines } = createRepository(t, changed).verify(...args);
    assert.deepEqual([status, lines.at(-1)], [2, line]);
  });
}

// The build writes TOOLS to dist/, which shows whether it was passed.
for (const [what, lock, expected] of [
  ['the same', LOCK, 'tools'],
  ['other', LOCK.replace('0.2.1', '0.2.2'), 'own'],
]) {
  test(`a commit that needs ${what} tools uses ${expected === 'own' ? 'its own' : 'the installed ones'}`, (t) => {
    const Makefile = 'TOOLS := own\ndist:\n\t@mkdir dist; echo $(TOOLS) > dist/tools\n';
    const files = { Makefile, 'Cargo.lock': lock, 'dist/a.cjs': undefined, 'dist/b.wasm': undefined, 'dist/tools': `${expected}\n` };
    const { write, commit, git, verify } = createRepository(t, files);
    git('tag', 'v1');
    write('Cargo.lock', LOCK);
    write('README.md', '');
    commit();
    assert.equal(verify('v1', 'tools').status, 0);
  });
}

test('cleans up after Ctrl+C', async (t) => {
  const { options, leftovers } = createRepository(t, { Makefile: 'dist:\n\t@echo building; exec sleep 60\n' });
  // A process group of its own, because Ctrl+C signals the whole group.
  const child = spawn(process.execPath, [SCRIPT, 'HEAD'], { ...options, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  process.kill(-child.pid, 'SIGINT');
  const [code] = await once(child, 'exit');
  assert.equal(code, 2);
  assert.deepEqual(leftovers(), []);
});
