// Runs steps of actions, and scripts, each in its own process as on a runner.
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { parseKeyValues } from '../tests/support/runner-files.js';
import { startChild } from '../tests/support/child.js';

const STUCK_AFTER_MS = 120_000;

// The environment variables of a runner.
const RUN = {
  CI: 'true',
  GITHUB_ACTIONS: 'true',
  GITHUB_ACTOR: 'octocat',
  GITHUB_EVENT_NAME: 'push',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_RUN_ID: '9876543210',
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
  GITHUB_WORKFLOW: 'Deploy',
  PATH: '/usr/bin:/bin',
};

const FILES = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_PATH', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'];

/** Starts the API; `run` returns a separate `api_url` for one process. */
export async function startApi() {
  const server = fork(new URL('./server.js', import.meta.url));
  const [port] = await once(server, 'message');
  const base = `http://127.0.0.1:${port}`;
  return {
    /**
     * @param {object} [options]
     * @param {number} [options.operationMs] how long an operation takes
     * @param {number} [options.hanging] how many operations, the first ones, never end
     * @param {number} [options.perMinute] the key's rate limit: a bucket of so many tokens that fills within a minute
     * @param {number} [options.tokens] how many tokens the bucket has at first, if it is not full
     */
    run({ operationMs = 0, ...options } = {}) {
      const url = `${base}/${randomUUID()}`;
      return {
        url: `${url}/${new URLSearchParams({ operationMs, ...options })}`,
        /**
         * The counts of the process. `peakPerS` is the most requests in a second, `lateMs` the delay of the first status
         * request after the end of an operation, `lastEndMs` the time from the first request until the last end was noticed.
         *
         * @returns {Promise<{ requests: number, polls: number, logins: number, logouts: number, rejected: number,
         *   peakPerS: number, lateMs?: number, lastEndMs?: number }>}
         */
        seen: async () => (await fetch(url)).json(),
      };
    },
    stop: () => server.disconnect(),
  };
}

/** Inputs of a login that succeeds. */
export const inputs = (apiUrl) => ({
  api_key: `rca_${'0123456789abcdef'.repeat(2)}`,
  api_url: apiUrl,
  server_id: '00000000-0000-4000-8000-000000000000',
  credential_id: '11111111-1111-4111-8111-111111111111',
});

/** So many UUIDs, one per line. */
export const uuids = (count, first) =>
  Array.from({ length: count }, (_, i) => `${first}${String(i).padStart(7, '0')}-0000-4000-8000-000000000000`).join('\n');

/** The scripts of the action in `folder`, and the defaults of its inputs. */
export function loadAction(folder) {
  const { runs, inputs: declared = {} } = parse(readFileSync(join(folder, 'action.yml'), 'utf8'));
  if (!/^node\d+$/.test(runs.using)) throw new Error(`The action in ${folder} runs by ${runs.using}, not by Node`);
  const defaults = Object.entries(declared).map(([name, input]) => [name, input?.default ?? '']);
  return {
    main: join(folder, runs.main),
    post: runs.post && join(folder, runs.post),
    defaults: Object.fromEntries(defaults),
  };
}

/**
 * Runs a script to its end.
 *
 * @param {string} node
 * @param {string} script
 * @param {{ inputs?: object, state?: object, env?: object, preload?: string }} [options]
 * @returns {Promise<{ ms: number, code: number, output: string, state: object, peak?: number }>}
 *   `ms` from before it was started until it had exited; `peak` with peak.cjs as `preload`
 */
export async function run(node, script, { inputs = {}, state = {}, env = {}, preload } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'docker-auth-bench-'));
  try {
    const files = Object.fromEntries(FILES.map((name) => [name, join(folder, name)]));
    Object.values(files).forEach((path) => writeFileSync(path, ''));
    const prefixed = (prefix, values) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, String(value)]));
    const peak = join(folder, 'peak');
    const args = preload ? ['--require', join(import.meta.dirname, preload), script] : [script];
    const options = {
      cwd: folder,
      env: {
        ...RUN,
        HOME: folder,
        RUNNER_TEMP: folder,
        BENCH_PEAK: peak,
        ...files,
        ...prefixed('INPUT_', Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name.toUpperCase(), value]))),
        ...prefixed('STATE_', state),
        ...env,
      },
      timeLimitMs: STUCK_AFTER_MS,
    };

    const startedAt = performance.now();
    const { child, ended } = startChild(node, args, options);
    let ms;
    child.once('exit', () => (ms = performance.now() - startedAt));
    const { code, timedOut, stdout, stderr } = await ended;
    if (timedOut) throw new Error(`${script} was still running after ${STUCK_AFTER_MS} ms`);
    return {
      ms,
      code,
      output: stdout + stderr,
      state: parseKeyValues(readFileSync(files.GITHUB_STATE, 'utf8')),
      peak: preload === 'peak.cjs' ? Number(readFileSync(peak, 'utf8')) : undefined,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
