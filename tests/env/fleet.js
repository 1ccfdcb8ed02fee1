// Several servers and registries, for scenarios with more than one login.
import { once } from 'node:events';
import { createAgent } from '../sandbox/agent.js';
import { startRegistry } from '../sandbox/registry.js';
import { createTestEnv } from './test-env.js';

export const isLogin = ({ path }) => /\/registry-auth\/login(-direct)?$/.test(path);

/**
 * A test environment with several servers and real registries, all with the same user.
 *
 * @param {import('node:test').TestContext} t
 * @param {object} [options]
 * @param {number | string[]} [options.servers] how many, or their names
 * @param {string[]} [options.types] the kind of each registry, as the vault knows it
 * @param {(host: string, testEnv: object) => Promise<string>} [options.front] starts a front for the registry of each
 *   type and resolves to its host, which docker treats as another registry
 * @returns {Promise<{ testEnv: object, servers: object[], registries: string[], inputs: (different?: object) => object }>}
 *   `inputs` are those of a vault login of every server with every credential
 */
export async function createFleet(t, { servers = 3, types = ['generic', 'harbor'], front, ...options } = {}) {
  const names = Array.isArray(servers) ? servers : Array.from({ length: servers }, (_, i) => `web-${i + 1}`);
  const testEnv = await createTestEnv(t, { servers: names, ...options });
  testEnv.reoclo.setMaxListeners(0);
  const registries = [];
  const credentials = [];
  for (const registry_type of types) {
    const another = () => startRegistry({ users: { [testEnv.username]: testEnv.password } });
    const { host } = front || registries.length === 0 ? testEnv.registry : testEnv.cleanUp(await another());
    const registry_url = front ? await front(host, testEnv) : host;
    registries.push(registry_url);
    credentials.push(testEnv.addCredential({ registry_url, registry_type }));
  }
  const fleet = Object.values(testEnv.servers);
  return {
    testEnv,
    servers: fleet,
    registries,
    credentials,
    inputs: (different) =>
      testEnv.inputs.vault({
        server_id: fleet.map(({ id }) => id).join('\n'),
        credential_id: credentials.join('\n'),
        ...different,
      }),
  };
}

/** Counts running docker commands from now on: at most `most.on(server)` and `most.all` ran concurrently. */
export function watchDockers({ reoclo }) {
  const running = new Map();
  const most = { all: 0, by: new Map(), on: ({ id }) => most.by.get(id) ?? 0 };
  let all = 0;
  reoclo.on('operation', ({ server_id, status }) => {
    const change = status === 'running' ? 1 : -1;
    const here = (running.get(server_id) ?? 0) + change;
    running.set(server_id, here);
    all += change;
    most.by.set(server_id, Math.max(most.on({ id: server_id }), here));
    most.all = Math.max(most.all, all);
  });
  return most;
}

/** From now on docker never ends on this server. */
export async function hangDocker(server) {
  await server.agent.stop();
  server.agent = await createAgent({ docker: [process.execPath, '-e', 'setInterval(() => {}, 1000)'] });
}

export function operationsOf({ reoclo }, server, type) {
  return [...reoclo.operations.values()].filter(
    ({ server_id, operation_type }) => server_id === server.id && (!type || operation_type === type),
  );
}

/** The ID of the operation that has logged a server in to a registry. */
export function loginOperation({ reoclo }, { server, registry }) {
  return reoclo.audit.find(({ server_id, registry_url }) => server_id === server.id && registry_url === registry).operation_id;
}

/** The outputs of a step for these logins, besides `logins`: one value per line. */
export function outputsFor(testEnv, pairs) {
  const lines = (valueOf) => pairs.map(valueOf).join('\n');
  return {
    operation_id: lines((pair) => loginOperation(testEnv, pair)),
    registry_url: lines(({ registry }) => registry),
    registry_type: lines(({ type }) => type),
  };
}

/** Resolves when n logins have started; rejects after 30 s. */
export async function started({ reoclo }, n) {
  const signal = AbortSignal.timeout(30_000);
  const logins = () => reoclo.audit.filter(({ action }) => action === 'registry_login').length;
  while (logins() < n) {
    await once(reoclo, 'operation', { signal }).catch((cause) => {
      throw new Error(`${logins()} logins have started, not ${n}`, { cause });
    });
  }
}

/** Resolves when docker runs on no server, or not on the given one. */
export async function idle({ reoclo }, server) {
  const runs = ({ status, server_id }) => status === 'running' && (!server || server_id === server.id);
  while ([...reoclo.operations.values()].some(runs)) await once(reoclo, 'operation');
}

/** Server name → the registries it is logged in to. */
export function loginsOf({ servers }) {
  return Object.fromEntries(Object.values(servers).map(({ name, agent }) => [name, agent.logins().toSorted()]));
}

/** Resolves when a step has printed a text; rejects if it ends before. */
export async function printed({ child, output, done }, text) {
  child.stdout.setMaxListeners(0);
  const found = new Promise((resolve) => {
    const look = () => output().includes(text) && resolve();
    child.stdout.on('data', look);
    look();
  });
  const ended = done.then(({ stdout }) => {
    if (!stdout.includes(text)) throw new Error(`did not print "${text}":\n${stdout}`);
  });
  await Promise.race([found, ended]);
}
