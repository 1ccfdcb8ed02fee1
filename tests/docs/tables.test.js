// The tables of inputs and outputs agree with action.yml.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documents, manifest } from './documents.js';

/** The rows of all tables whose first column has this name. */
const rowsOf = (name) =>
  documents.flatMap(({ path, tables }) =>
    tables.filter(({ head }) => head[0] === name).flatMap(({ head, rows }) => rows.map((row) => ({ path, head, row }))),
  );
const nameIn = ([cell]) => /^`(\w+)`$/.exec(cell)?.[1];

test('README.md lists every input, whether it is required, and its default', () => {
  const listed = rowsOf('Input').filter(({ path }) => path === 'README.md');
  assert.deepEqual(listed[0]?.head, ['Input', 'Required', 'Default', 'Description']);
  const inputs = Object.entries(manifest.inputs).map(([name, { required, default: value }]) => [name, required, value]);
  assert.deepEqual(
    listed.map(({ row }) => [nameIn(row), row[1] === 'yes', /^`(.*)`$/.exec(row[2])?.[1]]),
    inputs,
  );
  const conditional = listed.filter(({ row }) => !['yes', 'no'].includes(row[1]));
  assert.deepEqual(conditional.map(({ row }) => row[1]), ['vault mode', 'passthrough mode', 'passthrough mode', 'passthrough mode']);
});

test('README.md lists every output', () => {
  const listed = rowsOf('Output').filter(({ path }) => path === 'README.md');
  assert.deepEqual(listed.map(({ row }) => nameIn(row)), Object.keys(manifest.outputs));
});

for (const [column, names] of [['Input', manifest.inputs], ['Output', manifest.outputs]]) {
  test(`tables with the column ${column} have known names only`, () => {
    const unknown = rowsOf(column).filter(({ row }) => !Object.hasOwn(names, nameIn(row) ?? ''));
    assert.deepEqual(unknown.map(({ path, row }) => `${path}: ${row[0]}`), []);
  });
}
