// Small faults, each found once: byte order marks, Node's debug output, printed state, wrong operations, odd numbers.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TITLES } from '../../env/messages.js';
import { createScriptedEnv } from '../../env/scripted-env.js';
import { ended, LOGIN_OPERATION, LOGOUT_OPERATION, REGISTRY, startScriptedApi } from '../../sandbox/scripted-api.js';

const OTHER = '99999999-9999-4999-8999-999999999999';
const ACCEPTED = { operation_id: LOGIN_OPERATION, status: 'running', registry_url: REGISTRY, registry_type: 'generic' };
const withMark = (body) => Buffer.from(`\ufeff${JSON.stringify(body)}`);

let testEnv;
before(async () => ({ testEnv } = await createScriptedEnv()));
after(() => testEnv.close());

const startApi = async (t, responses) => {
  const api = await startScriptedApi(responses);
  t.after(() => api.stop());
  return api;
};

test('a byte order mark costs no request', async (t) => {
  const api = await startApi(t, {
    login: [202, withMark(ACCEPTED)],
    status: [200, withMark(ended())],
    logout: [202, withMark({ operation_id: LOGOUT_OPERATION, status: 'running' })],
    logoutStatus: [200, withMark(ended())],
  });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ api_url: api.url }) });
  const post = await testEnv.runPost(main);
  assert.deepEqual([main.code, main.annotations, post.annotations], [0, [], []], main.stdout + post.stdout);
  assert.deepEqual(api.requests.map(({ kind }) => kind), ['login', 'status', 'logout', 'logoutStatus']);
});

test('a byte order mark before an error keeps its detail', async (t) => {
  const api = await startApi(t, { login: [403, withMark({ detail: 'Not on Sundays' })] });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ api_url: api.url }) });
  assert.match(main.annotations[0].message, /Not on Sundays/);
});

describe("Node's debug output", { concurrency: 2 }, () => {
  // Every run is checked for leaks.
  const ROWS = [
    { NODE_DEBUG: 'http' },
    { NODE_DEBUG: 'http,https,net,tls,stream,timer,module,child_process,dns' },
    { NODE_DEBUG: '*' },
    { DEBUG: '*' },
    { NODE_DEBUG: '*', DEBUG: '*', NODE_OPTIONS: '--trace-warnings' },
    { RUNNER_DEBUG: '1', ACTIONS_STEP_DEBUG: 'true' },
  ];
  for (const env of ROWS) {
    test(`${JSON.stringify(env)} prints no key`, async (t) => {
      const api = await startApi(t);
      const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ api_url: api.url }), env });
      const post = await testEnv.runPost(main);
      assert.deepEqual([main.code, post.code], [0, 0]);
      for (const { stderr } of [main, post]) assert.doesNotMatch(stderr, /authorization|bearer/i);
    });
  }
});

describe("the state printed for Gitea's runner", { concurrency: 2 }, () => {
  const lines = ({ stdout }) => stdout.split('\n').filter((line) => line.startsWith('::save-state'));
  for (const variable of ['GITEA_ACTIONS', 'FORGEJO_ACTIONS']) {
    for (const mode of ['vault', 'passthrough']) {
      test(`has two lines per login (${variable}, ${mode})`, async (t) => {
        const api = await startApi(t);
        const different = mode === 'vault' ? { credential_id: [1, 2, 3].map(() => testEnv.addCredential()).join('\n') } : {};
        const main = await testEnv.run('main', { inputs: testEnv.inputs[mode]({ api_url: api.url, ...different }), env: { [variable]: 'true' } });
        assert.equal(main.code, 0, main.stdout);
        assert.equal(lines(main).length, mode === 'vault' ? 6 : 2, main.stdout);
        for (const line of lines(main)) {
          for (const input of [api.url, testEnv.apiKey, testEnv.username, testEnv.password]) assert.ok(!line.includes(input), line);
          assert.match(line, /^::save-state name=login_\d+::/);
        }
        // The printed state alone is enough for post.
        const printed = Object.fromEntries(main.commands.filter(({ command }) => command === 'save-state').map(({ properties, data }) => [properties.name, data]));
        const post = await testEnv.run('post', { inputs: main.inputs, env: main.env, state: printed });
        assert.deepEqual([post.annotations, api.count('logout')], [[], 1], post.stdout);
      });
    }
  }

  for (const registry of ['[::1]:5000', '[2001:db8::1]:5000', '[::ffff:192.0.2.1]:443']) {
    test(`has no second :: for ${registry}`, async (t) => {
      const api = await startApi(t, { login: [202, { ...ACCEPTED, registry_url: registry }] });
      const inputs = testEnv.inputs.passthrough({ api_url: api.url, registry_url: registry });
      const main = await testEnv.run('main', { inputs, env: { GITEA_ACTIONS: 'true' } });
      assert.equal(lines(main).length, 2);
      for (const line of lines(main)) assert.equal(line.split('::').length, 3, line);
      await testEnv.runPost(main);
      assert.deepEqual(api.bodies('logout').map(({ registry_url }) => registry_url), [registry]);
    });
  }
});

describe('a status response', { concurrency: 3 }, () => {
  const completed = (text) => [200, Buffer.from(`{"status":"completed","result":{"exit_code":${text}}}`)];
  // `ends` is `in` or the title of the error.
  const ROWS = [
    { name: 'of another operation', status: [200, ended({}, { operation_id: OTHER })], ends: TITLES.unexpectedResponse },
    { name: 'of another server', status: [200, ended({}, { server_id: OTHER })], ends: TITLES.unexpectedResponse },
    { name: 'of this operation in upper case', status: [200, ended({}, { operation_id: LOGIN_OPERATION.toUpperCase() })], ends: 'in' },
    { name: 'with exit code 0', status: completed('0'), ends: 'in' },
    { name: 'with exit code 0.5', status: completed('0.5'), ends: 'fails' },
    { name: 'with exit code 1e400', status: completed('1e400'), ends: 'fails' },
    { name: 'with exit code "0"', status: completed('"0"'), ends: 'fails' },
    { name: 'with exit code false', status: completed('false'), ends: 'fails' },
    { name: 'with exit code null', status: completed('null'), ends: 'fails' },
    { name: 'with two exit codes', status: completed('0,"exit_code":1'), ends: 'fails' },
    { name: 'with exit code 2^32', status: completed('4294967296'), ends: 'fails' },
  ];
  for (const { name, ends, status } of ROWS) {
    test(`${name} is right`, async (t) => {
      const api = await startApi(t, { status });
      const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ api_url: api.url }) });
      assert.equal(main.code, ends === 'in' ? 0 : 1, main.stdout);
      if (![undefined, 'in', 'fails'].includes(ends)) assert.equal(main.annotations[0].title, ends);
    });
  }
});

describe('a registry or username in the inputs', { concurrency: 2 }, () => {
  const ROWS = [
    { name: 'final dot', given: { registry_url: 'ghcr.io.' }, sent: { registry_url: 'ghcr.io' } },
    { name: 'upper case and final dot', given: { registry_url: 'GHCR.IO.' }, sent: { registry_url: 'ghcr.io' } },
    { name: 'default port', given: { registry_url: 'ghcr.io:443' }, sent: { registry_url: 'ghcr.io' } },
    { name: 'byte order mark in username', given: { username: '\ufeffocto' }, sent: { username: 'octo' } },
    { name: 'zero-width space in username', given: { username: '\u200bocto' }, sent: { username: 'octo' } },
  ];
  for (const { name, given, sent } of ROWS) {
    test(`${name} is normalised or noticed`, async (t) => {
      const api = await startApi(t);
      const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ api_url: api.url, ...given }) });
      const [body] = api.bodies('login');
      const isNoticed = main.annotations.length > 0;
      const isNormalised = Object.entries(sent).every(([key, value]) => body?.[key] === value);
      assert.ok(isNormalised || isNoticed, JSON.stringify(body));
    });
  }
});
