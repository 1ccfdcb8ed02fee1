// Several registries with one token in passthrough mode, and what users paste instead of a token.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFleet, isLogin, loginOperation, loginsOf, outputsFor, printed } from '../env/fleet.js';
import { tables } from '../env/markdown.js';
import { ERRORS, exactly, FIX, INPUTS, label, like, LOG, NAMES, PREFLIGHT, SUMMARY, TITLES, withFix } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';
import { startGate } from '../sandbox/gate.js';
import { startRegistry } from '../sandbox/registry.js';

const base64 = (text) => Buffer.from(text).toString('base64');
const titles = ({ annotations }) => annotations.map(({ level, title }) => [level, title]);
const masksOf = ({ commands }) => commands.filter(({ command }) => command === 'add-mask').map(({ data }) => data);

/** A fleet whose registries have the same user, and the inputs of a passthrough login to all of them. */
async function createPassthroughFleet(t, options) {
  const fleet = await createFleet(t, { servers: 2, ...options });
  const { testEnv, servers, registries } = fleet;
  const inputs = (different) =>
    testEnv.inputs.passthrough({ server_id: servers.map(({ id }) => id).join('\n'), registry_url: registries.join('\n'), ...different });
  return { ...fleet, inputs };
}

test('logs two servers in to two registries with one token, and out', async (t) => {
  const { testEnv, servers, registries, inputs } = await createPassthroughFleet(t);
  const pairs = servers.flatMap((server) => registries.map((registry) => ({ server, registry, type: 'generic' })));

  const main = await testEnv.run('main', { inputs: inputs({ job_summary: 'true' }) });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.deepEqual(loginsOf(testEnv), Object.fromEntries(servers.map(({ name }) => [name, registries.toSorted()])));
  assert.equal(main.log[0], LOG.passthroughRegistries(2, '2 servers'));
  assert.match(main.log.at(-1), exactly(LOG.finished(4, 4)));

  // One request per server and registry; the API takes one registry per request.
  const requests = testEnv.reoclo.requests.filter(isLogin).map(({ body }) => [body.server_id, body.registry_url, body.username, body.access_token]);
  const expected = pairs.map(({ server, registry }) => [server.id, registry, testEnv.username, testEnv.password]);
  assert.deepEqual(requests.toSorted(), expected.toSorted());

  const { logins, ...outputs } = main.outputs;
  assert.deepEqual(outputs, outputsFor(testEnv, pairs));
  assert.deepEqual(
    JSON.parse(logins).map(({ duration_ms, ...login }) => login),
    pairs.map((pair) => ({
      server_id: pair.server.id,
      server_name: pair.server.name,
      registry_url: pair.registry,
      registry_type: 'generic',
      operation_id: loginOperation(testEnv, pair),
      auth_mode: 'passthrough',
      attempts: 1,
    })),
  );
  assert.deepEqual(main.saved.map(({ server_id, credential, registry_url }) => [server_id, credential, registry_url]), [
    [servers[0].id, 1, registries[0]],
    [servers[0].id, 2, registries[1]],
    [servers[1].id, 1, registries[0]],
    [servers[1].id, 2, registries[1]],
  ]);
  const [{ rows }] = tables(main.summary);
  assert.deepEqual(
    rows.map(({ Server, Registry, Mode, Result }) => [Server, Registry, Mode, Result]),
    pairs.map(({ server, registry }) => [`${server.name} (${server.id})`, registry, 'passthrough', SUMMARY.loggedIn]),
  );

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  assert.deepEqual(post.log.toSorted(), pairs.map(({ server, registry }) => label(server.name, registry) + LOG.loggedOut).toSorted());
  assert.deepEqual(loginsOf(testEnv), { 'web-1': [], 'web-2': [] });
});

test('a registry that fails does not stop the others', async (t) => {
  const { testEnv, servers, registries, inputs } = await createPassthroughFleet(t);
  const other = testEnv.cleanUp(await startRegistry({ users: { [testEnv.username]: 'another-password' } }));
  const list = [registries[0], other.host, registries[1]];
  const main = await testEnv.run('main', { inputs: inputs({ registry_url: list.join(', ') }) });
  assert.deepEqual([main.code, titles(main)], [1, [['error', TITLES.dockerFailed]]], main.stdout);

  const everywhere = Object.fromEntries(servers.map(({ name }) => [name, registries.toSorted()]));
  assert.deepEqual(loginsOf(testEnv), everywhere);
  assert.equal(main.outputs.registry_url, [...list, ...list].join('\n'));
  assert.deepEqual(JSON.parse(main.outputs.logins).map(({ registry_url }) => registry_url), [...registries, ...registries]);
  assert.match(main.log.at(-1), exactly(LOG.finished(4, 6)));

  const [head, first, fix, second, ...rest] = main.annotations[0].message.split('\n');
  assert.deepEqual([head, fix, rest], [ERRORS.failed(2, 6), ERRORS.sameFix(2, FIX.credential), []]);
  for (const [i, line] of [first, second].entries()) {
    const { id, name } = servers[i];
    const error = ERRORS.docker({ registry: other.host, server: `${name} (${id})`, output: like(/[^=]*401 Unauthorized/) });
    assert.match(line, exactly(`${name}, ${other.host}: ${error}`));
    assert.ok(main.log.some((line) => line.startsWith(label(name, other.host) + LOG.docker)), main.stdout);
  }

  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  assert.deepEqual([post.log.length, loginsOf(testEnv)], [4, { 'web-1': [], 'web-2': [] }]);
});

test('a killed step is logged out of every registry that it had requested', async (t) => {
  const { testEnv, servers, registries, inputs } = await createPassthroughFleet(t, { servers: 1 });
  const gate = testEnv.cleanUp(await startGate(registries[1]));
  const step = testEnv.start('main', { inputs: inputs({ registry_url: `${registries[0]}\n${gate.host}\n${registries[1]}` }) });
  await printed(step, label(NAMES.server(servers[0].id), gate.host) + LOG.operationStart);
  await gate.waiting;
  step.child.kill('SIGKILL');
  const main = await step.done;
  assert.deepEqual(main.saved.map(({ registry_url }) => registry_url), [registries[0], gate.host]);

  const post = testEnv.startPost(main);
  gate.release();
  const { code, annotations, stdout } = await post.done;
  assert.deepEqual([code, annotations, loginsOf(testEnv)], [0, [], { 'web-1': [] }], stdout);
});

test('duplicates are ignored, and a list of one is a single login', async (t) => {
  const testEnv = await createTestEnv(t);
  const { host } = testEnv.registry;
  const registry_url = `# the only one\r\n  HTTP://${host.toUpperCase()}/v2/ ,, ${host} # again, ${host}:1\n${host}/acme\n`;
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ registry_url }) });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.equal(main.log[0], LOG.passthrough(testEnv.server.id, host, 'generic'));
  assert.equal(main.log.at(-1), LOG.loggedIn(`web-1 (${testEnv.server.id})`, host));
  assert.deepEqual([main.outputs.registry_url, testEnv.reoclo.requests.filter(isLogin).length], [host, 1]);
  const post = await testEnv.runPost(main);
  assert.deepEqual(post.log, [LOG.loggedOutOf(host, testEnv.server.id)]);
});

test('several registries need no more masks than one', async (t) => {
  const { testEnv, registries, inputs } = await createPassthroughFleet(t, { servers: 1 });
  const both = await testEnv.run('main', { inputs: inputs() });
  const one = await testEnv.run('main', { inputs: inputs({ registry_url: registries[0] }) });
  assert.equal(both.log[0], LOG.passthroughRegistries(2, NAMES.server(testEnv.server.id)));
  assert.deepEqual(masksOf(both), masksOf(one));
});

// what is invalid → changed inputs, the error
const INVALID = {
  'an entry with whitespace': [{ registry_url: 'ghcr.io,\n# all\n ghcr.io hunter22 \nquay.io' }, INPUTS.registryEntry(2, INPUTS.flaws.whitespace)],
  'an entry with a password': [{ registry_url: 'ghcr.io, https://bob:hunter22@quay.io' }, INPUTS.registryEntry(2, INPUTS.flaws.credentials)],
  'an option of docker': [{ registry_url: '--hunter22\nghcr.io' }, INPUTS.registryEntry(1, INPUTS.flaws.hyphen)],
  'a list of YAML': [{ registry_url: '- hunter22\n- quay.io' }, INPUTS.registryEntries('1 and 2')],
  'a list of JSON': [{ registry_url: '["ghcr.io", "hunter22", "quay.io"]' }, INPUTS.registryEntries('1, 2 and 3')],
  'a list without entries': [{ registry_url: '# none\n ,\n' }, `${INPUTS.missing('registry_url', 'registry_url is')}.`],
  'more registries than a step takes': [
    { registry_url: Array.from({ length: 101 }, (_, i) => `r${i}.example`).join() },
    INPUTS.tooManyLogins(101, '', 'registry_url'),
  ],
  'registries and a credential_id': [
    { registry_url: 'ghcr.io, quay.io', credential_id: '0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11' },
    INPUTS.exclusive('username, access_token and registry_url'),
  ],
};

describe('an invalid list is one error', () => {
  for (const [what, [different, message]] of Object.entries(INVALID)) {
    test(what, async (t) => {
      const testEnv = await createTestEnv(t);
      const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough(different) });
      assert.deepEqual([main.code, titles(main)], [1, [['error', TITLES.invalidInputs]]], main.stdout);
      assert.equal(main.annotations[0].message, withFix(message, FIX.inputs));
      assert.ok(!main.stdout.includes('hunter22'), main.stdout);
      assert.deepEqual([testEnv.reoclo.requests, main.state, main.outputs], [[], {}, { logins: '[]' }]);
    });
  }
});

const ecr = (account, region = 'eu-west-1') => `${account}.dkr.ecr.${region}.amazonaws.com`;
const ECR = [ecr('123456789012'), ecr('998877665544')];
const ECR_TOKEN = base64('{"payload":"0123456789"}'.repeat(60));
const GITHUB_TOKEN = 'ghs_0123456789abcdef';

// registries, username, token, notices
const NOTICES = [
  [ECR, 'AWS', ECR_TOKEN, []],
  [['europe-west3-docker.pkg.dev', 'us-docker.pkg.dev'], 'oauth2accesstoken', 'ya29.0123456789', []],
  [['ghcr.io', 'docker.pkg.github.com'], 'octocat', GITHUB_TOKEN, []],
  [['ghcr.io', 'registry.example.com'], 'octocat', GITHUB_TOKEN, []],
  [[ecr('123456789012'), ecr('998877665544', 'us-east-1')], 'AWS', ECR_TOKEN, [PREFLIGHT.differentServices]],
  [[...ECR, 'public.ecr.aws'], 'AWS', ECR_TOKEN, [PREFLIGHT.differentServices]],
  [['registry.example.com', 'quay.io', 'ghcr.io'], 'octocat', '0123456789abcdef', [PREFLIGHT.differentServices]],
  // Each registry is checked, and each notice is shown once.
  [['ghcr.io', 'docker.io', 'quay.io'], 'octocat', GITHUB_TOKEN, [PREFLIGHT.tokenOfOtherService, PREFLIGHT.differentServices]],
  [['ghcr.io:443', 'ghcr.io'], 'octocat', GITHUB_TOKEN, [PREFLIGHT.port]],
];

describe('each registry is checked before the first request', () => {
  for (const [registries, username, access_token, notices] of NOTICES) {
    test(registries.join(', '), async (t) => {
      const testEnv = await createTestEnv(t, { agent: { docker: ['sh', '-c', 'exit 0'] } });
      const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ registry_url: registries.join(), username, access_token }) });
      assert.deepEqual([main.code, titles(main)], [0, notices.map(() => ['notice', TITLES.checkCredential])], main.stdout);
      assert.deepEqual(main.annotations.map(({ message }) => message), notices);
      assert.deepEqual(testEnv.reoclo.requests.filter(isLogin).map(({ body }) => body.registry_url), registries);
      assert.equal(main.outputs.registry_url, registries.join('\n'));
      await testEnv.runPost(main);
      assert.deepEqual(testEnv.reoclo.audit.slice(registries.length).map(({ registry_url }) => registry_url), registries);
    });
  }

  test('a credential that one registry cannot accept is one error', async (t) => {
    const testEnv = await createTestEnv(t);
    const inputs = testEnv.inputs.passthrough({ registry_url: ['registry.example.com', ...ECR].join(), username: 'aws' });
    const main = await testEnv.run('main', { inputs });
    assert.deepEqual([main.code, main.annotations.map(({ message }) => message)], [1, [withFix(PREFLIGHT.ecrUsername, FIX.inputs)]]);
    assert.deepEqual(testEnv.reoclo.requests, []);
  });
});

const TOKEN = 'hunter22-0123456789abcdef';
const AUTH = base64(`bob:${TOKEN}`);
const CONFIG = JSON.stringify({ auths: { 'ghcr.io': { auth: AUTH, email: 'bob@example.com' } }, credsStore: 'desktop' }, null, 2);
const KEY = JSON.stringify({ type: 'service_account', private_key: '-----BEGIN KEY-----\nabcdefgh\n', client_email: 'a@b.example' });

// what is pasted → username, token, error, the secrets in it
const PASTED = {
  'username and token': ['bob', `bob:${TOKEN}`, PREFLIGHT.pastedPair, [TOKEN]],
  'an auth value': ['bob', AUTH, PREFLIGHT.pastedAuth, [TOKEN]],
  'an auth value in several lines': ['bob', `${AUTH.slice(0, 20)}\n${AUTH.slice(20)}\n`, PREFLIGHT.pastedAuth, [TOKEN]],
  'an auth value without padding': ['bob', AUTH.replaceAll('=', ''), PREFLIGHT.pastedAuth, [TOKEN]],
  'an auth value with a service account key': ['_json_key', base64(`_json_key:${KEY}`), PREFLIGHT.pastedAuth, [KEY, 'abcdefgh']],
  'an authorizationToken for a mirror': ['AWS', base64(`AWS:${ECR_TOKEN}`), PREFLIGHT.authorizationToken, [ECR_TOKEN]],
  'a config.json': ['bob', CONFIG, PREFLIGHT.pastedConfig, [TOKEN, AUTH]],
  'a config.json of another user': ['alice', CONFIG, PREFLIGHT.pastedConfig, [TOKEN, AUTH]],
  'a config.json in base64': ['bob', base64(CONFIG), PREFLIGHT.pastedConfig, [TOKEN, AUTH]],
  'a config.json with an identity token': [
    'bob',
    JSON.stringify({ auths: { 'my.azurecr.io': { auth: base64('0000:'), identitytoken: TOKEN } } }),
    PREFLIGHT.pastedConfig,
    [TOKEN],
  ],
};

describe('a credential of another format is one error', () => {
  for (const [what, [username, access_token, message, secrets]] of Object.entries(PASTED)) {
    test(what, async (t) => {
      const testEnv = await createTestEnv(t);
      const { host } = testEnv.registry;
      const inputs = testEnv.inputs.passthrough({ username, access_token, registry_url: `${host}, registry.example.com` });
      const main = await testEnv.run('main', { inputs });
      assert.deepEqual([main.code, titles(main)], [1, [['error', TITLES.invalidInputs]]], main.stdout);
      assert.equal(main.annotations[0].message, withFix(message, FIX.inputs));
      assert.deepEqual([testEnv.reoclo.requests, main.state, main.log], [[], {}, []]);
      await testEnv.assertNoLeaks(main, secrets);
      const masks = masksOf(main);
      for (const secret of secrets) assert.ok(masks.includes(secret), `${secret} is not masked`);
      assert.ok(masks.length < 60, `${masks.length} masks`);
    });
  }
});

// Tokens that look like these formats, but may be valid.
const VALID = [
  ['bob', 'Bob:0123456789'],
  ['bob', `alice:${TOKEN}`],
  ['alice', AUTH],
  ['acme+robot', 'acme:robot:0123456789'],
  // Node skips the exclamation mark.
  ['bob', `${AUTH.slice(0, 8)}!${AUTH.slice(8)}`],
  ['bob', JSON.stringify({ auth: AUTH })],
  ['bob', JSON.stringify({ auths: {} }).slice(0, -1)],
];

describe('a token that may be valid is sent', () => {
  for (const [username, access_token] of VALID) {
    test(`${username}, ${access_token.slice(0, 16)}…`, async (t) => {
      const testEnv = await createTestEnv(t, { agent: { docker: ['sh', '-c', 'exit 0'] } });
      const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ username, access_token }) });
      assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
      assert.equal(testEnv.reoclo.requests[0].body.access_token, access_token);
    });
  }
});
