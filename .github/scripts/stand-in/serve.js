// The stand-in for Reoclo of the workflows, in a process of its own: serve.js FILE. Writes its addresses and IDs to FILE when
// it is ready. On every system it uses the substitutes for docker and the registry: the subject is the action and its runner;
// `make e2e` uses the real ones.
import { randomBytes, randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startReoclo } from '../../../tests/sandbox/reoclo.js';
import { startSubstituteRegistry } from '../../../tests/sandbox/substitute/registry.js';
import { serve } from '../../../tests/support/serve.js';

const DOCKER = fileURLToPath(new URL('../../../tests/sandbox/substitute/docker.js', import.meta.url));
const MAX_LIFETIME_MS = 30 * 60_000;

const [file] = process.argv.slice(2);
const username = 'robot';
const access_token = randomBytes(16).toString('hex');
const api_key = `rca_${randomBytes(16).toString('hex')}`;
const credential_id = randomUUID();
const servers = ['web-1', 'web-2'].map((name) => ({ id: randomUUID(), name }));

const registry = await startSubstituteRegistry({ users: { [username]: access_token } });
const reoclo = await startReoclo({
  servers,
  credentials: [{ id: credential_id, registry_url: registry.host, registry_type: 'generic', username, password: access_token }],
  keys: [
    {
      key: api_key,
      allowed_operations: ['registry_login', 'registry_logout'],
      allowed_servers: servers.map(({ id }) => id),
      allowed_credentials: [credential_id],
      allow_registry_passthrough: true,
    },
  ],
  agent: { docker: [process.execPath, DOCKER] },
});

// What check.js compares: the audit log, and each server's logins.
const control = await serve((request, response) => {
  const logins = Object.fromEntries([...reoclo.servers.values()].map(({ name, agent }) => [name, agent.logins()]));
  const audit = reoclo.audit.map(({ action, server_id, registry_url, auth_mode, outcome }) => {
    return { action, server: reoclo.servers.get(server_id).name, registry_url, auth_mode, outcome };
  });
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ audit, logins }));
});

async function stop() {
  await Promise.all([control, reoclo, registry].map((part) => part.stop()));
  process.exit();
}
process.on('SIGTERM', stop);
setTimeout(stop, MAX_LIFETIME_MS);

const ready = {
  api_url: reoclo.url,
  api_key,
  server_id: servers[0].id,
  other_server_id: servers[1].id,
  credential_id,
  registry_url: registry.host,
  username,
  access_token,
  control_url: `http://${control.host}/`,
};
// Renamed, so that FILE is complete from the start.
writeFileSync(`${file}.part`, JSON.stringify(ready), { mode: 0o600 });
renameSync(`${file}.part`, file);
