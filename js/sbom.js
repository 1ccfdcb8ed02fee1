// `make sbom`: the software bill of materials of dist/, as CycloneDX JSON. The same sources give the same bytes: it has no
// timestamp and no serial number.
//
// The list is the one behind dist/licenses.txt, the format is CycloneDX's own library. The generators for one ecosystem
// (cargo-cyclonedx, cyclonedx-npm) each know half of dist/, and list packages that are installed but not in it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ComponentType, ExternalReferenceType, LifecyclePhase } from '@cyclonedx/cyclonedx-library/Enums';
import { Bom, Component, ExternalReference, LicenseExpression, Metadata, SpdxLicense } from '@cyclonedx/cyclonedx-library/Models';
import { JSON as FORMAT, JsonSerializer } from '@cyclonedx/cyclonedx-library/Serialize';
import { Spec1dot6 } from '@cyclonedx/cyclonedx-library/Spec';
import { bundle } from './bundle.js';
import { components } from './components.js';

const root = join(import.meta.dirname, '..');

/**
 * @param {object} manifest package.json of the action
 * @param {import('./components.js').Component[]} bundled
 * @returns {string} JSON
 */
export function sbom({ name, version, description, license, repository }, bundled) {
  const slug = repository.replace('github:', '');
  const purl = `pkg:github/${slug}@v${version}`;
  const action = toComponent(ComponentType.Application, { purl, name, version, license, repository: `https://github.com/${slug}` });
  action.description = description;
  const byPurl = new Map(bundled.map((component) => [component.purl, toComponent(ComponentType.Library, component)]));
  for (const { purl: user, isDirect, requires } of bundled) {
    if (isDirect) action.dependencies.add(byPurl.get(user).bomRef);
    for (const used of requires) byPurl.get(user).dependencies.add(byPurl.get(used).bomRef);
  }
  const metadata = new Metadata({ component: action });
  metadata.lifecycles.add(LifecyclePhase.Build);
  const bom = new Bom({ metadata });
  byPurl.forEach((component) => bom.components.add(component));
  return `${new JsonSerializer(new FORMAT.Normalize.Factory(Spec1dot6)).serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function toComponent(type, { purl, name, version, license, repository }) {
  const [, group, base] = /^(?:(@[^/]+)\/)?(.+)$/.exec(name);
  const component = new Component(type, base, { bomRef: purl, group, version, purl });
  component.licenses.add(/^[\w.-]+$/.test(license) ? new SpdxLicense(license) : new LicenseExpression(license));
  const url = repository.replace(/^git\+/, '').replace(/^git:/, 'https:');
  component.externalReferences.add(new ExternalReference(url, ExternalReferenceType.VCS));
  return component;
}

if (process.argv[1] === import.meta.filename) {
  const file = join(root, process.argv[2]);
  const { packages } = await bundle();
  const bundled = components(packages, join(root, 'dist/reoclo_docker_auth.wasm'));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, sbom(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')), bundled));
  console.log(`${process.argv[2]}: ${bundled.length} components of dist/`);
}
