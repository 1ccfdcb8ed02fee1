// `forgejo-runner exec` runs a workflow on a developer's machine and prints every command of its steps.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BIN, git } from './actions.js';
import { versionOf } from './runner.js';

const MAIN = fileURLToPath(new URL('../../dist/main.cjs', import.meta.url));
const RUNNER = { command: 'forgejo-runner' };
const skip = !versionOf(RUNNER) && process.env.REQUIRE_RUNNERS !== '1' && 'not built: see install.sh';

// Parts of less than four characters are not masked.
const KEY = 'rca_hunter%22secret+more';

test('shows no form of a key with a percent sign', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'docker-auth-exec-'));
  t.after(() => rm(folder, { recursive: true }));
  const workflow = join(folder, 'workflow.yml');
  const env = { INPUT_API_KEY: KEY, INPUT_SERVER_ID: 'web-1' };
  const steps = [{ run: `${process.execPath} ${MAIN} || true`, env }];
  await writeFile(workflow, JSON.stringify({ on: 'push', jobs: { login: { 'runs-on': 'ubuntu-latest', steps } } }));
  const repository = join(folder, 'shop');
  await mkdir(repository);
  git(repository, 'init', '--quiet');
  git(repository, 'commit', '--quiet', '--allow-empty', '--message=test');

  const options = { cwd: repository, env: { PATH: process.env.PATH, HOME: folder }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 };
  const log = execFileSync(join(BIN, RUNNER.command), ['exec', '--image', '-self-hosted', '--workflows', workflow], options);
  assert.match(log, /::add-mask::\*\*\*/, log);
  for (const part of ['hunter', 'secret', 'more']) assert.ok(!log.includes(part), `${part} in\n${log}`);
});
