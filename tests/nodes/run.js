// `make test-node`: all scenarios with the action on each supported Node, and its error on an older one. The tests themselves
// run on this machine's Node.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { installed } from '../support/nodes.js';

const HERE = import.meta.dirname;
const SCENARIOS = join(HERE, '../e2e');

const nodes = [20, 22, 24].map(installed);
if (nodes.some((node) => !node)) {
  console.log(`Skipped: the Node versions for these tests exist for Linux on x64 only, not for ${process.platform} on ${process.arch}`);
  process.exit(process.env.REQUIRE_NODES === '1' ? 1 : 0);
}

const test = (files, env) =>
  spawnSync(process.execPath, ['--test', '--test-timeout=300000', '--test-reporter=spec', ...files], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  }).status === 0;

const scenarios = readdirSync(SCENARIOS, { recursive: true })
  .filter((file) => file.endsWith('.test.js'))
  .map((file) => join(SCENARIOS, file));
const old = installed(18);
// Continuous integration has run them on this machine's Node already.
const remaining = nodes.filter(({ version }) => version !== process.env.SCENARIOS_HAVE_RUN_ON);
if (remaining.length < nodes.length) console.log(`Skipping Node ${process.env.SCENARIOS_HAVE_RUN_ON}: \`make e2e\` has run on it`);
const outcomes = [
  { what: `The error on Node ${old.version}`, files: [join(HERE, 'too-old.test.js')] },
  ...remaining.map(({ version, path }) => ({
    what: `The scenarios with the action on Node ${version}`,
    files: scenarios,
    env: { ACTION_NODE: path },
  })),
].map(({ what, files, env }) => {
  console.log(`\n${what}`);
  const startedAt = performance.now();
  const passed = test(files, env);
  return `${passed ? 'passed' : 'FAILED'}  ${what} (${Math.round((performance.now() - startedAt) / 1000)} s)`;
});

console.log(`\n${outcomes.join('\n')}`);
process.exitCode = outcomes.some((outcome) => outcome.startsWith('FAILED')) ? 1 : 0;
