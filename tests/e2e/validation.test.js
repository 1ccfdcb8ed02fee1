// Invalid inputs: one error with the remedy, exit code 1, no request, and no output in post.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { FIX, INPUTS, TITLES, WARNINGS, withFix } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

const ID = '0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11';
const OTHER = ID.replace('0b', '1b');
const uuids = (n) => Array.from({ length: n }, () => randomUUID()).join('\n');

// what is invalid → mode, changed inputs, the error
const MATRIX = {
  'an empty key': ['vault', { api_key: '' }, INPUTS.apiKeyRequired],
  'an integration key': ['vault', { api_key: 'rk_t_abcdefgh' }, INPUTS.apiKeyOfIntegration],
  'a machine user key': ['vault', { api_key: 'rk_m_abcdefgh' }, INPUTS.apiKeyOfMachineUser],
  'some other token as key': ['vault', { api_key: 'ghp_abcdefgh' }, INPUTS.apiKeyOther],
  'a key with a line break inside': ['vault', { api_key: 'rca_abc\ndef' }, INPUTS.apiKeyTruncated],
  'no server': ['vault', { server_id: '' }, INPUTS.serverRequired],
  'a server name for an id': ['vault', { server_id: 'web-1' }, INPUTS.notUuid('server_id')],
  'a path for a server id': ['vault', { server_id: '../operations/x' }, INPUTS.notUuid('server_id')],
  'a credential name for an id': ['vault', { credential_id: 'my-ghcr' }, INPUTS.notUuid('credential_id')],
  'a list with nothing in it': ['vault', { server_id: '# none\n ,\n' }, INPUTS.serverRequired],
  'a list with a name in it': ['vault', { server_id: `# web\n${ID},\n${OTHER} , web-1 # hunter22\n${ID}` }, INPUTS.entryNotUuid('server_id', 3)],
  'a list with two names in it': ['vault', { credential_id: `hunter22\n${ID}\nhunter22-2` }, INPUTS.entriesNotUuids('credential_id', '1 and 3')],
  'two ids without a comma': ['vault', { server_id: `${ID} ${OTHER}` }, INPUTS.notOneUuid('server_id')],
  'ids as JSON': ['vault', { server_id: JSON.stringify([ID, OTHER]) }, INPUTS.entriesNotSingleUuids('server_id', '1 and 2')],
  'a list of credentials with nothing in it': ['vault', { credential_id: '# none yet' }, INPUTS.noMode],
  'more logins than a step takes': ['vault', { server_id: uuids(11), credential_id: uuids(10) }, INPUTS.tooManyLogins(110, ' (11 servers, 10 credentials)')],
  'more servers than a step takes': ['passthrough', { server_id: uuids(101) }, INPUTS.tooManyLogins(101)],
  'more credentials than a step takes': ['vault', { credential_id: uuids(101) }, INPUTS.tooManyLogins(101, '', 'credential_id')],
  'an if_missing that is neither': ['vault', { if_missing: 'Skip' }, INPUTS.ifMissing],
  'a boolean for if_missing': ['vault', { if_missing: 'true' }, INPUTS.ifMissing],
  'a job_summary that is no boolean': ['vault', { job_summary: 'yes' }, INPUTS.jobSummary],
  'both modes': ['passthrough', { credential_id: ID }, INPUTS.exclusive('username, access_token and registry_url')],
  'vault with one passthrough field': ['vault', { registry_url: 'ghcr.io' }, INPUTS.exclusive('registry_url')],
  'neither mode': ['vault', { credential_id: '' }, INPUTS.noMode],
  'no username': ['passthrough', { username: '' }, `${INPUTS.missing('username', 'username is')}.`],
  'no token': ['passthrough', { access_token: ' \n' }, `${INPUTS.missing('access_token', 'access_token is')}. ${INPUTS.emptySecrets}.`],
  'no registry': ['passthrough', { registry_url: '' }, `${INPUTS.missing('registry_url', 'registry_url is')}.`],
  'only a username': ['passthrough', { access_token: '', registry_url: '' }, `${INPUTS.missing('access_token', 'access_token and registry_url are')}. ${INPUTS.emptySecrets}.`],
  'a registry with whitespace': ['passthrough', { registry_url: 'ghcr.io my-org' }, INPUTS.registryUrl(INPUTS.flaws.whitespace)],
  'a registry without a host': ['passthrough', { registry_url: 'https:///v2/' }, INPUTS.registryUrl(INPUTS.flaws.noHost)],
  'a registry with a password in it': ['passthrough', { registry_url: 'https://user:hunter22@ghcr.io' }, INPUTS.registryUrl(INPUTS.flaws.credentials)],
  'a registry that is an option of docker': ['passthrough', { registry_url: '--help' }, INPUTS.registryUrl(INPUTS.flaws.hyphen)],
  'an api_url that is no IPv4 address': ['vault', { api_url: 'https://1.2.3.256' }, INPUTS.apiUrl(INPUTS.flaws.notIpv4)],
  'a registry with a bad port': ['passthrough', { registry_url: 'ghcr.io:https' }, INPUTS.registryUrl(INPUTS.flaws.port)],
  'a cleanup that is no boolean': ['vault', { cleanup: 'yes' }, INPUTS.cleanup],
  'a relative api_url': ['vault', { api_url: 'api.reoclo.com' }, INPUTS.apiUrl(INPUTS.flaws.notAbsolute)],
  'an api_url of another scheme': ['vault', { api_url: 'ftp://api.reoclo.com' }, INPUTS.apiUrl(INPUTS.flaws.notAbsolute)],
  'an api_url with a query': ['vault', { api_url: 'https://api.reoclo.com/?key=1' }, INPUTS.apiUrl(INPUTS.flaws.query)],
  'a timeout of zero': ['vault', { timeout: '0' }, INPUTS.timeout],
  'a timeout with a unit': ['vault', { timeout: '10m' }, INPUTS.timeout],
};

let testEnv;
before(async () => (testEnv = await createTestEnv()));
after(() => testEnv.close());

for (const [what, [mode, different, message]] of Object.entries(MATRIX)) {
  test(`${what} is one error before any request`, async () => {
    const main = await testEnv.run('main', { inputs: testEnv.inputs[mode](different) });
    assert.equal(main.code, 1);
    assert.equal(main.stderr, '');
    assert.deepEqual(main.annotations.map(({ level, title }) => [level, title]), [['error', TITLES.invalidInputs]]);
    assert.equal(main.annotations[0].message, withFix(message, FIX.inputs));
    assert.doesNotMatch(main.stdout.replaceAll(/^::add-mask::.*$/gm, ''), /hunter22/);
    assert.deepEqual([main.log, main.state, main.outputs], [[], {}, { logins: '[]' }]);

    const post = await testEnv.runPost(main);
    assert.deepEqual([post.code, post.stdout, post.stderr], [0, '', '']);
    assert.deepEqual(testEnv.reoclo.requests, []);
  });
}

test('several invalid inputs are one error', async () => {
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ server_id: 'x', cleanup: 'maybe', timeout: '-1' }) });
  assert.equal(main.annotations.length, 1);
  const errors = [INPUTS.notUuid('server_id'), INPUTS.cleanup, INPUTS.timeout].join(' ');
  assert.equal(main.annotations[0].message, withFix(errors, FIX.inputs));
});

test('warns of plain http except on loopback', async () => {
  const inputs = testEnv.inputs.vault({ api_url: 'http://reoclo.invalid', timeout: '1' });
  const main = await testEnv.run('main', { inputs });
  assert.deepEqual(main.annotations.map(({ level }) => level), ['warning', 'error']);
  assert.equal(main.annotations[0].title, TITLES.plainHttp);
  assert.equal(main.annotations[0].message, WARNINGS.plainHttp('reoclo.invalid'));
});
