// How `make mutants` compares what survives with survivors.md, and that this list is about the present sources.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compare, readOutcomes, readSurvivors } from './run.js';

const ROOT = join(import.meta.dirname, '../..');

const MARKDOWN = `# Title

- not an entry

## src/a.rs

- \`replace > with >= in wait\`
  \`if a > b {\`
  Equivalent: a sleep
  of nothing.
- \`replace wait with ()\`
  \`loop {\`
  Caught by: tests/e2e/waiting.test.js.
`;

const GREATER = { file: 'src/a.rs', change: 'replace > with >= in wait', line: 'if a > b {' };
const NOTHING = { file: 'src/a.rs', change: 'replace wait with ()', line: 'loop {' };

const outcome = (summary, { file, change }, line) => ({
  summary,
  scenario: { Mutant: { file, name: `${file}:${line}:9: ${change}`, span: { start: { line, column: 9 } } } },
});

test('reads each survivor with its reason', () => {
  assert.deepEqual(readSurvivors(MARKDOWN), [
    { ...GREATER, reason: 'Equivalent: a sleep of nothing.' },
    { ...NOTHING, reason: 'Caught by: tests/e2e/waiting.test.js.' },
  ]);
});

test('counts outcomes and names survivors by their line of source', () => {
  const IN_LINE_1 = { ...GREATER, line: 'fn wait() {' };
  const outcomes = [
    { summary: 'Success', scenario: 'Baseline' },
    outcome('CaughtMutant', GREATER, 1),
    outcome('Timeout', GREATER, 1),
    outcome('Unviable', GREATER, 1),
    outcome('MissedMutant', GREATER, 2),
  ];
  const results = readOutcomes({ outcomes }, () => 'fn wait() {\n    if a > b {\n');
  assert.deepEqual(results, { caught: 1, unviable: 1, timedOut: [IN_LINE_1], missed: [GREATER], files: new Set(['src/a.rs']) });
});

test('every survivor needs an entry of its own', () => {
  const listed = readSurvivors(MARKDOWN);
  assert.deepEqual(compare([NOTHING, GREATER], [], listed), { added: [], outdated: [] });
  assert.deepEqual(compare([NOTHING, GREATER, GREATER], [], listed).added, [GREATER]);
  assert.deepEqual(compare([NOTHING, { ...GREATER, line: 'if b > c {' }], [], listed).added.length, 1);
  assert.deepEqual(compare([GREATER], [], listed).outdated, [listed[1]]);
  assert.deepEqual(compare([GREATER], [NOTHING], listed), { added: [], outdated: [] });
});

test('the list has a reason for each survivor, and names sources and tests that exist', () => {
  const survivors = readSurvivors(readFileSync(join(import.meta.dirname, 'survivors.md'), 'utf8'));
  assert.notEqual(survivors.length, 0);
  for (const { file, change, line, reason } of survivors) {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n').map((text) => text.trim());
    assert.ok(lines.includes(line), `${file} has no line ${line}`);
    assert.match(reason, /^(Equivalent|Caught by|Harmless): ?/, `${file}: ${change}`);
    for (const [path] of reason.matchAll(/\b(tests|src)\/[\w./-]+\.\w+/g)) assert.ok(existsSync(join(ROOT, path)), path);
    if (reason.startsWith('Caught by')) assert.match(reason, /^Caught by: tests\/e2e\/\S+\.test\.js\b/, `${file}: ${change}`);
  }
});
