// Loads the core, runs one of its recipes and ends the process.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from '../target/wasm/reoclo_docker_auth.js';
import { host } from './host.js';

const REPORT = 'Please report this, with the lines above, at https://github.com/reoclo/docker-auth/issues';

/**
 * @param {'runMain' | 'runPost'} recipe
 * @param {{ exitCode: (result: unknown) => number, crashed: (message: string) => number }} step
 */
export function start(recipe, { exitCode, crashed }) {
  // A panic in the core bypasses every promise; only these handlers see it. The first report is the only one.
  let ended = false;
  const crash = (reason) => {
    if (!ended) exit(crashed(`${reason instanceof Error ? reason.message : 'unknown failure'}. ${REPORT}`));
    ended = true;
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  core.initSync({ module: readFileSync(join(__dirname, 'reoclo_docker_auth.wasm')) });
  core[recipe](host).then((result) => exit(exitCode(result)), crash);
}

// Nothing that is still open may keep the job waiting; what was printed is out first, also where pipes are asynchronous.
function exit(code) {
  process.stdout.write('', () => process.exit(code));
}
