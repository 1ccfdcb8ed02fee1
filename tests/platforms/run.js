// `make test-platforms`: scenarios with the action on the Node of another platform, in an emulator. The tests themselves
// stay on this machine's Node. Names of platforms as arguments run only those.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PLATFORMS } from './scenarios.js';

const HERE = import.meta.dirname;
const TESTS = join(HERE, '..');
const SCENARIOS = join(TESTS, 'e2e');
// Without TMPDIR, as in windows-node: Wine has one server per temporary folder, and two would share its drive C:.
const WINE = { ...process.env, TMPDIR: undefined, WINEPREFIX: join(TESTS, '../.tools/wine'), WINEDEBUG: '-all', WINEDLLOVERRIDES: 'mscoree,mshtml=' };
const WINE_STARTS_WITHIN_MS = 300_000;
// windows-node writes a line to it for each start of Wine that it repeated.
const NOT_STARTED = join(WINE.WINEPREFIX, 'not-started.log');

const SIGNALS = ['SIGINT', 'SIGTERM'];

const launcher = ({ launcher }) => join(HERE, launcher);
const seconds = (since) => `${Math.round((performance.now() - since) / 1000)} s`;

/**
 * Creates Wine's drive C: once, and starts its services, for so long until nothing has used them for ten minutes. They
 * would hold on to the output of a step that starts them, which then seems to go on.
 */
function startWine() {
  const startedAt = performance.now();
  const isNew = !existsSync(join(WINE.WINEPREFIX, 'system.reg'));
  const options = { env: WINE, stdio: 'ignore', timeout: WINE_STARTS_WITHIN_MS };
  mkdirSync(WINE.WINEPREFIX, { recursive: true });
  for (const option of ['-k', '-p600']) spawnSync('wineserver', [option], options);
  execFileSync('wineboot', [], options);
  if (isNew) console.log(`Wine's drive C: is .tools/wine (${seconds(startedAt)}, once)`);
}

/** Ends everything that runs on Wine, and removes what windows-node left when tests killed it. */
function stopWine() {
  spawnSync('wineserver', ['-k'], { env: WINE });
  if (existsSync(NOT_STARTED)) {
    const starts = readFileSync(NOT_STARTED, 'utf8').trim().split('\n');
    console.log(`Wine ended ${starts.length} times without starting Node.js, and was started again: ${[...new Set(starts)].join(', ')}`);
  }
  const left = readdirSync(WINE.WINEPREFIX).filter((file) => file.startsWith('step.'));
  for (const path of [NOT_STARTED, ...left.map((file) => join(WINE.WINEPREFIX, file))]) rmSync(path, { force: true });
}

/** The version of a platform's Node, or what is missing. */
function nodeOf(platform) {
  const missing = platform.needs.find((tool) => spawnSync(tool, ['--version']).error);
  if (missing) return { missing };
  if (!existsSync(join(HERE, platform.binary))) return { missing: `Node for ${platform.name}, which is installed on Linux on x64 only` };
  if (platform.wine) startWine();
  const { status, stdout, stderr } = spawnSync(launcher(platform), ['-p', '`${process.version} ${process.platform} ${process.arch}`'], {
    encoding: 'utf8',
  });
  const [version, ...system] = stdout.trim().split(' ');
  if (status !== 0 || system.join(' ') !== platform.system) return { missing: `a Node that works: ${stdout}${stderr}` };
  return { version };
}

/** The files of a platform's scenarios. Each scenario must be in its table, so that none is forgotten. */
function filesOf({ name, runs, leftOut }) {
  const inTable = [...Object.keys(runs), ...Object.keys(leftOut)];
  const there = readdirSync(SCENARIOS, { recursive: true })
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => file.replace('.test.js', ''));
  const unlisted = [...there.filter((file) => !inTable.includes(file)), ...inTable.filter((file) => !there.includes(file))];
  if (unlisted.length > 0) throw new Error(`${name} in tests/platforms/scenarios.js does not say whether these run: ${unlisted.join(', ')}`);
  return Object.keys(runs).map((file) => join(SCENARIOS, `${file}.test.js`));
}

async function run(platform) {
  // A space in every path that a step is given.
  const folder = mkdtempSync(join(tmpdir(), 'docker auth '));
  const files = [...(platform.tests ?? []).map((file) => join(HERE, file)), ...filesOf(platform)];
  // One pattern for all files: names of tests are whole sentences. Node takes it to ask for what is below `<root>`, too.
  const without = Object.values(platform.runs).flatMap(({ without = [] }) => without.map(({ source }) => source));
  const args = [
    '--test',
    // For a test, and for all tests of a file, which are slow on a busy machine.
    '--test-timeout=900000',
    '--test-reporter=spec',
    `--test-concurrency=${platform.atOnce.files}`,
    ...(without.length > 0 ? [`--test-name-pattern=/^(?!<root>|.*(?:${without.join('|')}))/`] : []),
    ...files,
  ];
  const env = { ...process.env, ...platform.env, TMPDIR: folder, ACTION_NODE: launcher(platform), ROWS_AT_ONCE: String(platform.atOnce.rows) };
  const tests = spawn(process.execPath, args, { env, stdio: 'inherit' });
  // What is cut short is tidied up, too.
  const stop = (signal) => tests.kill(signal);
  SIGNALS.forEach((signal) => process.on(signal, stop));
  try {
    const [code] = await once(tests, 'close');
    return code === 0;
  } finally {
    SIGNALS.forEach((signal) => process.off(signal, stop));
    if (platform.wine) stopWine();
    rmSync(folder, { recursive: true, force: true });
  }
}

const wanted = process.argv.slice(2);
const platforms = PLATFORMS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const outcomes = [];
for (const platform of platforms) {
  const { version, missing } = nodeOf(platform);
  if (missing) {
    console.log(`Skipped: the scenarios on ${platform.name} need ${missing}`);
    outcomes.push({ failed: process.env.REQUIRE_PLATFORMS === '1', line: `skipped ${platform.name}` });
    continue;
  }
  const what = `The scenarios with the action on Node ${version} for ${platform.name}`;
  console.log(`\n${what}`);
  for (const [file, why] of Object.entries(platform.leftOut)) console.log(`  without ${file}: ${why}`);
  const startedAt = performance.now();
  const passed = await run(platform);
  outcomes.push({ failed: !passed, line: `${passed ? 'passed' : 'FAILED'}  ${what} (${seconds(startedAt)})` });
}

console.log(`\n${outcomes.map(({ line }) => line).join('\n')}`);
process.exitCode = outcomes.some(({ failed }) => failed) ? 1 : 0;
