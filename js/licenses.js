// The notices that the licences of what is inside dist/ ask for: npm packages in the bundle, crates in the wasm.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @param {string[]} packages folders of npm packages
 * @param {{ packages: object[], resolve: object }} metadata of `cargo metadata` for the wasm target
 * @returns {string}
 */
export function notices(packages, metadata) {
  const components = [...packages.map(npmPackage), ...crates(metadata)].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    'dist/ contains the following software, each under the license named, with the notices of its authors.',
    ...components.map(({ name, version, license, notice }) => `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${notice}`),
    '',
  ].join('\n\n');
}

function npmPackage(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { name, version, license, notice: notice(folder) };
}

/** What the wasm is linked from: the library's normal dependencies, without what only runs while compiling. */
function crates({ packages, resolve }) {
  const byId = new Map(packages.map((crate) => [crate.id, crate]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const linked = new Set();
  const visit = (id) => {
    const isMacro = byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'));
    if (linked.has(id) || isMacro) return;
    linked.add(id);
    for (const { pkg, dep_kinds } of nodes.get(id).deps) if (dep_kinds.some(({ kind }) => kind === null)) visit(pkg);
  };
  visit(resolve.root);
  linked.delete(resolve.root);
  return [...linked].map((id) => {
    const { name, version, license, repository, manifest_path } = byId.get(id);
    return { name, version, license, notice: notice(dirname(manifest_path)) ?? `See ${repository}` };
  });
}

/** The package's MIT license, which all of them offer, or whatever license file it has. */
function notice(folder) {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying)/i.test(file)).sort();
  const file = files.find((name) => /mit/i.test(name)) ?? files[0];
  return file && readFileSync(join(folder, file), 'utf8').replaceAll('\r', '').trim();
}
