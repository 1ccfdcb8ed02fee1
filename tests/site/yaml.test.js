// Whatever is typed in a field, the workflow is valid YAML of version 1.1 and 1.2 that means the same.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { loadCore } from '../../site/core.js';

const write = await loadCore();
const { inputs: INPUTS } = parse(readFileSync(join(import.meta.dirname, '../../action.yml'), 'utf8'));

const HOSTILE = [
  "'",
  '"',
  "it's",
  '\\',
  'a\\nb',
  ': ',
  'a: b',
  'a :b',
  '#',
  'a #b',
  '- a',
  '-',
  '---',
  '...',
  '? a',
  '| a',
  '>-',
  '!!binary a',
  '!a',
  '&a',
  '*a',
  '{a: b}',
  '[a]',
  '{{',
  '}}',
  '${{',
  '${{ secrets.ZZ }} ${{ secrets.ZZ }}',
  '${{ toJSON(secrets) }}',
  '$(id)',
  '`id`',
  '%TAG',
  '@a',
  '<<',
  '=',
  '~',
  'null',
  'Yes',
  'OFF',
  'n',
  '0',
  '-0',
  '0o17',
  '0x1F',
  '1e3',
  '.inf',
  '1_000',
  '12:30:45',
  '2026-11-22',
  '2026-11-22T10:00:00Z',
  'a\tb',
  '\ta',
  'a\u0000b',
  'a\u0007b',
  'a\u001bb',
  'a\u007fb',
  'a\u0085b',
  'a\u2028b',
  'a\u2029b',
  'a\ufeffb',
  'a\ufffeb',
  'é',
  '😀',
  'a\u00a0b',
  '::add-mask::x',
  "'\n  with:\n    x: y",
  'a\r\n      - run: id',
  'x'.repeat(5000),
];

/** Random strings of what YAML gives a meaning to; the same ones in every run. */
function* random(count) {
  const alphabet = [..."ab1 :#-?|>!&*{}[]%@`'\"\\,=~.<$_/\t", '\n', '\r\n', '\u0085', '\u2028', '\u0001', 'é', '${{', '}}', ' # ', ': ', '\n- '];
  let state = 0x5eed;
  const next = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let i = 0; i < count; i++) yield Array.from({ length: 1 + next(9) }, () => alphabet[next(alphabet.length)]).join('');
}

const trimBlank = (text) => text.replace(/^[\s\u0085\u200b\ufeff]+|[\s\u0085\u200b\ufeff]+$/g, '');
// JavaScript counts U+FEFF as whitespace and U+0085 not, Rust the other way round.
const trim = (text) => text.replace(/^(?:[^\S\ufeff]|\u0085)+|(?:[^\S\ufeff]|\u0085)+$/g, '');
const entries = (list) => list.split(/[\r\n]/).flatMap((line) => line.split('#')[0].split(',')).map(trimBlank).filter(Boolean);
const isName = (text) => /^[A-Za-z_]\w*$/.test(text);
const asVariable = (text) => (isName(text) ? `\${{ vars.${text} }}` : text);

/** What a step must contain for a text that was typed: a value, or nothing to compare. */
const FIELDS = {
  server_id: (text) => entries(text).map(asVariable),
  credential_id: (text) => entries(text).map(asVariable),
  registry_url: (text) => entries(text).map(asVariable),
  username: trim,
  api_url: (text) => asVariable(trim(text)),
  ca_certificate: (text) => asVariable(trim(text)),
  proxy: (text) => asVariable(trim(text)),
  timeout: trim,
  cleanup: trim,
  if_missing: trim,
  job_summary: trim,
  runs_on: (text) => {
    const labels = trim(trim(text).replace(/^\[(.*)\]$/s, '$1')).split(',').map(trim).filter(Boolean);
    return labels.length === 1 ? labels[0] : labels;
  },
  api_key: undefined,
  access_token: undefined,
  mode: undefined,
  platform: undefined,
  registry: undefined,
  source: undefined,
  pin: undefined,
  commit: undefined,
};

/** Checks the workflow for a text in a field; returns whether the text is in it. */
function check(field, text) {
  const mode = ['credential_id', 'mode'].includes(field) ? 'vault' : 'passthrough';
  const form = { mode, registry: 'other', source: 'secret', [field]: text };
  const { workflow, problems } = write(form);
  const readings = ['1.1', '1.2'].map((version) => parse(workflow, { version, strict: true, uniqueKeys: true }));
  // This parser is lenient about them; others read some as line breaks.
  assert.doesNotMatch(workflow, /[^\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u);
  const [{ jobs }] = readings;
  assert.deepEqual(Object.keys(jobs), ['deploy'], workflow);
  for (const { jobs: read } of readings) assert.deepEqual(read, jobs, workflow);
  const { steps } = jobs.deploy;
  const step = steps.at(-1);
  // A path in the repository needs a checkout.
  assert.equal(steps.length, steps[0].uses.startsWith('actions/checkout@') ? 2 : 1, workflow);
  assert.deepEqual(Object.keys(step.with).filter((name) => !Object.hasOwn(INPUTS, name)), [], workflow);
  for (const value of Object.values(step.with)) assert.equal(typeof value, 'string', workflow);
  assert.doesNotMatch(workflow, /toJSON|secrets\.ZZ/);

  const isSecret = problems.some((problem) => problem.isSecret);
  const expected = FIELDS[field]?.(text);
  if (expected === undefined || expected.length === 0 || text.includes('${{') || isSecret) return false;
  const actual = { runs_on: jobs.deploy['runs-on'], proxy: step.env?.https_proxy }[field] ?? step.with[field];
  if (field === 'runs_on') {
    assert.deepEqual(actual, expected, workflow);
  } else if (field === 'registry_url') {
    // Hosts as the action normalises them; invalid ones as they are.
    const read = entries(actual);
    assert.equal(read.length, expected.length, workflow);
    read.forEach((host, i) => assert.ok(expected[i].toLowerCase().includes(host.toLowerCase()), workflow));
  } else if (Array.isArray(expected)) {
    assert.deepEqual(entries(actual), expected, workflow);
  } else {
    // Texts of whitespace only are empty.
    assert.equal(actual, expected === '' ? step.with[field] : expected, workflow);
  }
  return true;
}

for (const field of Object.keys(FIELDS)) {
  test(`any text in ${field} gives a workflow that means the same`, () => {
    const texts = [...HOSTILE, ...random(400)];
    const written = texts.filter((text) => check(field, text)).length;
    if (FIELDS[field]) assert.ok(written > texts.length / 2, `${written} of ${texts.length}`);
  });
}

test('a list keeps its comments, and they stay comments', () => {
  for (const comment of HOSTILE.filter((text) => !/[\r\n]/.test(text))) {
    const { workflow } = write({ server_id: `web_1 # ${comment}\nweb_2` });
    const { server_id } = parse(workflow).jobs.deploy.steps[0].with;
    assert.deepEqual(entries(server_id), ['${{ vars.web_1 }}', '${{ vars.web_2 }}'], workflow);
    // The platform would evaluate an expression in it.
    assert.equal(server_id.split('${{').length, 3, workflow);
    const { workflow: single } = write({ server_id: `web_1 # ${comment}` });
    assert.equal(parse(single).jobs.deploy.steps[0].with.server_id, '${{ vars.web_1 }}', single);
  }
});
