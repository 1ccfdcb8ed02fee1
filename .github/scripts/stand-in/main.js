// Main step of .github/actions/stand-in: starts serve.js in the background, and writes its addresses and IDs to the outputs.
import { execSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const STARTS_WITHIN_MS = 60_000;
const POLL_INTERVAL_MS = 50;

installPackages();
const folder = mkdtempSync(join(process.env.RUNNER_TEMP || tmpdir(), 'stand-in-'));
const file = join(folder, 'ready.json');
const log = join(folder, 'log.txt');
const output = openSync(log, 'a');
// Runners wait for processes that hold the output of a step.
const child = spawn(process.execPath, [join(import.meta.dirname, 'serve.js'), file], {
  detached: true,
  windowsHide: true,
  stdio: ['ignore', output, output],
});
appendFileSync(process.env.GITHUB_STATE, `pid=${child.pid}\nlog=${log}\n`);

const deadline = performance.now() + STARTS_WITHIN_MS;
while (!existsSync(file)) {
  if (child.exitCode !== null || performance.now() > deadline) {
    child.kill();
    throw new Error(`The stand-in did not start:\n${readFileSync(log, 'utf8')}`);
  }
  await delay(POLL_INTERVAL_MS);
}
child.unref();

const ready = JSON.parse(readFileSync(file, 'utf8'));
for (const secret of [ready.api_key, ready.access_token]) console.log(`::add-mask::${secret}`);
appendFileSync(process.env.GITHUB_OUTPUT, Object.entries({ ...ready }).map(([name, value]) => `${name}=${value}\n`).join(''));
appendFileSync(process.env.GITHUB_STATE, `control_url=${ready.control_url}\n`);
console.log(`Stand-in for Reoclo: ${ready.api_url}, process ${child.pid}`);

/** A checkout may have its packages already, in its own folder or in one above. */
function installPackages() {
  try {
    createRequire(import.meta.url).resolve('openapi-backend');
  } catch {
    console.log('Installing npm packages: the stand-in needs those of the tests');
    execSync('npm ci --ignore-scripts --no-audit --no-fund --loglevel=error', { cwd: join(import.meta.dirname, '../../..'), stdio: 'inherit' });
  }
}
