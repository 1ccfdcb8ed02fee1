// Runs a workflow of this folder on a real runner, against a test environment.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { startChild } from '../support/child.js';

const HERE = import.meta.dirname;

// A job that runs this long is stuck, and its test fails.
const STUCK_AFTER_MS = 60_000;

/**
 * @typedef {object} Runner
 * @property {string} command what install.sh has built
 * @property {string} provider its name in Reoclo's audit log
 * @property {(job: object) => Promise<Outcome>} run runs a job to its end; when `job.cancelled` resolves, it cancels it
 *   as the runner's user does
 *
 * @typedef {object} Outcome
 * @property {boolean} succeeded whether the job has
 * @property {string} log the job's log, as the user sees it
 * @property {string[]} output the lines that steps have printed
 * @property {string} diagnostics other output of the runner
 */

/** @returns {string | undefined} the runner's name and version; `undefined` if it is not built */
export function versionOf({ command }) {
  const path = pathOf(command);
  return existsSync(path) ? execFileSync(path, ['--version'], { encoding: 'utf8' }).trim() : undefined;
}

/**
 * @param {Runner} runner
 * @param {import('../env/test-env.js').TestEnv} testEnv with the servers `web-1` and `web-2`
 * @param {object} actions the result of `publish`
 * @param {string} name the workflow's file, without its extension
 * @param {object} [options]
 * @param {Record<string, string>} [options.vars] variables to change
 * @param {Promise<unknown>} [options.cancelled] the job is cancelled when it resolves
 * @returns {Promise<Outcome>} rejects if the runner is stuck or leaked a secret
 */
export async function runWorkflow(runner, testEnv, actions, name, { vars, cancelled = new Promise(() => {}) } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'docker-auth-job-'));
  testEnv.cleanUp({ stop: () => rm(folder, { recursive: true, force: true }) });
  const temp = join(folder, 'temp');
  await mkdir(temp);
  const workflow = join(HERE, `${name}.yml`);
  const text = await readFile(workflow, 'utf8');
  const secrets = { REOCLO_API_KEY: testEnv.apiKey, REGISTRY_TOKEN: testEnv.password };

  const outcome = await runner.run({
    workflow,
    actions,
    folder,
    // Actions run on the node in PATH. The user's home folder is not used.
    env: { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), HOME: folder, TMPDIR: temp },
    cancelled,
    execute: async (args, { started, ...options }) => {
      const run = startChild(pathOf(runner.command), args, { ...options, timeLimitMs: STUCK_AFTER_MS });
      started?.(run.child);
      const ended = await run.ended;
      if (ended.timedOut) throw new Error(`${runner.command} was still running after ${STUCK_AFTER_MS} ms:\n${ended.stdout}${ended.stderr}`);
      return ended;
    },
    // Runners mask their secrets. Without secrets, only the action masks.
    secrets: Object.fromEntries(Object.entries(secrets).filter(([secret]) => text.includes(`secrets.${secret}`))),
    vars: {
      REOCLO_URL: testEnv.reoclo.url,
      SERVER_ID: testEnv.servers['web-1'].id,
      OTHER_SERVER_ID: testEnv.servers['web-2'].id,
      CREDENTIAL_ID: testEnv.credentialId,
      REGISTRY: testEnv.registry.host,
      REGISTRY_USER: testEnv.username,
      UNMASKED_API_KEY: testEnv.apiKey,
      UNMASKED_TOKEN: testEnv.password,
      ...vars,
    },
  });
  await testEnv.assertNoLeaks({ inputs: { ...testEnv.inputs.passthrough(), access_token: vars?.UNMASKED_TOKEN ?? testEnv.password }, stdout: '', stderr: outcome.log + outcome.diagnostics });
  return outcome;
}

function pathOf(command) {
  return join(HERE, '../../.tools/bin', command);
}
