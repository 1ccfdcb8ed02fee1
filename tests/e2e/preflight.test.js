// A passthrough credential that cannot work is an error before any request; a suspicious one is a notice; a failed login
// gets the remedy of its registry. docker is replaced, since these registries are not available here.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ERRORS, exactly, FIX, PREFLIGHT, TITLES, withFix } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

const base64 = (text) => Buffer.from(text).toString('base64');

const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const GOOGLE = 'europe-docker.pkg.dev';
const KEY = JSON.stringify({ type: 'service_account', private_key: '-----BEGIN KEY-----\nabcdefgh\n', client_email: 'a@b.example' }, null, 2);
const PAT = 'dckr_pat_0123456789';
const ECR_TOKEN = base64('{"payload":"0123456789"}'.repeat(60));

// registry, username, token, error
const INVALID = [
  [ECR, 'aws', ECR_TOKEN, PREFLIGHT.ecrUsername],
  [ECR, 'AWS', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', PREFLIGHT.awsKey],
  [ECR, 'AWS', base64(`AWS:${ECR_TOKEN}`), PREFLIGHT.authorizationToken],
  ['public.ecr.aws', 'AWS', 'AKIAIOSFODNN7EXAMPLE', PREFLIGHT.awsKey],
  [GOOGLE, '_json_key', base64(KEY), PREFLIGHT.keyInBase64],
  [GOOGLE, '_json_key', KEY.slice(0, -9), PREFLIGHT.keyTruncated],
  [GOOGLE, '_json_key_base64', KEY, PREFLIGHT.keyNotBase64],
  [GOOGLE, '_json_key_base64', 'not-base64-of-a-key', PREFLIGHT.notKeyInBase64],
  ['eu.gcr.io', '_json_key', '{"client_email":"a@b.example"}', PREFLIGHT.keyWithoutPrivateKey],
  ['gcr.io', 'oauth2accesstoken', KEY, PREFLIGHT.keyAsAccessToken],
];

// registry, username, token, notice
const SUSPICIOUS = [
  ['registry-1.docker.io', 'bob', PAT, PREFLIGHT.dockerHubHost],
  ['docker.io', 'bob', 'hunter22-hunter22', PREFLIGHT.password],
  ['docker.io', 'bob', 'ghp_0123456789', PREFLIGHT.tokenOfOtherService],
  ['ghcr.io', 'bob', 'github_pat_0123456789', PREFLIGHT.fineGrainedToken],
  ['ghcr.io:443', 'bob', 'ghp_0123456789', PREFLIGHT.port],
  ['public.ecr.aws', 'aws', ECR_TOKEN, PREFLIGHT.ecrPublicUsername],
  [GOOGLE, 'bob', 'ya29.0123456789', PREFLIGHT.googleUsername],
  [GOOGLE, '_json_key', KEY.replace('\\n', '\n'), PREFLIGHT.keyInvalidJson],
  ['my.azurecr.io', '00000000-0000-0000-0000-000000000000', 'abc~0123456789', PREFLIGHT.azureZeros],
  ['quay.io', 'oauthtoken', '0123456789abcdef', PREFLIGHT.quayDollar],
];

const VALID = [
  ['ghcr.io', 'octocat', 'ghs_0123456789'],
  ['https://GHCR.io/acme/', 'octocat', 'ghp_0123456789'],
  ['docker.io', 'bob', PAT],
  ['https://index.docker.io/v1/', 'bob', PAT],
  ['docker.io', 'bob@example.com', '0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11'],
  [ECR, 'AWS', ECR_TOKEN],
  [GOOGLE, '_json_key', KEY],
  [GOOGLE, '_json_key_base64', base64(KEY).replace(/.{76}/g, '$&\n')],
  ['gcr.io', 'oauth2accesstoken', 'ya29.0123456789'],
  ['my.azurecr.io', '0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11', 'abc~0123456789'],
  ['quay.io', 'acme+robot', '0123456789abcdef'],
  ['registry.gitlab.com', 'bob', 'glpat-0123456789'],
  ['registry.digitalocean.com', 'dop_v1_0123456789', 'dop_v1_0123456789'],
  ['harbor.example.com', 'robot$ci', 'ghp_0123456789'],
  // With a port it is another registry.
  ['ghcr.io:5000', 'aws', 'hunter22-hunter22'],
];

// registry, docker's output, remedy
const HINTS = [
  ['ghcr.io', 'denied: denied', FIX.ghcr],
  ['docker.io', 'unauthorized: incorrect username or password', FIX.dockerHub],
  ['docker.io', 'toomanyrequests: too many failed login attempts', FIX.dockerHubLockout],
  [ECR, '400 Bad Request', FIX.ecrRegion],
  [GOOGLE, 'denied: Permission denied', FIX.google],
  ['registry.gitlab.com', 'denied: access forbidden', FIX.gitlab],
  ['registry.example.com', 'denied: denied', FIX.credential],
];

const named = (registry, username, token) => `${registry}, ${username}, ${token.slice(0, 16).replace(/\s+/g, '')}…`;
const titles = ({ annotations }) => annotations.map(({ level, title }) => [level, title]);

/** A test environment for a group of tests, with a shell script for docker. */
function shellEnv(docker) {
  const group = {};
  before(async () => (group.testEnv = await createTestEnv(undefined, { agent: { docker: ['sh', '-c', docker] } })));
  after(() => group.testEnv.close());
  /** Runs main, which checks that the token does not leak. */
  group.run = async (registry_url, username, access_token) => {
    const { testEnv } = group;
    const earlier = testEnv.reoclo.requests.length;
    const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ registry_url, username, access_token }) });
    return { main, requests: testEnv.reoclo.requests.slice(earlier) };
  };
  return group;
}

describe('a credential that cannot work is one error', () => {
  const group = shellEnv('exit 0');
  for (const [registry, username, token, message] of INVALID) {
    test(named(registry, username, token), async () => {
      const { main, requests } = await group.run(registry, username, token);
      assert.deepEqual([main.code, titles(main), main.log, main.state], [1, [['error', TITLES.invalidInputs]], [], {}], main.stdout);
      assert.equal(main.annotations[0].message, withFix(message, FIX.inputs));
      assert.deepEqual(requests, []);
    });
  }
});

describe('a suspicious credential is one notice', () => {
  const group = shellEnv('exit 0');
  for (const [registry, username, token, message] of SUSPICIOUS) {
    test(named(registry, username, token), async () => {
      const { main, requests } = await group.run(registry, username, token);
      assert.deepEqual([main.code, titles(main)], [0, [['notice', TITLES.checkCredential]]], main.stdout);
      assert.equal(main.annotations[0].message, message);
      const { registry_url, username: sent, access_token } = requests[0].body;
      assert.deepEqual([registry_url, sent, access_token], [registry, username, token]);
    });
  }
});

describe('a common credential gets no notice', () => {
  const group = shellEnv('exit 0');
  for (const [registry, username, token] of VALID) {
    test(named(registry, username, token), async () => {
      const { main, requests } = await group.run(registry, username, token);
      assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
      assert.equal(requests[0].body.access_token, token);
    });
  }

  test('the notice is shown once for several servers', async (t) => {
    const testEnv = await createTestEnv(t, { servers: ['web-1', 'web-2', 'web-3'], agent: { docker: ['true'] } });
    const server_id = Object.values(testEnv.servers).map(({ id }) => id).join();
    const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ server_id, registry_url: 'docker.io' }) });
    assert.deepEqual([main.code, titles(main)], [0, [['notice', TITLES.checkCredential]]], main.stdout);
  });
});

describe('a failed login gets the remedy of its registry', () => {
  // The script prints its username as an error.
  const group = shellEnv('echo "Error response from daemon: $2" >&2; exit 1');
  for (const [registry_url, output, fix] of HINTS) {
    test(`${registry_url}: ${output}`, async () => {
      const { testEnv } = group;
      const credential_id = testEnv.addCredential({ registry_url, username: output });
      const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ credential_id }) });
      assert.deepEqual([main.code, titles(main)], [1, [['error', TITLES.dockerFailed]]], main.stdout);
      assert.match(main.annotations[0].message, exactly(withFix(ERRORS.docker(), fix)));
    });
  }
});
