// `make mutants`: breaks the core in every way that cargo-mutants knows, and runs the tests of the host on each.
//
// Usage: node tests/mutants/run.js [FILE] [JOBS]. FILE is a source file, a folder or a glob; JOBS how many are built at once.
// Prints the share that the tests catch, and exits with 1 if it is too small, or if survivors.md does not list exactly the
// mutants that survive.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const LIST = 'tests/mutants/survivors.md';
const OUTPUT = 'target';

/** The smallest share of the mutants that compile, of those of the whole core. */
const MIN_SHARE = 0.97;

/** Tests that take longer than all others together. They run only on what survives the others. */
const SLOW_TESTS = ['properties', 'request_budget', 'request_faults'];

/** With these, the tests take longer on a busy machine than cargo-mutants expects, and a survivor would count as timed out. */
const SLOW_TIMEOUT_S = 40;

/** The exit codes of cargo-mutants when it has tested all: nothing found, survivors, timeouts. */
const COMPLETED = [0, 2, 3];

/**
 * @typedef {{ file: string, change: string, line: string }} Mutant `change` is what cargo-mutants has done, `line` the line
 *   of the source where it starts. Line numbers would be wrong after the next change.
 */

/**
 * The mutants in survivors.md, and why each may survive.
 *
 * @param {string} markdown
 * @returns {(Mutant & { reason: string })[]}
 */
export function readSurvivors(markdown) {
  const survivors = [];
  let file = '';
  for (const text of markdown.split('\n')) {
    const heading = /^## (\S+)$/.exec(text);
    const change = /^- `(.+)`$/.exec(text);
    const line = /^ {2}`(.+)`$/.exec(text);
    if (heading) file = heading[1];
    else if (change) survivors.push({ file, change: change[1], line: '', reason: '' });
    else if (line && survivors.length > 0) survivors.at(-1).line = line[1];
    else if (/^ {2}\S/.test(text) && survivors.length > 0) survivors.at(-1).reason += text.slice(1);
  }
  return survivors.map((survivor) => ({ ...survivor, reason: survivor.reason.trim() }));
}

/**
 * The results of one run of cargo-mutants.
 *
 * @param {{ outcomes: { scenario: any, summary: string }[] }} results its outcomes.json
 * @param {(file: string) => string} read the source of a file
 * @returns {{ caught: number, unviable: number, timedOut: Mutant[], missed: Mutant[], files: Set<string> }}
 */
export function readOutcomes({ outcomes }, read) {
  const results = { caught: 0, unviable: 0, timedOut: [], missed: [], files: new Set() };
  for (const { scenario, summary } of outcomes) {
    if (!scenario.Mutant) continue;
    const { file, name, span } = scenario.Mutant;
    results.files.add(file);
    if (summary === 'CaughtMutant') results.caught += 1;
    else if (summary === 'Unviable') results.unviable += 1;
    else {
      const change = name.replace(/^\S+:\d+:\d+: /, '');
      const line = read(file).split('\n')[span.start.line - 1].trim();
      (summary === 'Timeout' ? results.timedOut : results.missed).push({ file, change, line });
    }
  }
  return results;
}

/**
 * Compares what has survived with the list: each entry stands for one mutant. One that is only slower may also time out.
 *
 * @param {Mutant[]} missed
 * @param {Mutant[]} timedOut
 * @param {Mutant[]} listed
 * @returns {{ added: Mutant[], outdated: Mutant[] }} survivors that are not listed, and entries that were caught
 */
export function compare(missed, timedOut, listed) {
  const outdated = [...listed];
  const isNew = (mutant) => {
    const at = outdated.findIndex((other) => ['file', 'change', 'line'].every((key) => other[key] === mutant[key]));
    if (at >= 0) outdated.splice(at, 1);
    return at < 0;
  };
  const added = missed.filter(isNew);
  timedOut.forEach(isNew);
  return { added, outdated };
}

function test(options, skipped) {
  const skips = skipped.flatMap((name) => ['--skip', name]);
  const args = ['mutants', '--output', OUTPUT, '--colors', 'never', ...options, '--', '--', ...skips];
  // Random tests make the same choices every time, so that a mutant survives always or never. Backtraces take time.
  const env = { ...process.env, PROPTEST_RNG_SEED: '1', RUST_BACKTRACE: '0' };
  const { status, error } = spawnSync('cargo', args, { cwd: ROOT, stdio: 'inherit', env });
  if (error) throw error;
  if (!COMPLETED.includes(status)) process.exit(status ?? 1);
  const read = (path) => readFileSync(join(ROOT, path), 'utf8');
  return readOutcomes(JSON.parse(read(`${OUTPUT}/mutants.out/outcomes.json`)), read);
}

function main(file, jobs) {
  const glob = file.endsWith('/') ? `${file}**` : file;
  const options = ['--jobs', jobs || String(Math.min(availableParallelism(), 8)), ...(glob ? ['--file', glob] : [])];
  const first = test(options, SLOW_TESTS);
  const isDone = first.missed.length + first.timedOut.length === 0;
  const last = isDone ? { ...first, caught: 0 } : test([...options, '--iterate', '--minimum-test-timeout', String(SLOW_TIMEOUT_S)], []);

  const { missed, timedOut } = last;
  const caught = first.caught + last.caught;
  const viable = caught + timedOut.length + missed.length;
  const share = viable === 0 ? 1 : (caught + timedOut.length) / viable;
  const percent = (Math.floor(share * 1000) / 10).toFixed(1);
  const listed = readSurvivors(readFileSync(join(ROOT, LIST), 'utf8')).filter((mutant) => first.files.has(mutant.file));
  const { added, outdated } = compare(missed, timedOut, listed);

  console.log(`\n${viable + first.unviable} mutants, ${first.unviable} do not compile. The tests catch ${percent} % of the others:`);
  console.log(`${caught} fail, ${timedOut.length} time out, ${missed.length} survive.`);
  const print = (title, mutants) => {
    if (mutants.length === 0) return;
    console.log(`\n${title}:`);
    for (const mutant of mutants) console.log(`## ${mutant.file}\n- \`${mutant.change}\`\n  \`${mutant.line}\``);
  };
  print(`New survivors: add a test, or list them with a reason in ${LIST}`, added);
  print(`Survive no longer: remove them from ${LIST}`, outdated);
  const isTooSmall = !file && share < MIN_SHARE;
  if (isTooSmall) console.log(`\nAt least ${MIN_SHARE * 100} % must be caught.`);
  process.exitCode = isTooSmall || added.length > 0 || outdated.length > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) main(process.argv[2] ?? '', process.argv[3] ?? '');
