// `make verify TAG=…`: builds dist/ from the sources of a commit and compares it with the dist/ in that commit, byte for byte.
//
// Usage: node js/verify.js TAG|BRANCH|SHA [TOOLS], in the repository. Exits with 0 if all files are equal.
//
// The commit's own Makefile builds, in a temporary folder, so that its own toolchain is the one that is used. TOOLS is a folder
// of installed tools; the build uses it if the commit needs the same, and otherwise installs its own.
import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const git = (...args) => execFileSync('git', args, { maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe'] });

/**
 * @param {string} revision
 * @param {string} [tools]
 * @returns {{ files: number, different: string[], commit: string }} `different` describes each file that is not equal
 */
function verify(revision, tools) {
  const commit = git('rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`).toString().trim();
  const committed = committedFiles(commit);
  if (committed.size === 0) throw new Error(`${revision} has no dist/`);

  const temporary = mkdtempSync(join(tmpdir(), 'docker-auth-verify-'));
  const checkout = join(temporary, 'checkout');
  try {
    git('-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '--quiet', '--detach', checkout, commit);
    rmSync(join(checkout, 'dist'), { recursive: true });
    makeDist(checkout, tools && hasSameTools(checkout) ? [`TOOLS=${tools}`] : []);
    return { commit, files: committed.size, different: compare(committed, join(checkout, 'dist')) };
  } finally {
    spawnSync('git', ['worktree', 'remove', '--force', checkout]);
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The files in dist/, as path → mode and content. The content is the one that GitHub serves, without conversion of line ends. */
function committedFiles(commit) {
  const entries = git('ls-tree', '-r', '-z', commit, 'dist/').toString().split('\0').filter(Boolean);
  return new Map(
    entries.map((entry) => {
      const [, mode, hash, path] = /^(\d+) \w+ (\w+)\t(.+)$/s.exec(entry);
      return [relative('dist', path), { isFile: /^100/.test(mode), content: git('cat-file', 'blob', hash) }];
    }),
  );
}

/** Only wasm-bindgen is installed in TOOLS, in one version; rustup keeps compilers side by side. */
function hasSameTools(checkout) {
  const [here, there] = ['.', checkout].map((folder) => /^name = "wasm-bindgen"\nversion = .*$/m.exec(readFileSync(join(folder, 'Cargo.lock'), 'utf8'))?.[0]);
  return here === there;
}

function makeDist(folder, args) {
  // Variables of the `make` that runs this script would change the one that it starts.
  const { MAKEFLAGS, MAKELEVEL, MFLAGS, MAKEOVERRIDES, TAG, ...env } = process.env;
  const { status } = spawnSync('make', ['--no-print-directory', '-C', folder, 'dist', ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('`make dist` of this commit failed, see above');
}

function compare(committed, folder) {
  const built = readdirSync(folder, { recursive: true }).filter((path) => !lstatSync(join(folder, path)).isDirectory());
  return [...new Set([...committed.keys(), ...built])].sort().flatMap((path) => {
    const file = committed.get(path);
    if (!file) return `dist/${path} is built but not committed`;
    if (!built.includes(path)) return `dist/${path} is committed but not built`;
    if (!file.isFile) return `dist/${path} is not committed as a file`;
    const bytes = readFileSync(join(folder, path));
    return file.content.equals(bytes) ? [] : `dist/${path} differs: ${file.content.length} bytes committed, ${bytes.length} bytes built`;
  });
}

// With a handler, Ctrl+C ends the build but not this script, which then removes the temporary folder.
['SIGINT', 'SIGTERM'].forEach((signal) => process.on(signal, () => {}));

const [revision = 'HEAD', tools] = process.argv.slice(2);
try {
  const { commit, files, different } = verify(revision, tools);
  different.forEach((line) => console.log(line));
  const what = `${revision} (commit ${commit})`;
  console.log(different.length === 0 ? `Verified: the ${files} files in dist/ of ${what} match its sources` : `NOT verified: dist/ of ${what} does not match its sources`);
  process.exitCode = different.length === 0 ? 0 : 1;
} catch (error) {
  const unknown = /rev-parse --verify/.test(error.message);
  console.log(unknown ? `Unknown tag, branch or commit: ${revision}. Fix: git fetch --tags` : `NOT verified: ${error.message}`);
  process.exitCode = 2;
}
