// The SBOM is valid CycloneDX and lists what is in dist/.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import Ajv from 'ajv';
import { noticeTitles } from './check.js';

const ROOT = join(import.meta.dirname, '../..');
const SCHEMAS = join(dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json')), 'res/schema');
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const manifest = readJson(join(ROOT, 'package.json'));

const FILE = 'target/sbom.cdx.json';
/** Runs what `make sbom` runs; returns the text that it writes. */
function makeSbom() {
  execFileSync(process.execPath, ['js/sbom.js', FILE], { cwd: ROOT });
  return readFileSync(join(ROOT, FILE), 'utf8');
}

let text;
let sbom;
before(() => {
  text = makeSbom();
  sbom = JSON.parse(text);
});

test('the SBOM is valid CycloneDX', () => {
  // The only formats in the SBOM are URLs, which the next test parses.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs'].map((schema) => `${schema}.SNAPSHOT.schema.json`)) {
    ajv.addSchema(readJson(join(SCHEMAS, name)), `http://cyclonedx.org/schema/${name}`);
  }
  const validate = ajv.compile(readJson(join(SCHEMAS, 'bom-1.6.SNAPSHOT.schema.json')));
  assert.ok(validate(sbom), ajv.errorsText(validate.errors));
  // It would accept everything if it had found no rules.
  assert.equal(validate({ ...sbom, components: [{ name: 'no type' }] }), false);
});

test('every component has a version, a license, a package URL and an https repository', () => {
  for (const { name, version, licenses, purl, externalReferences } of sbom.components) {
    assert.match(version, /^\d+\.\d+\.\d+/, name);
    assert.match(purl, /^pkg:(cargo|npm|generic)\/[^@]+@[^@]+$/, name);
    assert.equal(licenses.length, 1, name);
    assert.equal(new URL(externalReferences[0].url).protocol, 'https:', name);
  }
});

test('the SBOM lists what dist/licenses.txt lists', () => {
  const components = sbom.components.map(({ group, name, version, licenses: [{ license, expression }] }) => {
    if (name === 'rust') return `Rust standard library (${expression})`;
    return `${group ? `${group}/` : ''}${name} ${version} (${license?.id ?? expression})`;
  });
  const notices = noticeTitles(readFileSync(join(ROOT, 'dist/licenses.txt'), 'utf8'));
  assert.deepEqual(components.sort(), notices.map(({ title, license }) => `${title} (${license})`).sort());
});

test('the SBOM is the same each time', () => {
  assert.equal(makeSbom(), text);
  assert.deepEqual([sbom.serialNumber, sbom.metadata.timestamp], [undefined, undefined]);
  assert.ok(!text.includes(ROOT), 'it contains a path of this machine');
});

test('the SBOM is that of the action, which requires every component', () => {
  const { purl, version } = sbom.metadata.component;
  assert.deepEqual([purl, version], [`pkg:github/reoclo/docker-auth@v${manifest.version}`, manifest.version]);

  const requires = new Map(sbom.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
  const reached = new Set([purl]);
  for (const ref of reached) requires.get(ref).forEach((other) => reached.add(other));
  assert.deepEqual([...reached].sort(), [purl, ...sbom.components.map((component) => component.purl)].sort());
});
