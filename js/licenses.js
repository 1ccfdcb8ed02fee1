// License notices for the third-party code in dist/: npm packages in the bundle, crates in the wasm.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @param {string[]} packages folders of the bundled npm packages
 * @param {{ packages: object[], resolve: object }} metadata output of `cargo metadata` for the wasm target
 * @param {[string, string][]} standardCrates names and versions of the crates in Rust's standard library
 * @returns {string} the text of dist/licenses.txt
 */
export function notices(packages, metadata, standardCrates) {
  const components = [...packages.map(npmPackage), ...crates(metadata), ...standardLibrary(standardCrates)].sort((a, b) => (a.name < b.name ? -1 : 1));
  // Many crates have the same text.
  const byNotice = new Map();
  for (const { notice, title } of components) byNotice.set(notice, [...(byNotice.get(notice) ?? []), title]);
  return [
    'dist/ contains the following third-party software, listed with its licenses and copyright notices.',
    ...[...byNotice].map(([notice, titles]) => `${'-'.repeat(80)}\n${titles.join('\n')}\n\n${notice}`),
    '',
  ].join('\n\n');
}

function npmPackage(folder) {
  const { name, version, license, repository } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return component({ name, version, license, repository: repository?.url ?? repository }, folder);
}

const component = ({ name, version, license, repository }, folder) => ({
  name,
  title: `${name} ${version} (${license})`,
  notice: notice(folder) ?? `See ${repository}`,
});

/** The crates linked into the wasm: normal dependencies, without proc macros, which run only at compile time. */
function crates({ packages, resolve }) {
  const byId = new Map(packages.map((crate) => [crate.id, crate]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const linked = new Set();
  const visit = (id) => {
    const isMacro = byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'));
    if (linked.has(id) || isMacro) return;
    linked.add(id);
    const isLinked = ({ kind, target }) => kind === null && target !== 'cfg(fuzzing)';
    for (const { pkg, dep_kinds } of nodes.get(id).deps) if (dep_kinds.some(isLinked)) visit(pkg);
  };
  visit(resolve.root);
  linked.delete(resolve.root);
  return [...linked].map((id) => component(byId.get(id), dirname(byId.get(id).manifest_path)));
}

const standardLibrary = (crates) => [
  { name: 'rust', title: 'Rust standard library (MIT OR Apache-2.0)', notice: 'See https://github.com/rust-lang/rust' },
  ...crates.map(([name, version]) => ({
    name,
    title: `${name} ${version} (MIT OR Apache-2.0), part of the Rust standard library`,
    notice: 'See https://github.com/rust-lang/rust',
  })),
];

/** The text of the package's MIT license, or else of its first license file; `undefined` if it has none. */
function notice(folder) {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying)/i.test(file)).sort();
  const file = files.find((name) => /mit/i.test(name)) ?? files[0];
  return file && readFileSync(join(folder, file), 'utf8').replaceAll('\r', '').trim();
}
