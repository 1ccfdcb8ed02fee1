// `make demo`: runs the action step by step on this machine.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestEnv } from '../env/test-env.js';
import { writeImage } from '../sandbox/image.js';
import { startRegistry } from '../sandbox/registry.js';
import { startSubstituteRegistry } from '../sandbox/substitute/registry.js';

const SUBSTITUTE_DOCKER = fileURLToPath(new URL('../sandbox/substitute/docker.js', import.meta.url));

const print = (text = '') => console.log(text);
const indented = (text) => print(text.trimEnd().replaceAll(/^/gm, '     '));
const version = (...command) => {
  try {
    return execFileSync(command[0], command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  } catch {
    return undefined;
  }
};

const docker = version('docker', '--version');
const registry = version('docker-registry', '--version');
const skopeo = version('skopeo', '--version');

print('Reoclo Docker Auth: log a server in to a registry, use the login, and log out');
print();
print(`  registry   ${registry ?? 'SUBSTITUTE: docker-registry is not installed, an embedded server checks the passwords'}`);
print(`  docker     ${docker ?? 'SUBSTITUTE: the docker CLI is not installed, a script edits config.json instead'}`);
print(`  skopeo     ${skopeo ?? 'not installed: no image is pushed or pulled'}`);

const start = registry ? startRegistry : startSubstituteRegistry;
const testEnv = await createTestEnv(undefined, {
  servers: ['web-1', 'web-2', 'db-1'],
  registry: start,
  agent: docker ? {} : { docker: [process.execPath, SUBSTITUTE_DOCKER] },
});
const scratch = await mkdtemp(join(tmpdir(), 'docker-auth-demo-'));
try {
  print(`  Reoclo     a stand-in at ${testEnv.reoclo.url}, with the servers ${Object.keys(testEnv.servers).join(', ')}`);
  await show('vault', 'the credential is stored in Reoclo');
  await show('passthrough', 'the workflow provides username and token');
  await showFleet();
  print();
  print('Reoclo\'s audit log');
  for (const { action, auth_mode = '', provider, repository, actor, outcome } of testEnv.reoclo.audit) {
    indented(`${action.padEnd(16)} ${auth_mode.padEnd(12)} ${provider} ${repository} by ${actor}: ${outcome}`);
  }
} finally {
  await rm(scratch, { recursive: true });
  await testEnv.close();
}

async function show(mode, meaning) {
  print();
  print(`${mode} mode: ${meaning}`);
  config('before');
  const main = await step('main', () => testEnv.run('main', { inputs: testEnv.inputs[mode]() }));
  config('logged in');
  if (registry && skopeo) await pushAndPull(mode);
  await step('post', () => testEnv.runPost(main));
  config('after');
}

async function showFleet() {
  print();
  print('several logins: every server with every credential, and a table in the job summary');
  const { username, password } = testEnv;
  const other = testEnv.cleanUp(await start({ users: { [username]: password } }));
  const second = testEnv.addCredential({ registry_url: other.host, registry_type: 'harbor' });
  const servers = Object.values(testEnv.servers);
  const inputs = testEnv.inputs.vault({
    server_id: servers.map(({ id, name }) => `${id}  # ${name}`).join('\n'),
    credential_id: `${testEnv.credentialId}, ${second}`,
    job_summary: 'true',
  });
  const main = await step('main', () => testEnv.run('main', { inputs }));
  indented(main.summary);
  for (const { name, agent } of servers) print(`  ${name} is logged in to ${agent.logins().join(' and ')}`);
  const post = await step('post', () => testEnv.runPost(main));
  indented(post.summary);
  for (const { name, agent } of servers) print(`  ${name} is logged in to ${agent.logins().join(' and ') || 'nothing'}`);
}

/** Runs a step and prints its log; throws if it failed. */
async function step(name, run) {
  const { code, log, annotations, durationMs, ...result } = await run();
  print(`  ${name}, as on a runner (${durationMs} ms)`);
  log.forEach((line) => indented(`| ${line}`));
  annotations.forEach(({ level, title, message }) => indented(`| ${level}: ${title}: ${message}`));
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}`);
  return { ...result, log, code };
}

function config(when) {
  const shown = JSON.stringify(testEnv.server.agent.config(), (key, value) => (key === 'auth' ? '(user:password in base64)' : value));
  print(`  ${testEnv.server.name}'s config.json ${when}: ${shown}`);
}

/** Uses the login: skopeo reads the server's config.json. */
async function pushAndPull(mode) {
  const [source, pulled] = ['image', 'pulled'].map((name) => join(scratch, `${mode}-${name}`));
  const digest = writeImage(source, `pushed in ${mode} mode\n`);
  const image = `docker://${testEnv.registry.host}/demo/${mode}:1`;
  const authfile = join(testEnv.server.agent.folder, 'config.json');
  const copy = (side, from, to) =>
    execFileSync('skopeo', ['--insecure-policy', 'copy', '--quiet', '--authfile', authfile, `--${side}-tls-verify=false`, from, to]);
  copy('dest', `oci:${source}`, image);
  copy('src', image, `dir:${pulled}`);
  const { layers } = JSON.parse(await readFile(join(pulled, 'manifest.json'), 'utf8'));
  if (layers[0].digest !== digest) throw new Error('the pulled image is not the one that was pushed');
  print(`  skopeo pushed ${image.slice('docker://'.length)} and pulled it: layer ${digest.slice(0, 19)}…`);
}
