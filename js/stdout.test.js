import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { mock, test } from 'node:test';
import { stdout } from './stdout.js';

/** The text written when each write follows one step of the plan: a number of bytes accepted, or an error code. */
function writtenText(text, plan) {
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

test('writes the complete text to a slow pipe', () => {
  assert.equal(writtenText('naïve\n', [3, 'EAGAIN', 'EAGAIN', 1]), 'naïve\n');
});

test('stops writing when the pipe is closed', () => {
  assert.equal(writtenText('text', [1, 'EPIPE']), 't');
});
