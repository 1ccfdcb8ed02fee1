// The reader of job summaries: it returns text and rejects anything else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tables } from './markdown.js';

const table = (...rows) => `### T\n\n| A | B |\n| --- | --- |\n${rows.join('\n')}\n\n`;

test('returns escaped text', () => {
  const row = '| a\\|b \\\\\\| \\`c\\` | &lt;img&gt; <span>@</span>x <span>$</span>y <span>$</span> &amp;amp; http:&#47;/x |';
  assert.deepEqual(tables(table(row)), [{ title: 'T', rows: [{ A: 'a|b \\| `c`', B: '<img> @x $y $ &amp; http://x' }] }]);
  assert.deepEqual(tables(table('|  | y |') + table()).map(({ rows }) => rows), [[{ A: '', B: 'y' }], []]);
});

test('rejects text that is not escaped', () => {
  for (const cell of ['<b>', '`c`', '*b*', '_i_', '[l](x)', '~s~', '#1', '!', '@octocat', '$y$', '<span>x</span>', '&#64;', '&#60;', 'http://x', 'www.x', 'a\\ b', 'a | b', 'a\nb']) {
    assert.throws(() => tables(table(`| ${cell} | y |`)), /escaped|cells|row/, cell);
  }
});
