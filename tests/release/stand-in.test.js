// The steps of .github/actions/stand-in: its post step fails unless every login was logged out, and always stops the stand-in.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseKeyValues } from '../support/runner-files.js';

const ROOT = join(import.meta.dirname, '../..');
const STAND_IN = join(ROOT, '.github/scripts/stand-in');

/** Runs a step as a runner does: `{ code, stdout, outputs, state }`. */
function createRunner(t) {
  const folder = mkdtempSync(join(tmpdir(), 'docker auth runner '));
  const temp = join(folder, 'temp');
  mkdirSync(temp);
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
  return async (script, { args = [], inputs = {}, state = {} } = {}) => {
    const files = Object.fromEntries(['GITHUB_OUTPUT', 'GITHUB_STATE'].map((name) => [name, join(folder, name)]));
    for (const file of Object.values(files)) writeFileSync(file, '');
    const withPrefix = (prefix, values) => Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix(key), value]));
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        RUNNER_TEMP: temp,
        ...files,
        ...withPrefix((key) => `INPUT_${key.toUpperCase()}`, inputs),
        ...withPrefix((key) => `STATE_${key}`, state),
      },
    });
    const [outputs, saved] = Object.values(files).map((file) => parseKeyValues(readFileSync(file, 'utf8')));
    return { code: status, stdout, stderr, outputs, state: saved };
  };
}

async function start(t) {
  const run = createRunner(t);
  const { code, stderr, stdout, outputs, state } = await run(join(STAND_IN, 'main.js'));
  assert.equal(code, 0, stdout + stderr);
  const pid = Number(state.pid);
  t.after(() => isRunning(pid) && process.kill(pid, 'SIGKILL'));
  const { api_key, api_url, server_id, other_server_id, credential_id, username, access_token, registry_url } = outputs;
  const login = (inputs) => run(join(ROOT, 'dist/main.cjs'), { inputs: { api_key, api_url, ...inputs } });
  return {
    pid,
    outputs,
    loginBoth: async () => [
      await login({ server_id, credential_id }),
      await login({ server_id: other_server_id, username, access_token, registry_url }),
    ],
    logout: ({ state: saved }) => run(join(ROOT, 'dist/post.cjs'), { state: saved }),
    check: (expected) => run(join(STAND_IN, 'check.js'), { args: [expected, outputs.control_url] }),
    post: () => run(join(STAND_IN, 'post.js'), { state }),
  };
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A process ends shortly after its signal. */
async function assertStopped(pid) {
  const deadline = performance.now() + 10_000;
  while (isRunning(pid)) {
    assert.ok(performance.now() < deadline, 'the stand-in still runs');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('passes after login and logout', async (t) => {
  const standIn = await start(t);
  assert.equal((await standIn.check('logged-in')).code, 1);
  const logins = await standIn.loginBoth();
  assert.deepEqual(logins.map(({ code }) => code), [0, 0], logins.map(({ stdout }) => stdout).join('\n'));
  assert.equal((await standIn.check('logged-in')).code, 0);

  for (const login of logins.reverse()) await standIn.logout(login);
  const { code, stdout } = await standIn.post();
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^registry_logout 127\.0\.0\.1:\d+ on web-1: completed\nweb-1 is logged in to no registry$/m);
  await assertStopped(standIn.pid);
});

test('fails if one login was not logged out', async (t) => {
  const standIn = await start(t);
  const [first] = await standIn.loginBoth();
  await standIn.logout(first);
  const { code, stdout } = await standIn.post();
  assert.equal(code, 1);
  assert.match(stdout, /^::error title=Not logged out::Expected: logged-out\..*%0Aweb-2 is logged in to 127\.0\.0\.1:\d+$/m);
  await assertStopped(standIn.pid);
});

test('masks key and token', async (t) => {
  const run = createRunner(t);
  const { stdout, outputs, state } = await run(join(STAND_IN, 'main.js'));
  process.kill(Number(state.pid));
  const printed = stdout.split('\n');
  assert.deepEqual(printed.slice(0, 2), [`::add-mask::${outputs.api_key}`, `::add-mask::${outputs.access_token}`]);
  assert.doesNotMatch(printed.slice(2).join('\n'), new RegExp(`${outputs.api_key}|${outputs.access_token}`));
});
