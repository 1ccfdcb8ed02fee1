// What a step prints. In the place of `process.stdout`, which takes 5 ms to set up: all that the toolkit asks of it is to
// write.
import { writeSync } from 'node:fs';

const FD = 1;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of a text before it returns, unless nobody listens any more: a login or logout is not given up for that. */
function write(text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(FD, rest));
    } catch ({ code }) {
      if (code !== 'EAGAIN') return;
      // A pipe that does not block, and is full.
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

export const stdout = { write };
