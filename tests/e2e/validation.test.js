// Every bad input: one error that names it and says how to mend it, exit code 1, no request, a silent post step.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createWorld } from '../env/test-env.js';

const ID = '0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11';
const OTHER = ID.replace('0b', '1b');
const uuids = (n) => Array.from({ length: n }, () => randomUUID()).join('\n');

// what is wrong → mode, inputs that differ from good ones, what the message must say
const MATRIX = {
  'an empty key': ['vault', { api_key: '' }, /api_key is required.*fork.*Dependabot/],
  'an integration key': ['vault', { api_key: 'rk_t_abcdefgh' }, /api_key is an integration key/],
  'a machine user key': ['vault', { api_key: 'rk_m_abcdefgh' }, /api_key is a machine user's key/],
  'some other token as key': ['vault', { api_key: 'ghp_abcdefgh' }, /api_key is not an automation key.*rca_, rss_ or rk_a_/],
  'a key with a line break inside': ['vault', { api_key: 'rca_abc\ndef' }, /api_key is cut off or has white space/],
  'no server': ['vault', { server_id: '' }, /server_id is required/],
  'a server name for an id': ['vault', { server_id: 'web-1' }, /server_id is not a UUID/],
  'a path for a server id': ['vault', { server_id: '../operations/x' }, /server_id is not a UUID/],
  'a credential name for an id': ['vault', { credential_id: 'my-ghcr' }, /credential_id is not a UUID/],
  'a list with nothing in it': ['vault', { server_id: '# none\n ,\n' }, /server_id is required/],
  'a list with a name in it': ['vault', { server_id: `# web\n${ID},\n${OTHER} , web-1 # hunter22\n${ID}` }, /server_id entry 3 is not a UUID/],
  'a list with two names in it': ['vault', { credential_id: `hunter22\n${ID}\nhunter22-2` }, /credential_id entries 1 and 3 are not UUIDs/],
  'two ids without a comma': ['vault', { server_id: `${ID} ${OTHER}` }, /server_id is not a UUID .*: put each id on a line of its own or commas between them/],
  'ids as JSON': ['vault', { server_id: JSON.stringify([ID, OTHER]) }, /server_id entries 1 and 2 are not UUIDs .*: put each id on a line of its own/],
  'a list of credentials with nothing in it': ['vault', { credential_id: '# none yet' }, /either credential_id.*or username, access_token and registry_url/],
  'more logins than a step takes': ['vault', { server_id: uuids(11), credential_id: uuids(10) }, /server_id asks for 110 logins \(11 servers, 10 credentials\), and one step takes 100 at most, so that its post step .* within 45 s/],
  'more servers than a step takes': ['passthrough', { server_id: uuids(101) }, /server_id asks for 101 logins, and one step takes 100 at most/],
  'an if_missing that is neither': ['vault', { if_missing: 'Skip' }, /if_missing is neither 'fail' nor 'skip'/],
  'a boolean for if_missing': ['vault', { if_missing: 'true' }, /if_missing is neither 'fail' nor 'skip'/],
  'a job_summary that is no boolean': ['vault', { job_summary: 'yes' }, /job_summary is not a YAML boolean/],
  'both modes': ['passthrough', { credential_id: ID }, /credential_id and username, access_token and registry_url are mutually exclusive/],
  'vault with one passthrough field': ['vault', { registry_url: 'ghcr.io' }, /credential_id and registry_url are mutually exclusive/],
  'neither mode': ['vault', { credential_id: '' }, /either credential_id.*or username, access_token and registry_url/],
  'no user name': ['passthrough', { username: '' }, /username is missing/],
  'no token': ['passthrough', { access_token: ' \n' }, /access_token is missing/],
  'no registry': ['passthrough', { registry_url: '' }, /registry_url is missing/],
  'only a user name': ['passthrough', { access_token: '', registry_url: '' }, /access_token and registry_url are empty/],
  'a registry with white space': ['passthrough', { registry_url: 'ghcr.io my-org' }, /registry_url has white space inside/],
  'a registry without a host': ['passthrough', { registry_url: 'https:///v2/' }, /registry_url has no host/],
  'a registry with a password in it': ['passthrough', { registry_url: 'https://user:hunter22@ghcr.io' }, /registry_url carries a user name or password/],
  'a registry that is an option of docker': ['passthrough', { registry_url: '--help' }, /registry_url has a host name with a part that begins/],
  'an api_url that is no IPv4 address': ['vault', { api_url: 'https://1.2.3.256' }, /api_url has a host that ends in a number/],
  'a registry with a bad port': ['passthrough', { registry_url: 'ghcr.io:https' }, /registry_url has a port/],
  'a cleanup that is no boolean': ['vault', { cleanup: 'yes' }, /cleanup is not a YAML boolean/],
  'a relative api_url': ['vault', { api_url: 'api.reoclo.com' }, /api_url is not an absolute http\(s\) URL/],
  'an api_url of another scheme': ['vault', { api_url: 'ftp://api.reoclo.com' }, /api_url is not an absolute http\(s\) URL/],
  'an api_url with a query': ['vault', { api_url: 'https://api.reoclo.com/?key=1' }, /api_url has a query/],
  'a timeout of zero': ['vault', { timeout: '0' }, /timeout is not a whole number of seconds/],
  'a timeout with a unit': ['vault', { timeout: '10m' }, /timeout is not a whole number of seconds/],
};

let world;
before(async () => (world = await createWorld()));
after(() => world.close());

for (const [what, [mode, different, message]] of Object.entries(MATRIX)) {
  test(`${what} is refused before anything is sent`, async () => {
    const main = await world.run('main', { inputs: world.inputs[mode](different) });
    assert.equal(main.code, 1);
    assert.equal(main.stderr, '');
    assert.deepEqual(main.annotations.map(({ level, title }) => [level, title]), [['error', 'Bad input']]);
    assert.match(main.annotations[0].message, message);
    assert.doesNotMatch(main.stdout.replaceAll(/^::add-mask::.*$/gm, ''), /hunter22/);
    assert.deepEqual([main.log, main.state, main.outputs], [[], {}, { logins: '[]' }]);

    const post = await world.runPost(main);
    assert.deepEqual([post.code, post.stdout, post.stderr], [0, '', '']);
    assert.deepEqual(world.reoclo.requests, []);
  });
}

test('several bad inputs are told in one error', async () => {
  const main = await world.run('main', { inputs: world.inputs.vault({ server_id: 'x', cleanup: 'maybe', timeout: '-1' }) });
  assert.equal(main.annotations.length, 1);
  assert.match(main.annotations[0].message, /server_id .* cleanup .* timeout /);
});

test('plain http to anything but loopback is a warning', async () => {
  const inputs = world.inputs.vault({ api_url: 'http://reoclo.invalid', timeout: '1' });
  const main = await world.run('main', { inputs });
  assert.deepEqual(main.annotations.map(({ level }) => level), ['warning', 'error']);
  assert.match(main.annotations[0].message, /plain http to reoclo\.invalid: use https/);
});
