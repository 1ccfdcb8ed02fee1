// Reading the files and the log of a step.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeyValues, parseLog } from './runner-files.js';

test('reads key-value files like the runner', () => {
  assert.deepEqual(parseKeyValues('a=1\n\nb<<EOF\n\nx=y\nz\nEOF\na=2=3\nc<<E\nE\nd=<<\ne=\r\n'), {
    a: '2=3',
    b: '\nx=y\nz',
    c: '',
    d: '<<',
    e: '\r',
  });
  assert.throws(() => parseKeyValues('a<<EOF\n1\n'), /no line EOF/);
  assert.throws(() => parseKeyValues('a<<\n'), /not an entry/);
  assert.throws(() => parseKeyValues('text\n'), /not an entry/);
});

test('key-value files of Windows have CR LF', () => {
  const text = 'a=1\r\n\r\nb<<EOF\r\nx\r\ny\nz\r\nEOF\r\nc=2\n';
  assert.deepEqual(parseKeyValues(text, 'Windows'), { a: '1', b: 'x\r\ny\nz', c: '2' });
});

test('finds commands like the runner', () => {
  const { commands, lines } = parseLog(
    '  ::error title=a%2Cb,file=x::m%0An%2C\nx ::error::no\ry##[group]yes\r\n::nonsense::##[Error]e\n::endgroup::\n::x\n',
  );
  assert.deepEqual(commands, [
    { command: 'error', properties: { title: 'a,b', file: 'x' }, data: 'm\nn%2C' },
    { command: 'group', properties: {}, data: 'yes' },
    { command: 'error', properties: {}, data: 'e' },
    { command: 'endgroup', properties: {}, data: '' },
  ]);
  assert.deepEqual(lines, ['x ::error::no', '::x']);
});
