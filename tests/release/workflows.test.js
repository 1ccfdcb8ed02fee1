// What the linters of the workflows do not check: limits, pins with a version, and that all names in them exist.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = ['.github/workflows', '.gitea/workflows'];
const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' }).trimEnd().split('\n');

const workflows = FOLDERS.flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => ({ path: `${folder}/${name}`, text: read(`${folder}/${name}`) })));
const jobs = workflows.flatMap(({ path, text }) => Object.entries(parse(text).jobs).map(([name, job]) => ({ ...job, path: `${path}, ${name}` })));
const steps = jobs.flatMap(({ path, steps: all }) => all.map((step) => ({ ...step, path })));

test('workflows limit permissions and concurrency', () => {
  for (const { path, text } of workflows) {
    const { permissions, concurrency } = parse(text);
    assert.deepEqual(Object.entries(permissions ?? { all: 'write' }).filter(([scope, level]) => scope !== 'contents' || level !== 'read'), [], path);
    assert.ok(concurrency.group, path);
  }
});

test('jobs end in an hour', () => {
  for (const { path, 'timeout-minutes': minutes } of jobs) assert.ok(minutes <= 60, path);
});

test('only publishing jobs may write', () => {
  const writing = jobs.filter(({ permissions = {} }) => Object.values(permissions).includes('write')).map(({ path }) => path);
  assert.deepEqual(writing, ['.github/workflows/pages.yml, publish', '.github/workflows/release.yml, publish', '.github/workflows/scorecard.yml, scorecard']);
});

test('jobs that write run no code of dependencies', () => {
  for (const workflow of ['release', 'pages']) {
    const { steps: publishing } = jobs.find(({ path }) => path === `.github/workflows/${workflow}.yml, publish`);
    for (const { run = '' } of publishing) assert.doesNotMatch(run, /\b(make|npm|npx|cargo)\b/);
  }
});

test('actions are pinned to one commit per version', () => {
  const pins = new Map();
  for (const { path, text } of workflows) {
    for (const [line, action] of text.matchAll(/^ *(?:- )?uses: (\S+).*$/gm)) {
      if (action.startsWith('./')) continue;
      const [, name, pin] = /uses: ([^@\s]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$/.exec(line) ?? [];
      assert.ok(pin, `${path}: ${line.trim()}`);
      assert.equal(pins.get(name) ?? pin, pin, `${path}: ${name} has two pins`);
      pins.set(name, pin);
    }
  }
  assert.ok(pins.size > 0);
});

test('checkouts leave no credentials', () => {
  const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
  for (const { path, with: inputs } of checkouts) assert.equal(inputs['persist-credentials'], false, path);
  assert.ok(checkouts.length > 0);
});

test('workflows name existing make targets', () => {
  const targets = [...read('Makefile').matchAll(/^([a-z0-9-]+):/gm)].map(([, target]) => target);
  const matrices = jobs.flatMap(({ strategy }) => strategy?.matrix.target ?? []);
  const named = steps.flatMap(({ run = '' }) => [...run.matchAll(/\bmake ([a-z][a-z0-9-]*)/g)].map(([, target]) => target));
  assert.deepEqual([...matrices, ...named].filter((target) => !targets.includes(target)), []);
});

test('CI runs every check of make test', () => {
  const [, checks] = /^test: ([^#]*)/m.exec(read('Makefile'));
  const { core, scenarios, dist } = parse(read('.github/workflows/ci.yml')).jobs;
  const run = [...core.strategy.matrix.target, ...scenarios.strategy.matrix.target, ...dist.steps.flatMap(({ run = '' }) => run.replace('make ', '') || [])];
  assert.deepEqual(checks.trim().split(' ').filter((check) => !run.includes(check)), []);
});

test('scripts exist and are used', () => {
  const scripts = tracked.filter((path) => path.startsWith('.github/scripts/'));
  const inActions = tracked.filter((path) => /^\.github\/actions\/.*\/action\.yml$/.test(path)).flatMap((path) => {
    const { main, post } = parse(read(path)).runs;
    return [main, post].map((script) => posix.join(posix.dirname(path), script));
  });
  const inSteps = steps.flatMap(({ run = '' }) => run.match(/\.github\/scripts\/[\w./-]+/g) ?? []);
  const inScripts = scripts.flatMap((path) =>
    [...read(path).matchAll(/(?:from '\.\/|dirname, '|dirname "\$0"\)\/)([\w.-]+\.(?:js|sh))\b/g)].map(([, name]) => posix.join(posix.dirname(path), name)),
  );
  assert.deepEqual([...new Set([...inActions, ...inSteps, ...inScripts])].toSorted(), scripts.toSorted());
});

test('Dependabot watches every manifest', () => {
  const { updates } = parse(read('.github/dependabot.yml'));
  const watched = (ecosystem) => updates.find((update) => update['package-ecosystem'] === ecosystem).directories.toSorted();
  const foldersOf = (name) => tracked.filter((path) => posix.basename(path) === name).map((path) => posix.join('/', posix.dirname(path))).toSorted();
  assert.deepEqual(watched('cargo'), foldersOf('Cargo.toml'));
  assert.deepEqual(watched('npm'), foldersOf('package.json'));
  for (const { 'package-ecosystem': ecosystem, groups } of updates) assert.ok(groups, `${ecosystem} is not grouped`);
});
