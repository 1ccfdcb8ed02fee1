// The stand-in: its responses, and what docker did.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { createAgent } from './agent.js';
import { startGate } from './gate.js';
import { startHostileRegistry } from './hostile-registry.js';
import { startReoclo } from './reoclo.js';
import { startRegistry } from './registry.js';
import { startSubstituteRegistry } from './substitute/registry.js';

const USER = { username: 'robot', password: 'pass:word "1" é' };
const RUN_CONTEXT = {
  provider: 'github_actions',
  repository: 'acme/shop',
  workflow: 'Deploy',
  trigger: 'push',
  actor: 'octocat',
};

/** A registry, a stand-in with one server and one vault credential, and a client. */
async function sandbox(t, { agent } = {}) {
  const registry = await startRegistry({ users: { [USER.username]: USER.password } });
  t.after(() => registry.stop());

  const server = { id: randomUUID(), name: 'web-1' };
  const credential = {
    id: randomUUID(),
    registry_url: registry.host,
    registry_type: 'generic',
    ...USER,
  };
  const key = {
    key: 'rca_full',
    allowed_operations: ['registry_login', 'registry_logout'],
    allowed_servers: [server.id],
    allowed_credentials: [credential.id],
    allow_registry_passthrough: true,
  };
  const reoclo = await startReoclo({
    servers: [server],
    keys: [key],
    credentials: [credential],
    agent,
  });
  t.after(() => reoclo.stop());

  const call = async (method, path, body, headers = {}) => {
    const response = await fetch(`${reoclo.url}/api/automation/v1${path}`, {
      method,
      headers: { authorization: 'Bearer rca_full', 'content-type': 'application/json', ...headers },
      body: body && JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  const vault = { server_id: server.id, credential_id: credential.id };
  const direct = {
    server_id: server.id,
    registry_url: registry.host,
    username: USER.username,
    access_token: USER.password,
  };
  return {
    registry,
    reoclo,
    call,
    vault,
    direct,
    server: reoclo.servers.get(server.id),
    /** Logs in and resolves to the finished operation. */
    async login(path, body) {
      const { body: started } = await call('POST', path, body);
      await reoclo.idle();
      return (await call('GET', `/operations/${started.operation_id}`)).body;
    },
  };
}

test('a vault login and logout run docker', async (t) => {
  const { reoclo, registry, server, call, vault } = await sandbox(t);
  const run = { run_id: '42', run_context: RUN_CONTEXT };

  const started = await call('POST', '/registry-auth/login', { ...vault, ...run });
  assert.equal(started.status, 202);
  const { operation_id } = started.body;
  assert.deepEqual(started.body, {
    operation_id,
    status: 'running',
    registry_url: registry.host,
    registry_type: 'generic',
  });

  await reoclo.idle();
  const { body: operation } = await call('GET', `/operations/${operation_id}`);
  assert.equal(operation.status, 'completed');
  assert.equal(operation.result.exit_code, 0);
  assert.match(operation.result.stdout, /^Login Succeeded$/m);
  assert.match(operation.result.stderr, /stored unencrypted/);
  assert.deepEqual(operation.run_context, RUN_CONTEXT);
  assert.deepEqual(server.agent.logins(), [registry.host]);
  assert.equal(
    Buffer.from(server.agent.config().auths[registry.host].auth, 'base64').toString(),
    `${USER.username}:${USER.password}`,
  );

  const logout = await call('POST', '/registry-auth/logout', {
    server_id: vault.server_id,
    registry_url: registry.host,
  });
  assert.equal(logout.status, 200);
  assert.equal(logout.body.status, 'completed');
  assert.deepEqual(server.agent.logins(), []);

  assert.deepEqual(
    reoclo.audit.map(({ action, auth_mode, outcome }) => ({ action, auth_mode, outcome })),
    [
      { action: 'registry_login', auth_mode: 'vault', outcome: 'completed' },
      { action: 'registry_logout', auth_mode: undefined, outcome: 'completed' },
    ],
  );
  assert.equal(reoclo.audit[0].repository, 'acme/shop');
  assert.equal(reoclo.audit[0].run_id, '42');
  assert.deepEqual(
    reoclo.requests.map(({ method, path, response }) => [
      method,
      path.split('/').at(-1),
      response.status,
    ]),
    [
      ['POST', 'login', 202],
      ['GET', operation_id, 200],
      ['POST', 'logout', 200],
    ],
  );
});

test('audits a passthrough login without its token', async (t) => {
  const { reoclo, server, registry, login, direct } = await sandbox(t);
  const operation = await login('/registry-auth/login-direct', direct);
  assert.equal(operation.status, 'completed');
  assert.deepEqual(server.agent.logins(), [registry.host]);
  assert.equal(reoclo.audit[0].auth_mode, 'passthrough');
  assert.equal(reoclo.audit[0].username, USER.username);
  assert.doesNotMatch(JSON.stringify(reoclo.audit), /pass:word/);
});

test('a wrong password fails with docker output', async (t) => {
  const { server, registry, login, direct } = await sandbox(t);
  const operation = await login('/registry-auth/login-direct', {
    ...direct,
    access_token: 'wrong',
  });
  assert.equal(operation.status, 'failed');
  assert.equal(operation.result.exit_code, 1);
  assert.equal(
    operation.result.stderr.trimEnd().split('\n').at(-1),
    `login attempt to http://${registry.host}/v2/ failed with status: 401 Unauthorized`,
  );
  assert.deepEqual(server.agent.logins(), []);
});

test('a non-zero exit can be completed', async (t) => {
  const { login, direct } = await sandbox(t, { agent: { nonZeroExit: 'completed' } });
  const operation = await login('/registry-auth/login-direct', {
    ...direct,
    access_token: 'wrong',
  });
  assert.equal(operation.status, 'completed');
  assert.equal(operation.result.exit_code, 1);
});

test('connection refused fails with docker output', async (t) => {
  const { registry, login, direct } = await sandbox(t);
  await registry.stop();
  const operation = await login('/registry-auth/login-direct', direct);
  assert.equal(operation.status, 'failed');
  assert.match(operation.result.stderr, /dial tcp 127\.0\.0\.1:\d+: connect: connection refused/);
});

test('without docker the operation fails without an exit code', async (t) => {
  const { login, vault } = await sandbox(t, { agent: { docker: ['no-such-docker'] } });
  const operation = await login('/registry-auth/login', vault);
  assert.equal(operation.status, 'failed');
  assert.deepEqual(operation.result, { stderr: 'cannot run no-such-docker: ENOENT' });
});

test('an invalid request gets 422 with the field', async (t) => {
  const { reoclo, call, vault, direct } = await sandbox(t);
  const broken = [
    ['/registry-auth/login', { server_id: vault.server_id }, ['body', 'credential_id'], 'required'],
    ['/registry-auth/login', { ...vault, extra: 1 }, ['body', 'extra'], 'additionalProperties'],
    ['/registry-auth/login', { ...vault, server_id: 'web-1' }, ['body', 'server_id'], 'format'],
    ['/registry-auth/login', { ...vault, run_id: 42 }, ['body', 'run_id'], 'type'],
    ['/registry-auth/login', undefined, ['body'], 'required'],
    [
      '/registry-auth/login-direct',
      { ...direct, access_token: '' },
      ['body', 'access_token'],
      'minLength',
    ],
    [
      '/registry-auth/login-direct',
      { ...direct, registry_url: 'a b' },
      ['body', 'registry_url'],
      'pattern',
    ],
    [
      '/registry-auth/logout',
      { server_id: vault.server_id, registry_url: 'x', run_context: { ...RUN_CONTEXT, extra: '' } },
      ['body', 'run_context', 'extra'],
      'additionalProperties',
    ],
  ];
  for (const [path, body, loc, type] of broken) {
    const response = await call('POST', path, body);
    assert.equal(response.status, 422, JSON.stringify(response));
    assert.deepEqual(response.body.detail.find((error) => error.type === type)?.loc, loc);
  }
  assert.deepEqual((await call('GET', '/operations/1')).body.detail, [
    { loc: ['path', 'operation_id'], msg: 'must match format "uuid"', type: 'format' },
  ]);
  const unnamed = await call('POST', '/registry-auth/login', vault, {
    'content-type': 'text/plain',
  });
  assert.equal(unnamed.status, 422);
  assert.deepEqual(reoclo.audit, []);
});

test('a key is limited to its scope', async (t) => {
  const { reoclo, call, vault, direct } = await sandbox(t);
  const logout = { server_id: vault.server_id, registry_url: direct.registry_url };
  const full = reoclo.keys.get('rca_full');
  const cases = [
    [{ allowed_operations: ['registry_logout'] }, 'login', vault, /operation registry_login/],
    [{ allowed_operations: ['registry_login'] }, 'logout', logout, /operation registry_logout/],
    [{ allowed_servers: [] }, 'login', vault, /not scoped to server/],
    [{ allowed_credentials: [] }, 'login', vault, /not scoped to registry credential/],
    [{ allow_registry_passthrough: false }, 'login-direct', direct, /allow_registry_passthrough/],
  ];
  for (const [scope, route, body, detail] of cases) {
    reoclo.keys.set('rca_full', { ...full, ...scope });
    const response = await call('POST', `/registry-auth/${route}`, body);
    assert.equal(response.status, 403);
    assert.match(response.body.detail, detail);
  }
  assert.deepEqual(reoclo.audit, []);
});

test('unknown IDs, keys and routes get 404, 401, 501', async (t) => {
  const { call, vault } = await sandbox(t);
  const id = randomUUID();
  const login = '/registry-auth/login';
  const notFound = (what) => ({ status: 404, body: { detail: `${what} ${id} not found` } });
  assert.deepEqual(await call('POST', login, { ...vault, server_id: id }), notFound('Server'));
  assert.deepEqual(
    await call('POST', login, { ...vault, credential_id: id }),
    notFound('Registry credential'),
  );
  assert.deepEqual(await call('GET', `/operations/${id}`), notFound('Operation'));

  const unauthorized = { status: 401, body: { detail: 'Invalid API key' } };
  assert.deepEqual(
    await call('POST', login, vault, { authorization: 'Bearer rca_x' }),
    unauthorized,
  );
  assert.deepEqual(await call('POST', login, {}, { authorization: '' }), unauthorized);

  assert.equal((await call('POST', '/registry-auth/refresh', {})).status, 501);
  assert.equal((await call('DELETE', login)).status, 501);
});

test('a response not matching openapi.yaml is an error', async (t) => {
  const { reoclo, call, vault } = await sandbox(t);
  reoclo.credentials.get(vault.credential_id).registry_type = 'nonsense';
  const response = await call('POST', '/registry-auth/login', vault);
  assert.equal(response.status, 500);
  assert.match(response.body.detail, /login 202 does not match openapi\.yaml/);
  await assert.rejects(reoclo.stop(), /does not match openapi\.yaml/);
});

test('a gate holds a login until released', async (t) => {
  const { reoclo, registry, server, call, direct } = await sandbox(t);
  const gate = await startGate(registry.host);
  t.after(() => gate.stop());

  const { body } = await call('POST', '/registry-auth/login-direct', {
    ...direct,
    registry_url: gate.host,
  });
  await gate.waiting;
  const running = await call('GET', `/operations/${body.operation_id}`);
  assert.equal(running.body.status, 'running');
  assert.equal(running.body.result, undefined);
  assert.deepEqual(server.agent.logins(), []);

  gate.release();
  await reoclo.idle();
  const ended = await call('GET', `/operations/${body.operation_id}`);
  assert.equal(ended.body.status, 'completed');
  assert.deepEqual(server.agent.logins(), [gate.host]);
});

test('docker is killed at the time limit', async (t) => {
  const { registry, login, direct } = await sandbox(t, { agent: { timeLimitMs: 100 } });
  const gate = await startGate(registry.host);
  t.after(() => gate.stop());
  const operation = await login('/registry-auth/login-direct', {
    ...direct,
    registry_url: gate.host,
  });
  assert.equal(operation.status, 'timeout');
  assert.equal(operation.result.exit_code, undefined);
});

test('stop() kills a running docker', async (t) => {
  const { reoclo, registry, call, direct } = await sandbox(t);
  const gate = await startGate(registry.host);
  t.after(() => gate.stop());
  const { body } = await call('POST', '/registry-auth/login-direct', {
    ...direct,
    registry_url: gate.host,
  });
  await gate.waiting;
  const never = assert.rejects(
    reoclo.seen(({ method }) => method === 'PUT'),
    /no such request; there were: POST/,
  );
  await reoclo.stop();
  await never;
  assert.equal(reoclo.operations.get(body.operation_id).status, 'failed');
});

test('docker prints hostile registry text unchanged', async (t) => {
  const text = 'first\n::error::forged\r##[error]forged\r\n\u001b[31mred\u001b[0m \u0007%0A last';
  const { login, direct } = await sandbox(t);
  const hostile = await startHostileRegistry(text);
  t.after(() => hostile.stop());
  const operation = await login('/registry-auth/login-direct', {
    ...direct,
    registry_url: hostile.host,
  });
  assert.equal(operation.status, 'failed');
  assert.ok(
    operation.result.stderr.endsWith(`Get "http://${hostile.host}/v2/": denied: ${text}\n`),
    JSON.stringify(operation.result.stderr),
  );
});

test('logging out of Docker Hub removes its entry', async (t) => {
  for (const name of ['docker.io', 'index.docker.io']) {
    const agent = await createAgent();
    t.after(() => agent.stop());
    const auths = { 'https://index.docker.io/v1/': { auth: 'cm9ib3Q6eA==' } };
    await writeFile(join(agent.folder, 'config.json'), JSON.stringify({ auths }));
    const { status } = await agent.logout({ registry_url: name });
    assert.equal(status, 'completed');
    assert.deepEqual(agent.logins(), []);
  }
});

test('seen() finds past and future requests', async (t) => {
  const { reoclo, call } = await sandbox(t);
  const isRead = ({ method }) => method === 'GET';
  const second = reoclo.seen(isRead, 2);
  await call('GET', '/operations/1');
  await call('GET', '/operations/2');
  assert.match((await second).path, /2$/);
  assert.match((await reoclo.seen(isRead)).path, /1$/);
});

test('the substitutes log in and out like docker', async (t) => {
  const registry = await startSubstituteRegistry({ users: { [USER.username]: USER.password } });
  t.after(() => registry.stop());
  const substitute = fileURLToPath(new URL('./substitute/docker.js', import.meta.url));
  const agent = await createAgent({ docker: [process.execPath, substitute] });
  t.after(() => agent.stop());
  const registry_url = registry.host;

  const refused = await agent.login({ registry_url, ...USER, password: 'wrong' });
  assert.equal(refused.result.exit_code, 1);
  assert.match(refused.result.stderr, /failed with status: 401 Unauthorized$/m);

  const accepted = await agent.login({ registry_url, ...USER });
  assert.equal(accepted.result.exit_code, 0);
  assert.equal(accepted.result.stdout, 'Login Succeeded\n');
  assert.deepEqual(agent.logins(), [registry_url]);

  await agent.logout({ registry_url });
  assert.deepEqual(agent.logins(), []);
});
