// Replaces `process.stdout`, which takes 5 ms to set up. The toolkit only calls `write`.
import { writeSync } from 'node:fs';

const FD = 1;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes the complete text before it returns. Stops if the reader has closed the pipe: that must not end a login or logout. */
function write(text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(FD, rest));
    } catch ({ code }) {
      if (code !== 'EAGAIN') return;
      // A non-blocking pipe is full: wait 1 ms and retry.
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

export const stdout = { write };
