// Loads the core, runs one of its recipes and ends the process.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from '../target/wasm/reoclo_docker_auth.js';
import { web } from './fetch.js';
import { host } from './host.js';
import { stdout } from './stdout.js';

Object.defineProperty(process, 'stdout', { value: stdout });

const OLDEST_NODE = 20;
const REPORT = 'Please report this, with the lines above, at https://github.com/reoclo/docker-auth/issues';

/**
 * @param {'runMain' | 'runPost'} recipe
 * @param {{ exitCode: (result: unknown) => number, failed: (title: string, message: string) => number }} step
 */
export function start(recipe, { exitCode, failed }) {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    const fix = `Fix: let this runner use Node ${OLDEST_NODE} or newer.`;
    process.exit(failed('Node is too old', `This action needs Node ${OLDEST_NODE} or newer, and this runner started it with Node ${process.versions.node}. ${fix}`));
  }
  // A panic in the core bypasses every promise; only these handlers see it.
  const crash = (reason) => process.exit(failed('Internal error', `${told(reason)}. ${REPORT}`));
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  // Nothing is left to wait for, and there is no result.
  process.on('beforeExit', () => crash(new Error('the step has lost its way')));

  Object.assign(globalThis, web);
  core.initSync({ module: readFileSync(join(__dirname, 'reoclo_docker_auth.wasm')) });
  // Nothing that is still open may keep the job waiting.
  core[recipe](host).then((result) => process.exit(exitCode(result)), crash);
}

// A trap in the core is "unreachable", and only its stack tells where: a place in the wasm that was built.
function told(reason) {
  if (!(reason instanceof Error)) return 'unknown failure';
  const [place] = /wasm-function\[\d+\]:0x[0-9a-f]+/.exec(reason.stack) ?? [];
  return place ? `${reason.message} in ${place}` : reason.message;
}
