// How documents are read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDocument } from './documents.js';

const parse = (...lines) => parseDocument('a.md', lines.join('\n'));

test('headings have the anchors of GitHub', () => {
  const anchors = ['# `make x`: [a](b) & C_d, e-f', '## Twice', '## Twice', '# 100 % "of"'];
  assert.deepEqual(
    parse(...anchors, '```', '# not a heading', '```').headings.map(({ anchor }) => anchor),
    ['make-x-a--c_d-e-f', 'twice', 'twice-1', '100--of'],
  );
});

test('links are found in text and not in code', () => {
  const { links } = parse('[a `b[0]`](c.md#d) `[e](f)`', '', 'a [link', 'on two lines](g)', '```', '[h](i)', '```', '[1.0]: https://x', '<a href="j">');
  assert.deepEqual(links.map(({ target, line }) => [target, line]), [['c.md#d', 1], ['g', 3], ['https://x', 8], ['j', 9]]);
});

test('blocks lose the indentation of their fence', () => {
  const { blocks } = parse('- item', '  ```yaml', '  a:', '    b: 1', '  ```');
  assert.deepEqual(blocks, [{ language: 'yaml', text: 'a:\n  b: 1', line: 3 }]);
  assert.throws(() => parse('```', 'a'), /does not end/);
});

test('tables have cells', () => {
  const { tables } = parse('| a | b |', '|---|---|', '| 1 \\| 2 | |', 'text');
  assert.deepEqual(tables, [{ head: ['a', 'b'], rows: [['1 \\| 2', '']], line: 1 }]);
});
