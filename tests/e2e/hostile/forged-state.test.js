// A state that no main step has saved: an earlier step of a job can forge it by writing to the runner's files. Nothing
// dangerous reaches a logout request, and no step crashes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createScriptedEnv } from '../../env/scripted-env.js';
import { LOG, TITLES } from '../../env/messages.js';
import { UNDER_CONDITIONS } from '../../env/test-env.js';
import { REGISTRY, startScriptedApi } from '../../sandbox/scripted-api.js';

const ID = '0b8f3f3e-1111-4222-8333-444455556666';
const login = ({ server = ID, credential = '1', phase = 'ended', at = '0', certainty = 'certain', operation = '-', registry = REGISTRY, name = '-' }) =>
  [server, credential, phase, at, certainty, operation, registry, name].join(' ');
const forged = (field, values) => values.map((value) => ({ name: `${field} ${JSON.stringify(value).slice(0, 60)}`, state: { login_1: login({ [field]: value }) } }));

const OPTIONS = ['--help', '-h', '--config=/etc', '-', '--'];
const PATHS = ['../../x', '/etc/passwd', './x', '..', 'a/../../b', 'c:\\windows', '~/.docker', 'file:///etc/passwd'];
const SHELL = ['$(id)', '`id`', ';id', '|id', '&&id', '${IFS}', "'", '"', 'a\nb', 'a\r\nb', 'a\tb', 'a\0b'.replace('\0', '%00'), '::error::x', '##[error]x', '\u001b[31m'];
const HUGE = ['x'.repeat(60_000), `${'a.'.repeat(30_000)}com`];
const OTHER_VALUES = ['{"a":1}', '[]', 'null', 'undefined', '__proto__', 'NaN', '1e999', '🔑', '\u202eoi.rchg'];

const ROWS = [
  ...forged('registry', [...OPTIONS, ...PATHS, ...SHELL, ...HUGE, ...OTHER_VALUES, 'user:password@ghcr.io', 'https://ghcr.io', 'ghcr.io/path', 'ghcr.io:99999']),
  ...forged('server', [...OPTIONS, ...PATHS, ...SHELL, ...HUGE, ...OTHER_VALUES]),
  ...forged('operation', [...OPTIONS, ...PATHS, ...SHELL, ...HUGE, ...OTHER_VALUES, 'x?y', 'x#y', 'x%2f..%2fy', '.', '..']).map((row) => ({
    ...row,
    state: { login_1: row.state.login_1.replace(' ended ', ' running ') },
  })),
  ...forged('name', [...SHELL, ...HUGE, ...OTHER_VALUES, '| a | b |', '<script>', '[x](javascript:y)']),
  ...forged('at', ['-1', '99999999999999999999', '1e999', 'NaN', '0x10', '']).map((row) => ({ ...row, state: { login_1: row.state.login_1.replace(' ended ', ' requested ') } })),
  ...forged('credential', ['-1', '0', '18446744073709551616', 'x', '']),
  ...forged('phase', ['ENDED', 'x', '']),
  { name: 'an empty login', state: { login_1: ' ' } },
  { name: 'spaces only', state: { login_1: ' '.repeat(10) } },
  { name: 'JSON of another version', state: { login_1: '{"server_id":"x","registry_url":"y"}' } },
  { name: '100 logins and more', state: Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`login_${i + 1}`, login({})])) },
  { name: 'an API that is no URL', state: { login_1: login({}), api_url: 'javascript:alert(1)' } },
  { name: 'an API on a file', state: { login_1: login({}), api_url: 'file:///etc/passwd' } },
  { name: 'an API with credentials', state: { login_1: login({}), api_url: 'http://a:b@127.0.0.1:2' } },
  { name: 'a key with a line break', state: { login_1: login({}), api_key: 'rca_x\r\nx: y' } },
  { name: 'a certificate that is a device', state: { login_1: login({}), ca_certificate: '/dev/zero' } },
  { name: 'cleanup of another kind', state: { login_1: login({}), cleanup: '[object Object]' } },
];

// What a logout may contain. Instances may return registries with scheme and path.
const SAFE_REGISTRY = /^(https?:\/\/)?\w([\w.-]{0,250}\w)?(:\d{1,5})?(\/(?!\.)[\w.-]+)*\/?$/;
const SAFE_ID = /^(?!-)[A-Za-z0-9._-]{1,200}$/;
const SAFE_PATH = /^\/api\/automation\/v1\/(registry-auth\/logout|operations\/(?!\.{1,2}$)[A-Za-z0-9._~-]{1,200})$/;


describe('a forged state', { concurrency: 3 }, () => {
  let testEnv;
  before(async () => ({ testEnv } = await createScriptedEnv()));
  after(() => testEnv.close());

  for (const [i, { name, state }] of ROWS.entries()) {
    test(`${i + 1}: ${name}`, async (t) => {
      const api = await startScriptedApi();
      t.after(() => api.stop());
      const post = await testEnv.run('post', {
        inputs: testEnv.inputs.passthrough({ job_summary: 'true' }),
        state: { api_url: api.url, ...state },
        env: { TEST_RANDOM: '0', TEST_SPEED: '50' },
        nodeArgs: UNDER_CONDITIONS,
      });
      assert.deepEqual([post.code, post.stderr], [0, '']);
      assert.ok(!post.annotations.some(({ title }) => title === TITLES.internalError), post.stdout);
      assert.deepEqual(post.annotations.filter(({ level }) => level === 'error'), []);
      for (const { path } of api.requests) assert.match(path, SAFE_PATH);
      for (const { server_id, registry_url } of api.bodies('logout')) {
        assert.match(registry_url, SAFE_REGISTRY);
        assert.match(server_id, SAFE_ID);
      }
      assert.ok(api.count('logout') <= 1, `${api.count('logout')} logouts`);
    });
  }

  test('an unreadable login is a warning', async () => {
    const post = await testEnv.run('post', { inputs: testEnv.inputs.passthrough(), state: { login_1: login({ registry: '--help' }) } });
    assert.deepEqual(post.annotations.map(({ level }) => level), ['warning']);
  });

  test('a main step does not read the state', async (t) => {
    const api = await startScriptedApi();
    t.after(() => api.stop());
    const inputs = testEnv.inputs.passthrough({ api_url: api.url });
    const main = await testEnv.run('main', { inputs, state: { login_1: login({ registry: 'ghcr.io' }), api_url: 'http://127.0.0.1:2', cleanup: 'false' } });
    assert.equal(main.code, 0, main.stdout);
    assert.ok(main.stdout.includes(LOG.willLogOut));
  });
});
