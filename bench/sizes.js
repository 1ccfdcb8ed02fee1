// The sizes of the action, by the names of the budgets.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inputs, loadAction, run, startApi } from './runner.js';

const size = (path) => statSync(path).size;
const sum = (sizes) => sizes.reduce((total, one) => total + one, 0);

/**
 * @param {string} root the repository
 * @returns {Promise<Record<string, number>>} bytes
 */
export async function sizes(root) {
  const dist = readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return {
    'dist/*.wasm': sum(dist.filter((path) => path.endsWith('.wasm')).map(size)),
    'JavaScript loaded by main, no proxy, no CA': sum((await loadedBy(root)).map(size)),
    'dist/': sum(dist.map(size)),
    'git archive HEAD, gzipped': execFileSync('git', ['archive', '--format=tar.gz', 'HEAD'], { cwd: root }).length,
  };
}

/** The files of the action that V8 compiles for a vault login. */
async function loadedBy(root) {
  const folder = mkdtempSync(join(tmpdir(), 'docker-auth-coverage-'));
  const api = await startApi();
  try {
    const { main, defaults } = loadAction(root);
    const given = { ...defaults, ...inputs(api.run().url) };
    const { code, output } = await run(process.execPath, main, { inputs: given, env: { NODE_V8_COVERAGE: folder } });
    if (code !== 0) throw new Error(output);
    const urls = readdirSync(folder).flatMap((file) =>
      JSON.parse(readFileSync(join(folder, file), 'utf8')).result.map(({ url }) => url),
    );
    return [...new Set(urls)].filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url));
  } finally {
    api.stop();
    rmSync(folder, { recursive: true });
  }
}
