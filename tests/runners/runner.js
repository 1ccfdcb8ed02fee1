// Runs a workflow of this folder on a real runner, in the environment of the end-to-end tests.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { startChild } from '../support/child.js';
import { BIN } from './actions.js';

const HERE = import.meta.dirname;

// No run takes this long; one that does is stuck, and its test fails.
const STUCK_AFTER_MS = 120_000;

/**
 * @typedef {object} Runner
 * @property {string} command what install.sh has built
 * @property {string} provider what the action calls it in Reoclo's audit log
 * @property {string} platform what the page that writes workflows calls its platform
 * @property {boolean} [needsServer] whether it takes its jobs from the Gitea server
 * @property {(job: object) => Promise<Outcome>} run runs a job to its end; when `job.cancelled` resolves, it cancels it
 *   as the runner's user does
 *
 * @typedef {object} Outcome
 * @property {boolean} succeeded whether the job has
 * @property {string} runId id of the run
 * @property {string} log the job's log, as the runner's user sees it
 * @property {string[]} output what steps have printed, line by line, as it stands there
 * @property {string} diagnostics what the runner assertLine besides
 */

/** @returns {string | undefined} what the runner calls itself; `undefined` if it is not there */
export function versionOf({ command }) {
  const path = pathOf(command);
  return existsSync(path) ? execFileSync(path, ['--version'], { encoding: 'utf8' }).trim() : undefined;
}

/**
 * @param {Runner} runner
 * @param {import('../env/test-env.js').World} testEnv with the servers `web-1` and `web-2`
 * @param {{ actions: Record<string, string>, server?: object }} source the exported actions, and the server that has them
 * @param {string} name the workflow's file, without its extension, or the text of a workflow
 * @param {object} [options]
 * @param {Record<string, string>} [options.vars] variables that are to be different
 * @param {Promise<unknown>} [options.cancelled] the job is cancelled when it resolves
 * @returns {Promise<Outcome>} rejects if the runner got stuck or if a secret was found in anything that it printed
 */
export async function runWorkflow(runner, testEnv, source, name, { vars, cancelled = new Promise(() => {}) } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'docker-auth-job-'));
  testEnv.cleanUp({ stop: () => rm(folder, { recursive: true, force: true }) });
  const temp = join(folder, 'temp');
  await mkdir(temp);
  const workflow = name.includes('\n') ? name : await readFile(join(HERE, `${name}.yml`), 'utf8');
  const secrets = { REOCLO_API_KEY: testEnv.apiKey, REGISTRY_TOKEN: testEnv.password };

  const outcome = await runner.run({
    workflow,
    ...source,
    folder,
    // Actions run on the node of the PATH. Nothing is to be found or left where this machine's user is at home.
    env: { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), HOME: folder, TMPDIR: temp },
    cancelled,
    execute: executeOf(runner),
    // A runner masks by itself all that it is given as a secret: where a workflow has none, only the action masks.
    secrets: Object.fromEntries(Object.entries(secrets).filter(([secret]) => workflow.includes(`secrets.${secret}`))),
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

/** Runs the runner's program to its end; rejects if it got stuck. */
export function executeOf({ command }) {
  return async (args, { started, ...options }) => {
    const run = startChild(pathOf(command), args, { ...options, timeLimitMs: STUCK_AFTER_MS });
    started?.(run.child);
    const ended = await run.ended;
    if (ended.timedOut) throw new Error(`${command} was still running after ${STUCK_AFTER_MS} ms:\n${ended.stdout}${ended.stderr}`);
    return ended;
  };
}

function pathOf(command) {
  return join(BIN, command);
}
