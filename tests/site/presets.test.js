// Every workflow that the page writes: each platform with each mode, registry and source of the token. actionlint has no
// finding, and the action logs in with exactly its inputs. docker is replaced, since these registries are not available here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { loadCore } from '../../site/core.js';
import { createTestEnv } from '../env/test-env.js';

const ROOT = join(import.meta.dirname, '../..');
const ACTIONLINT = join(ROOT, '.tools/bin/actionlint');
const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const { inputs: INPUTS } = parse(read('action.yml'));
const write = await loadCore();

const PLATFORMS = ['github', 'ghes', 'gitea', 'forgejo'];
const REGISTRIES = write({ mode: 'passthrough' }).fields.registry.options.map(({ value }) => value);

// Tokens as the services issue them.
const base64 = (text) => Buffer.from(text).toString('base64');
const KEY = JSON.stringify({ type: 'service_account', private_key: '-----BEGIN KEY-----\nabcdefgh\n', client_email: 'a@b.example' });
const ECR_TOKEN = base64('{"payload":"0123456789"}'.repeat(60));
const TOKENS = {
  'docker_hub secret': 'dckr_pat_0123456789',
  'ghcr job': 'ghs_0123456789',
  'ghcr secret': 'ghp_0123456789',
  'ecr oidc': ECR_TOKEN,
  'ecr keys': ECR_TOKEN,
  'ecr_public oidc': ECR_TOKEN,
  'ecr_public keys': ECR_TOKEN,
  'artifact_registry oidc': 'ya29.0123456789',
  'artifact_registry secret': KEY,
  'acr oidc': 'eyJhbGciOi.eyJqdGkiOi.c2lnbmF0dXJl',
  'acr secret': 'abc~0123456789',
  'harbor secret': 'robot-secret-0123',
  'quay secret': '0123456789abcdef',
  'gitlab secret': 'glpat-0123456789',
  'digitalocean secret': 'dop_v1_0123456789',
  'other secret': 'hunter22-hunter22',
};

// The address of the stand-in is a variable, as that of a self-hosted instance is.
const common = { api_url: 'vars.REOCLO_URL', job_summary: 'true' };
const pages = PLATFORMS.flatMap((platform) => [
  { name: `${platform}, vault`, token: '', form: { ...common, platform, credential_id: REGISTRIES.map((id) => `vars.${id}`).join('\n') } },
  ...REGISTRIES.flatMap((registry) => {
    const form = { ...common, mode: 'passthrough', platform, registry };
    return write(form).fields.source.options.map(({ value: source }) => ({
      name: `${platform}, passthrough, ${registry}, ${source}`,
      token: `${registry} ${source}`,
      form: { ...form, source },
    }));
  }),
]).map((page) => ({ ...page, ...write(page.form) }));

// What else a workflow can contain. Not run: these files, proxies and clouds are not here.
const others = PLATFORMS.flatMap((platform) =>
  [
    { ca_certificate: 'certs/internal-ca.pem', proxy: 'http://proxy.example.com:3128' },
    { runs_on: 'self-hosted, linux, vars.RUNNER', api_url: 'REOCLO_URL', proxy: 'secrets.PROXY' },
    ...[
      ['acr', 'acme.azurecr.cn'],
      ['ecr', '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn'],
    ].map(([registry, registry_url]) => ({ mode: 'passthrough', registry, registry_url })),
  ].map((form) => ({ name: `${platform}, ${JSON.stringify(form)}`, form: { platform, ...form }, ...write({ platform, ...form }) })),
);
const all = [...pages, ...others];

/** The step of the action. */
const loginOf = ({ workflow }) => parse(workflow).jobs.deploy.steps.at(-1);

test('every registry has workflows on every platform', () => {
  assert.equal(REGISTRIES.length, 11);
  for (const platform of PLATFORMS) {
    for (const registry of REGISTRIES) {
      assert.ok(pages.some(({ name }) => name.startsWith(`${platform}, passthrough, ${registry}, `)), `${platform} ${registry}`);
    }
  }
  assert.deepEqual([...new Set(pages.map(({ token }) => token))].filter(Boolean).toSorted(), Object.keys(TOKENS).toSorted());
});

test('no workflow has a problem', () => {
  assert.deepEqual(all.flatMap(({ name, problems }) => problems.map((problem) => [name, problem])), []);
});

const why = existsSync(ACTIONLINT) || process.env.REQUIRE_LINTERS === '1' ? false : 'actionlint is not installed: tests/lint/install.sh';

test('actionlint finds nothing', { skip: why }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'docker-auth-site-'));
  t.after(() => rmSync(folder, { recursive: true }));
  // Forgejo's usual label.
  writeFileSync(join(folder, 'actionlint.yaml'), 'self-hosted-runner:\n  labels: [docker]\n');
  const pinned = all.map((page) => ({ ...page, ...write({ ...page.form, pin: 'commit', commit: '0123456789abcdef0123456789abcdef01234567' }) }));
  const files = [...all, ...pinned].map(({ workflow }, i) => {
    writeFileSync(join(folder, `${i}.yml`), workflow);
    return `${i}.yml`;
  });
  // Gitea and Forgejo take actions from URLs, which actionlint does not know.
  const args = ['-no-color', '-shellcheck=', '-pyflakes=', '-config-file', 'actionlint.yaml', '-ignore', 'specifying action "https://[^"]+" in invalid format'];
  const { stdout, stderr, status } = spawnSync(ACTIONLINT, [...args, ...files], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
  t.diagnostic(`${files.length} workflows`);
});

test('third-party actions have the pins of the documents', () => {
  const pins = (text) => new Set([...text.matchAll(/uses: (?:https:\/\/github\.com\/)?((?!reoclo|https)\S+@\S+ # \S+)/g)].map(([, pin]) => pin));
  const used = pins(all.map(({ workflow }) => workflow).join(''));
  const documented = pins(read('docs/registries.md') + read('docs/self-hosted.md'));
  assert.equal(used.size, 4);
  assert.deepEqual([...used].filter((pin) => !documented.has(pin)), []);
});

test('inputs are those of action.yml', () => {
  for (const page of all) {
    assert.deepEqual(Object.keys(loginOf(page).with).filter((name) => !Object.hasOwn(INPUTS, name)), [], page.name);
  }
});

test('the listed secrets and variables are those of the workflow', () => {
  for (const { name, workflow, stored, commands } of all) {
    const used = new Set([...workflow.matchAll(/\b(secrets|vars)\.(\w+)/g)].map(([, kind, id]) => `${kind === 'vars' ? 'variable' : 'secret'} ${id}`));
    used.delete('secret GITHUB_TOKEN');
    assert.deepEqual(stored.map(({ kind, name: id }) => `${kind} ${id}`).toSorted(), [...used].toSorted(), name);
    for (const { name: id } of stored) assert.match(commands, new RegExp(` ${id}\\b`), name);
  }
});

describe('the action logs in', () => {
  let testEnv;
  before(async () => (testEnv = await createTestEnv(undefined, { agent: { docker: ['sh', '-c', 'cat >/dev/null; echo Login Succeeded'] } })));
  after(() => testEnv.close());

  for (const page of pages) {
    test(page.name, async () => {
      const { with: given } = loginOf(page);
      const example = (field) => page.fields[field].placeholder;
      const values = { REOCLO_API_KEY: testEnv.apiKey, REOCLO_URL: testEnv.reoclo.url, REOCLO_SERVER_ID: testEnv.server.id };
      for (const { name, kind } of page.stored) {
        if (page.form.mode !== 'passthrough' && REGISTRIES.includes(name)) {
          const registry_url = write({ mode: 'passthrough', registry: name }).fields.registry_url.placeholder;
          values[name] ??= testEnv.addCredential({ registry_url });
        } else if (name.endsWith('_USERNAME')) values[name] ??= example('username');
        else if (name.endsWith('_HOST')) values[name] ??= example('registry_url');
        else if (kind === 'secret') values[name] ??= TOKENS[page.token];
      }
      const expressions = { 'github.actor': 'octocat', 'secrets.GITHUB_TOKEN': TOKENS[page.token], 'steps.token.outputs.token': TOKENS[page.token], 'steps.token.outputs.access_token': TOKENS[page.token] };
      const fill = (text) => text.replace(/\$\{\{ (\S+) \}\}/g, (_, path) => expressions[path] ?? values[path.replace(/^(secrets|vars)\./, '')] ?? assert.fail(path));
      const inputs = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, fill(value)]));

      const already = testEnv.reoclo.audit.length;
      const main = await testEnv.run('main', { inputs });
      // Neither warnings nor notices.
      assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
      const logins = testEnv.reoclo.audit.slice(already).filter(({ action }) => action === 'registry_login');
      const isVault = page.form.mode !== 'passthrough';
      const hosts = isVault ? REGISTRIES.map((id) => write({ mode: 'passthrough', registry: id }).fields.registry_url.placeholder) : [example('registry_url')];
      assert.deepEqual(logins.map(({ outcome, registry_url, auth_mode }) => [outcome, registry_url, auth_mode]), hosts.map((host) => ['completed', host, isVault ? 'vault' : 'passthrough']));
      if (!isVault) {
        const { body } = testEnv.reoclo.requests.findLast(({ path }) => path.endsWith('/registry-auth/login-direct'));
        assert.deepEqual([body.username, body.access_token], [inputs.username, TOKENS[page.token]]);
      }
    });
  }
});
