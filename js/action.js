// Loads the core, runs one step and ends the process. Both steps share this script.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { error, warning } from '@actions/core';
import * as core from '../target/wasm/reoclo_docker_auth.js';
import { web } from './fetch.js';
import { host, panic } from './host.js';
import { stdout } from './stdout.js';

Object.defineProperty(process, 'stdout', { value: stdout });
// With NODE_DEBUG=http Node prints request headers, with the API key, to stderr. The action itself prints nothing there.
if (process.env.NODE_DEBUG) {
  const { Writable } = require('node:stream');
  Object.defineProperty(process, 'stderr', { value: new Writable({ write: (chunk, encoding, done) => done() }) });
}

const MIN_NODE = 20;
const ISSUES = 'https://github.com/reoclo/docker-auth/issues';

/** The main step logs in. A failure is an error and exit code 1. */
export const main = () =>
  start('runMain', {
    exitCode: (succeeded) => (succeeded ? 0 : 1),
    failed: (title, message) => {
      error(message, { title });
      return 1;
    },
  });

/** The post step logs out. It never fails a job. */
export const post = () =>
  start('runPost', {
    exitCode: () => 0,
    failed: (title, message) => {
      warning(message, { title });
      return 0;
    },
  });

/**
 * @param {'runMain' | 'runPost'} run the export of the core
 * @param {{ exitCode: (result: unknown) => number, failed: (title: string, message: string) => number }} step
 *   `failed` prints an annotation and returns the exit code
 */
function start(run, { exitCode, failed }) {
  if (Number.parseInt(process.versions.node, 10) < MIN_NODE) {
    const requirement = `This action requires Node.js ${MIN_NODE} or newer; the runner used ${process.versions.node}.`;
    process.exit(failed('Unsupported Node.js version', `${requirement} Fix: update Node.js on the runner.`));
  }
  // A panic in the core settles no promise. Only these handlers see its trap.
  const crash = (reason) =>
    process.exit(failed('Internal error', `${panic ?? describe(reason)}. Please report this with the log above: ${ISSUES}`));
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  // Nothing is left to wait for, and there is no result.
  process.on('beforeExit', () => crash(new Error('the step ended without a result')));

  Object.assign(globalThis, web);
  core.initSync({ module: readFileSync(join(__dirname, 'reoclo_docker_auth.wasm')) });
  // Open connections must not delay the end of the step.
  core[run](host).then((result) => process.exit(exitCode(result)), crash);
}

/** A trap that is not a panic, such as a stack overflow, has its place only in the stack. */
function describe(reason) {
  if (!(reason instanceof Error)) return 'unknown error';
  const [place] = /wasm-function\[\d+\]:0x[0-9a-f]+/.exec(reason.stack) ?? [];
  return place ? `${reason.message} in ${place}` : reason.message;
}
