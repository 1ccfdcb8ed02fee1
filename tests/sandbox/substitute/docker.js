#!/usr/bin/env node
// A substitute for `docker login` and `docker logout`, for the demo on machines without the docker CLI. The scenarios do not
// use it.
//
//   docker.js login --username USER --password-stdin HOST
//   docker.js logout HOST
//
// Like docker it sends a request to /v2/ first, with plain http on loopback only, and stores its logins in
// $DOCKER_CONFIG/config.json.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

const CONFIG = join(process.env.DOCKER_CONFIG, 'config.json');

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { username: { type: 'string' }, 'password-stdin': { type: 'boolean' } },
});
const [command, host] = positionals;

try {
  if (command === 'login') await login();
  else if (command === 'logout') logout();
  else throw new Error(`unknown command: ${command}`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function login() {
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  const auth = Buffer.from(`${values.username}:${password}`).toString('base64');
  const url = `${/^(127\.|localhost)/.test(host) ? 'http' : 'https'}://${host}/v2/`;
  const { status, statusText } = await fetch(url, { headers: { authorization: `Basic ${auth}` } });
  if (status !== 200) {
    throw new Error(`login attempt to ${url} failed with status: ${status} ${statusText}`);
  }
  edit((auths) => (auths[host] = { auth }));
  process.stdout.write('Login Succeeded\n');
}

function logout() {
  process.stdout.write(`Removing login credentials for ${host}\n`);
  edit((auths) => delete auths[host]);
}

function edit(change) {
  const config = existsSync(CONFIG) ? JSON.parse(readFileSync(CONFIG, 'utf8')) : {};
  config.auths ??= {};
  change(config.auths);
  writeFileSync(CONFIG, JSON.stringify(config, null, '\t'), { mode: 0o600 });
}
