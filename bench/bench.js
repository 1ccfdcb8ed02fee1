// `make bench`: compares the action with its budgets and with bare scripts. They run in turn, since on a busy machine only
// ratios within one run are comparable.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { installed } from '../tests/support/nodes.js';
import { BUDGETS } from './budgets.js';
import { inputs, loadAction, run, startApi, uuids } from './runner.js';
import { limitedFleet, measureFleet } from './fleet.js';
import { middle } from './middle.js';
import { measurePage } from './page.js';
import { sizes } from './sizes.js';

const ROOT = join(import.meta.dirname, '..');
const WARM_UP = 2;

const { values: options } = parseArgs({ options: { rounds: { type: 'string' }, peer: { type: 'string' }, json: { type: 'string' } } });
const rounds = Number(options.rounds || 21);
if (!(rounds >= 1)) throw new Error(`N=${options.rounds}: a number of rounds is needed`);
const here = { major: parseInt(process.versions.node), version: process.versions.node, path: process.execPath };
const installedNodes = [20, 22, 24].map(installed).filter(Boolean);
const nodes = installedNodes.length > 0 ? installedNodes : [here];
const actions = [{ name: 'this action', ...loadAction(ROOT) }];
if (options.peer) actions.push({ name: 'peer', ...loadAction(resolve(options.peer)) });

console.log(`${rounds} rounds after ${WARM_UP} to warm up, on ${nodes.map(({ version }) => `Node ${version}`).join(', ')}`);
const api = await startApi();
const rows = [];
try {
  await compare('wall time', 'ms', await shortRuns(), ({ ms }) => ms);
  await compare('peak memory', 'MB', (await shortRuns('peak.cjs')).filter(({ what }) => what === 'login'), ({ peak }) => peak / 1e6);
  await Promise.all(
    nodes.flatMap((node) =>
      actions.map((action) =>
        Promise.all([countRequests(node, action), measureDelay(node, action)]).then(() => fleet(node, action)).then(() => hundred(node, action)).catch((error) => {
          // A peer may not support this operation or the fake clock.
          if (action.name !== 'peer') throw error;
          console.log(`On Node ${node.version} a row of the peer is missing: ${error.message}`);
        }),
      ),
    ),
  );
} finally {
  api.stop();
}
for (const { what, budget, values } of await measurePage(rounds)) row({ what: `page: ${what}`, unit: 'ms', who: 'Chromium', values, budget });
for (const [what, bytes] of Object.entries(await sizes(ROOT))) {
  row({ what, unit: 'bytes', who: 'this action', values: [bytes], budget: BUDGETS.sizes[what] });
}
print();
if (options.json) {
  writeFileSync(options.json, `${JSON.stringify({ date: new Date(), cpus: cpus().length, cpu: cpus()[0]?.model, rounds, rows }, null, 2)}\n`);
}
process.exitCode = rows.some(({ pass }) => pass === false) ? 1 : 0;

/** The contenders: on each Node the bare scripts, then the steps of each action. */
async function shortRuns(preload) {
  const all = [];
  for (const node of nodes) {
    const add = (what, who, script, { code = 0, ...given }) =>
      all.push({ what, who, node, code, run: () => run(node.path, script, { preload, ...given }) });
    const { url } = api.run();
    const bare = { inputs: inputs(url) };
    add('empty', 'empty script', join(import.meta.dirname, 'empty.cjs'), bare);
    add('login', 'bare script', join(import.meta.dirname, 'bare-login.mjs'), bare);
    add('logout', 'bare script', join(import.meta.dirname, 'bare-logout.mjs'), bare);
    add('login', 'bare node:http', join(import.meta.dirname, 'bare-http-login.cjs'), bare);
    add('logout', 'bare node:http', join(import.meta.dirname, 'bare-http-logout.cjs'), bare);
    for (const { name, main, post, defaults } of actions) {
      const good = { ...defaults, ...inputs(url) };
      add('login', name, main, { inputs: good });
      add('refusal', name, main, { inputs: { ...good, server_id: 'web-1' }, code: 1 });
      if (post) add('logout', name, post, { inputs: good, state: (await run(node.path, main, { inputs: good })).state });
    }
  }
  return all;
}

/** Runs all in turn, each round starting with another one, and adds rows of `measure`. */
async function compare(unitName, unit, contenders, measure) {
  for (const contender of contenders) contender.values = [];
  for (let round = -WARM_UP; round < rounds; round++) {
    const start = (round + WARM_UP) % contenders.length;
    for (const contender of [...contenders.slice(start), ...contenders.slice(0, start)]) {
      const result = await contender.run();
      if (result.code !== contender.code) contender.wrong ??= result;
      if (round >= 0) contender.values.push(measure(result));
    }
  }
  for (const [what, name, baselineName, against = what] of [
    ['empty', 'empty script'],
    ['refusal', 'main, invalid input', 'empty script', 'empty'],
    ['login', 'main, vault login', 'bare script'],
    ['login', 'main, vault login, compared with node:http', 'bare node:http'],
    ['logout', 'post, one logout', 'bare script'],
    ['logout', 'post, one logout, compared with node:http', 'bare node:http'],
  ]) {
    for (const node of nodes) {
      const of = (kind) => contenders.filter((contender) => contender.what === kind && contender.node === node);
      const baseline = of(against).find(({ who }) => who === baselineName);
      // The ratio to node:http is reported; the budgets are for the ratio to the global fetch.
      const hasBudget = baselineName !== 'bare node:http';
      const isOtherBaseline = ({ who }) => who.startsWith('bare') && who !== baselineName;
      for (const { who, values, wrong } of of(what).filter((contender) => !isOtherBaseline(contender))) {
        if (wrong && who !== 'peer') throw new Error(`${who} (${name}) exited with ${wrong.code}:\n${wrong.output}`);
        const budget = hasBudget ? BUDGETS.ratios[unit === 'MB' ? 'memory' : what]?.[node.major] : undefined;
        row({
          what: `${name}: ${unitName}`,
          unit,
          node: node.version,
          // The values of a peer that failed are not comparable.
          who: wrong ? `${who}, exit code ${wrong.code}` : who,
          values,
          against: baseline?.who !== who ? baseline?.values : undefined,
          budget: who === 'this action' ? budget : undefined,
        });
      }
    }
  }
}

/** The delay from the end of an operation to the first status request after it. */
async function measureDelay(node, { name, main, defaults }) {
  const durations = Object.keys(BUDGETS.lateMs).map(Number);
  const late = new Map(durations.map((ms) => [ms, []]));
  const measure = async (ms) => {
    const { url, seen } = api.run({ operationMs: ms });
    const { code, output } = await run(node.path, main, { inputs: { ...defaults, ...inputs(url) } });
    if (code !== 0) throw new Error(`${name} exited with ${code}:\n${output}`);
    late.get(ms).push((await seen()).lateMs);
  };
  for (let round = 0; round < rounds; round++) {
    // Waiting needs no CPU: the longest operation runs concurrently with the others.
    const others = durations.slice(0, -1).reduce((before, ms) => before.then(() => measure(ms)), Promise.resolve());
    await Promise.all([measure(durations.at(-1)), others]);
  }
  for (const [ms, values] of late) {
    const budget = name === 'this action' ? BUDGETS.lateMs[ms] : undefined;
    row({ what: `end of an operation of ${ms / 1000} s: noticed late by`, unit: 'ms', node: node.version, who: name, values, budget });
  }
}

/** The number of requests for an operation of ten minutes. */
async function countRequests(node, { name, main, defaults }) {
  const { url, seen } = api.run({ operationMs: 1e9 });
  const given = { ...defaults, ...inputs(url), timeout: '603' };
  const { output } = await run(node.path, main, { inputs: given, preload: 'clock.cjs' });
  const { requests } = await seen();
  if (requests === 0 || /retry/i.test(output)) throw new Error(`${name} lost a request because of the fake clock:\n${output}`);
  const budget = name === 'this action' ? BUDGETS.requests : undefined;
  row({ what: 'operation of 10 minutes', unit: 'requests', node: node.version, who: name, values: [requests], budget });
}

/** The time to log eight servers in with three credentials each. */
async function fleet(node, { name, main, defaults }) {
  const values = [];
  for (let round = 0; round < rounds; round++) {
    const { url, seen } = api.run({ operationMs: 300 });
    const given = { ...defaults, ...inputs(url), server_id: uuids(8, 'a'), credential_id: uuids(3, 'c') };
    const { ms, code, output } = await run(node.path, main, { inputs: given });
    const { logins } = await seen();
    if (code !== 0 || logins !== 24) throw new Error(`${name} exited with ${code} after ${logins} logins:\n${output}`);
    values.push(ms);
  }
  const budget = name === 'this action' ? BUDGETS.fleetMs : undefined;
  row({ what: '24 logins of 0.3 s on 8 servers', unit: 'ms', node: node.version, who: name, values, budget });
}

/** A hundred servers: without limit, with eight servers that hang, and with an API that takes 120 requests a minute. */
async function hundred(node, action) {
  const isPeer = action.name === 'peer';
  const add = (what, unit, values, budget) => row({ what, unit, node: node.version, who: action.name, values, budget: isPeer ? undefined : budget });
  for (const [operationMs, budget] of Object.entries(BUDGETS.hundred)) {
    const results = [];
    for (let round = 0; round < Math.min(rounds, 5); round++) results.push(await measureFleet(api, node, action, { servers: 100, operationMs }));
    const what = `100 logins of ${operationMs / 1000} s`;
    add(what, 'ms', results.map(({ ms }) => ms), budget.ms);
    add(`${what}: status requests`, 'requests', results.map(({ polls }) => polls), budget.polls);
    add(`${what}: most requests in a second`, 'requests', results.map(({ peakPerS }) => peakPerS), BUDGETS.peakPerS);
  }
  const all = await measureFleet(api, node, action, { servers: 100, operationMs: 3000 });
  const others = await measureFleet(api, node, action, { servers: 100, operationMs: 3000, hanging: 8, timeout: 10 });
  add('8 of 100 servers hang: the others take longer by', 'ms', [others.lastEndMs - all.lastEndMs], BUDGETS.hangingDelayMs);
  const limited = await limitedFleet(api, node, action);
  add('100 logins, 120 requests a minute: failed', 'logins', [limited.failedLogins], 0);
  add('100 logins, 120 requests a minute: time in percent of the necessary', 'percent', [limited.percent], BUDGETS.limitedPercent);
  add('100 logins, 120 requests a minute: HTTP 429', 'requests', [limited.rejectedLogins], BUDGETS.rejected);
  add('100 logouts, 120 requests a minute: logged out', 'logouts', [limited.logouts]);
  add('100 logouts, 120 requests a minute: HTTP 429', 'requests', [limited.rejectedLogouts], BUDGETS.rejected);
}

/** Adds a row; with `against`, its budget is a ratio, else it is in the row's unit. */
function row({ what, unit, node, who, values, against, budget }) {
  const median = middle(values);
  const ratio = against && median / middle(against);
  const pass = budget === undefined ? undefined : (ratio ?? median) <= budget;
  rows.push({ what, node, who, unit, median, min: Math.min(...values), max: Math.max(...values), ratio, budget, pass });
}

function print() {
  const order = [...new Set(rows.map(({ what }) => what))];
  const table = rows
    .toSorted(
      (a, b) =>
        order.indexOf(a.what) - order.indexOf(b.what) ||
        (a.node ?? '').localeCompare(b.node ?? '') ||
        Number(a.who.startsWith('peer')) - Number(b.who.startsWith('peer')),
    )
    .map(({ what, node = '', who, unit, median, min, max, ratio, budget, pass }) => {
      const value = (number) => number.toFixed(['ms', 'MB'].includes(unit) ? 1 : 0);
      return [
        what,
        node,
        who,
        `${value(median)} ${unit}`,
        value(min),
        value(max),
        ratio ? `${ratio.toFixed(2)}x` : '',
        budget === undefined ? '' : `<= ${ratio ? `${budget.toFixed(2)}x` : value(budget)}`,
        pass === undefined ? '' : pass ? 'pass' : 'FAIL',
      ];
    });
  table.unshift(['what', 'Node', 'who', 'median', 'min', 'max', 'ratio', 'budget', '']);
  const widths = table[0].map((_, column) => Math.max(...table.map((cells) => cells[column].length)));
  let last;
  for (const [what, ...cells] of table) {
    // Numbers are right-aligned; repeated labels are omitted.
    const shown = [what === last ? '' : what, ...cells];
    console.log(shown.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd());
    last = what;
  }
}
