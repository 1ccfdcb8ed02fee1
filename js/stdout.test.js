import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { mock, test } from 'node:test';
import { stdout } from './stdout.js';

/** What is written where each write takes one step of the plan: so many bytes, or an error of this code. */
function written(text, plan) {
  const chunks = [];
  const writeSync = mock.method(fs, 'writeSync', (fd, bytes) => {
    const step = plan.shift() ?? bytes.length;
    if (typeof step === 'string') throw Object.assign(new Error(step), { code: step });
    chunks.push(bytes.subarray(0, step));
    return Math.min(step, bytes.length);
  });
  syncBuiltinESMExports();
  try {
    stdout.write(text);
  } finally {
    writeSync.mock.restore();
    syncBuiltinESMExports();
  }
  return Buffer.concat(chunks).toString();
}

test('a text is written whole where a pipe takes it in parts, or is full for a while', () => {
  assert.equal(written('naïve\n', [3, 'EAGAIN', 'EAGAIN', 1]), 'naïve\n');
});

test('a pipe that nobody reads is left alone', () => {
  assert.equal(written('text', [1, 'EPIPE']), 't');
});
