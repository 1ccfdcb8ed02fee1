// action.yml is the contract of v2.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';

const read = (path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const manifest = parse(await read('action.yml'));

test('action.yml declares all inputs and outputs of v2', () => {
  const inputs = Object.entries(manifest.inputs).map(([name, { required, default: value }]) => [name, required, value]);
  assert.deepEqual(inputs, [
    ['api_key', true, undefined],
    ['server_id', true, undefined],
    ['credential_id', false, undefined],
    ['username', false, undefined],
    ['access_token', false, undefined],
    ['registry_url', false, undefined],
    ['cleanup', false, 'true'],
    ['api_url', false, 'https://api.reoclo.com'],
    ['timeout', false, '600'],
    ['ca_certificate', false, undefined],
    ['if_missing', false, 'fail'],
    ['job_summary', false, 'false'],
  ]);
  assert.deepEqual(Object.keys(manifest.outputs), ['operation_id', 'registry_url', 'registry_type', 'logins']);
});

test('runs on node20 with an unconditional post step', () => {
  const { using, 'post-if': condition } = manifest.runs;
  assert.deepEqual([using, condition], ['node20', undefined]);
});

test('all manifests and lock files have one version', async () => {
  const { version } = JSON.parse(await read('package.json'));
  assert.match(await read('Cargo.toml'), new RegExp(`^version = "${version}"$`, 'm'));
  assert.match(await read('Cargo.lock'), new RegExp(`name = "reoclo-docker-auth"\nversion = "${version}"`));
  assert.equal(JSON.parse(await read('package-lock.json')).version, version);
});
