// This repository's own workflows, on act and on a Gitea server: without Docker, and with no network but loopback. Where they
// call make, a fake logs its targets.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { act } from './act.js';
import { checkOut } from './actions.js';
import { startGitea } from './gitea-server.js';
import { forgejo, gitea } from './gitea.js';
import { executeOf, versionOf } from './runner.js';

const ROOT = join(import.meta.dirname, '../..');
const VERSION = /^version = "(.*)"$/m.exec(await readFile(join(ROOT, 'Cargo.toml'), 'utf8'))[1];
const CHANGELOG = `# Changelog\n\n## [Unreleased]\n\n## [${VERSION}] - 2026-11-21\n\n- Several servers.\n`;

// Also what make check-dist leaves behind.
const MAKE = `#!/usr/bin/env bash
echo "$*" >>"$MAKE_CALLS"
mkdir -p target
rm -rf target/check-dist
cp -r dist target/check-dist
[ -z "$STALE_DIST" ] || echo >>target/check-dist/main.cjs
[ "$1" != "$FAILING_TARGET" ]
`;

const skipWithout = (...tools) => !tools.every(versionOf) && process.env.REQUIRE_RUNNERS !== '1' && 'not built: see install.sh';

/** A folder with a clone of the work tree. */
async function createFolder(t, change) {
  const folder = await mkdtemp(join(tmpdir(), 'docker-auth-workflows-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const clone = await checkOut(folder, change);
  // Runners check out below this folder, and Node.js looks for packages in all folders above a script.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return { folder, clone, env: { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), HOME: folder, TMPDIR: folder } };
}

/**
 * Runs a workflow of this repository on act.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} workflow
 * @param {object} [options]
 * @param {string} [options.tag] which is pushed, instead of main
 * @param {Parameters<checkOut>[1]} [options.change] what happens to the repository before
 * @param {string[]} [options.args] more arguments of act
 * @param {string} [options.failing] the make target that fails
 * @param {boolean} [options.stale] whether the rebuilt dist/ is another one
 */
async function runAct(t, workflow, { tag, change, args = [], failing = '', stale = false } = {}) {
  const { folder, clone, env } = await createFolder(t, change);
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'make'), MAKE);
  await chmod(join(bin, 'make'), 0o755);
  const event = join(folder, 'event.json');
  await writeFile(event, JSON.stringify({ ref: tag ? `refs/tags/${tag}` : 'refs/heads/main' }));

  const calls = join(folder, 'calls');
  const { code, stdout, stderr } = await executeOf(act)(
    [
      'push',
      ...['--workflows', join(clone, '.github/workflows', workflow), '--eventpath', event],
      ...['--platform', 'ubuntu-latest=-self-hosted', '--action-cache-path', join(folder, 'cache'), '--no-cache-server'],
      ...['--concurrent-jobs', '1', '--json'],
      ...(await stubActions(clone, workflow, folder)),
      ...args,
    ],
    {
      cwd: clone,
      env: {
        ...env,
        PATH: [bin, env.PATH].join(delimiter),
        ACT_DISABLE_VERSION_CHECK: '1',
        MAKE_CALLS: calls,
        FAILING_TARGET: failing,
        STALE_DIST: stale ? '1' : '',
      },
    },
  );

  const log = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return {
    succeeded: code === 0,
    log: log.map(({ job, step, msg }) => `[${job}] ${step ?? ''}: ${msg.trimEnd()}`).join('\n') + stderr,
    made: existsSync(calls) ? (await readFile(calls, 'utf8')).trimEnd().split('\n') : [],
    /** What steps have printed. */
    output: log.filter(({ raw_output: isRaw }) => isRaw).map(({ msg }) => msg.trimEnd()),
    /** `Main Step: success` of the steps that ran, in order. */
    results: log.filter(({ stepResult }) => stepResult).map(({ stage, step, stepResult }) => `${stage} ${step}: ${stepResult}`),
  };
}

/** act loads every action, also of steps that do not run: these fail if they do. */
async function stubActions(clone, workflow, folder) {
  const stub = join(folder, 'stub');
  await mkdir(stub);
  await writeFile(join(stub, 'action.yml'), 'name: Stub\nruns:\n  using: composite\n  steps: [{ run: exit 1, shell: bash }]\n');
  const text = await readFile(join(clone, '.github/workflows', workflow), 'utf8');
  const actions = new Set([...text.matchAll(/uses: ([^.\s]\S+)/g)].map(([, action]) => action));
  return [...actions].flatMap((action) => ['--local-repository', `${action}=${stub}`]);
}


/** What the stand-in has seen when the job ends. */
function assertLoggedInAndOut(output) {
  const seen = output.filter((line) => /^(registry_log(in|out) |web-\d is |Stopped the stand-in)/.test(line)).map((line) => line.replace(/ 127\.0\.0\.1:\d+| \d+$/g, ''));
  const loggedIn = ['registry_login on web-1: completed', 'registry_login on web-2: completed'];
  assert.deepEqual(seen, [
    ...loggedIn,
    ...['web-1 is logged in to', 'web-2 is logged in to'],
    ...loggedIn,
    ...['registry_logout on web-2: completed', 'registry_logout on web-1: completed'],
    ...['web-1 is logged in to no registry', 'web-2 is logged in to no registry'],
    'Stopped the stand-in, process',
  ]);
}

test('act runs ci.yml', { skip: skipWithout(act) }, async (t) => {
  const { succeeded, made, output, log } = await runAct(t, 'ci.yml', { args: ['--matrix', 'os:ubuntu-latest'] });
  assert.ok(succeeded, log);
  assertLoggedInAndOut(output);
  assert.deepEqual(made.toSorted(), ['check-dist', 'e2e', 'lint', 'simulate', 'test-node', 'test-platforms', 'test-runners', 'test-site', 'unit', 'wasm']);
});

test('ci.yml fails for a stale dist', { skip: skipWithout(act) }, async (t) => {
  const { succeeded, results, log } = await runAct(t, 'ci.yml', { args: ['--job', 'dist'], failing: 'check-dist' });
  assert.ok(!succeeded, log);
  assert.ok(results.includes('Main Rebuild and compare: failure'), log);
});

/** Commits a release of the version in Cargo.toml, and changes something before the tag. */
const release = (change = async () => {}) => async ({ folder, git }) => {
  await writeFile(join(folder, 'CHANGELOG.md'), CHANGELOG);
  await change(folder);
  git('add', '--all', '.');
  git('commit', '--quiet', '--message', 'release');
  git('tag', `v${VERSION}`);
};

test('act runs release.yml without publishing', { skip: skipWithout(act) }, async (t) => {
  const { succeeded, made, results, output, log } = await runAct(t, 'release.yml', { tag: `v${VERSION}`, change: release() });
  assert.ok(succeeded, log);
  assert.ok(output.includes(`v${VERSION} can be released: versions, changelog and commit agree`), log);
  assert.ok(output.some((line) => /^dist\/ of [0-9a-f]{40} is what its sources build$/.test(line)), log);
  assert.deepEqual(made, ['check-dist', `verify TAG=v${VERSION}`, 'sbom']);
  const [, ...publishing] = results.slice(results.lastIndexOf('Main Check out: success'));
  // act does not list skipped steps.
  assert.deepEqual(publishing.filter((result) => result.startsWith('Main ')), ['Main Extract the release notes: success']);
});

for (const [what, options, failed] of [
  ['without notes', { change: release((folder) => writeFile(join(folder, 'CHANGELOG.md'), '# Changelog\n')) }, 'Check that tag, versions and changelog agree'],
  ['with a stale dist', { change: release(), stale: true }, 'Compare it with the commit'],
]) {
  test(`release.yml stops ${what}`, { skip: skipWithout(act) }, async (t) => {
    const { succeeded, results, log } = await runAct(t, 'release.yml', { tag: `v${VERSION}`, ...options });
    assert.ok(!succeeded, log);
    assert.ok(results.includes(`Main ${failed}: failure`), log);
    assert.ok(!results.includes('Main Extract the release notes: success'), log);
  });
}

for (const runner of [gitea, forgejo]) {
  test(`${runner.command} runs smoke.yml`, { skip: skipWithout(runner, { command: 'gitea' }) }, async (t) => {
    const { folder, clone: tree, env } = await createFolder(t);
    const server = await startGitea({});
    t.after(() => server.stop());
    const workflow = await readFile(join(tree, '.gitea/workflows/smoke.yml'), 'utf8');
    const cancelled = new Promise(() => {});
    const job = await runner.run({ execute: executeOf(runner), workflow, tree, server, secrets: {}, vars: {}, folder, env, cancelled });
    assert.ok(job.succeeded, job.log + job.diagnostics);
    assertLoggedInAndOut(job.output);
  });
}
