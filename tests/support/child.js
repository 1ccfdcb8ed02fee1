// Runs a program without a shell and collects its output.
import { spawn } from 'node:child_process';

/** What a busy machine may add to the time of a program. The defects that these limits are for take ten seconds and more. */
export const BUSY_MS = 5_000;

// No program may outlive this process.
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/**
 * Starts a program.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: object, cwd?: string, input?: string, timeLimitMs?: number }} [options]
 *   `input` goes to the program's stdin; at `timeLimitMs` the program is killed.
 * @returns {{ child, output, ended }} `output()` is its stdout so far; `ended` resolves to
 *   `{ code, signal, timedOut, stdout, stderr, durationMs }` and rejects only if
 *   the program could not be started.
 */
export function startChild(command, args, { env, cwd, input = '', timeLimitMs } = {}) {
  const startedAt = performance.now();
  const child = spawn(command, args, { env, cwd, stdio: 'pipe' });
  running.add(child);

  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  // A program may exit before it has read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(input);

  let timedOut = false;
  const limit = timeLimitMs
    ? setTimeout(() => (timedOut = child.kill('SIGKILL')), timeLimitMs)
    : undefined;

  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({
        code,
        signal,
        timedOut,
        stdout,
        stderr,
        durationMs: Math.round(performance.now() - startedAt),
      }),
    );
  }).finally(() => {
    clearTimeout(limit);
    running.delete(child);
  });

  return { child, output: () => stdout, ended };
}
