// The third-party software in dist/, and in the page: npm packages in the bundles, crates in the wasm, and the Rust standard
// library. Read from the sources and the lock files, except for the crates of the standard library, whose names only the wasm
// contains.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

const root = join(import.meta.dirname, '..');

/**
 * @typedef {object} Component
 * @property {string} purl its package URL, which also identifies it
 * @property {string} name
 * @property {string} version
 * @property {string} license an SPDX expression
 * @property {string} repository
 * @property {string} [partOf] the component that it came with
 * @property {string} [folder] where its license file is, if it has a folder of its own
 * @property {boolean} isDirect the action itself requires it
 * @property {string[]} requires package URLs of the components that it requires
 */

/**
 * @param {string[]} packages folders of the bundled npm packages, relative to the repository
 * @param {string} wasm path of the built wasm
 * @param {string} [crate] the crate that it is built from
 * @returns {Component[]} sorted by name
 */
export function components(packages, wasm, crate = 'reoclo-docker-auth') {
  const all = [...npmPackages(packages), ...crates(crate), ...standardLibrary(wasm)];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const npmPurl = ({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`;
const cratePurl = ({ name, version }) => `pkg:cargo/${name}@${encodeURIComponent(version)}`;

function npmPackages(folders) {
  const manifests = new Map(['', ...folders].map((folder) => [folder, JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))]));
  /** The bundled package that a dependency resolves to: the next one up, as Node.js looks for it. */
  const find = (name, from) => {
    for (let folder = from; ; folder = posix.dirname(folder)) {
      const found = manifests.get(posix.join(folder, 'node_modules', name));
      if (found || folder === '.') return found;
    }
  };
  const required = (folder) => Object.keys(manifests.get(folder).dependencies ?? {}).flatMap((name) => find(name, folder || '.') ?? []);
  const direct = new Set(required(''));
  return folders.map((folder) => {
    const manifest = manifests.get(folder);
    const { name, version, license, repository } = manifest;
    return {
      ...{ purl: npmPurl(manifest), name, version, license, repository: repository?.url ?? repository },
      ...{ folder: join(root, folder), isDirect: direct.has(manifest), requires: required(folder).map(npmPurl) },
    };
  });
}

/** The crates linked into the wasm: normal dependencies, without proc macros, which run only at compile time. */
function crates(name) {
  const cargo = (...args) => execFileSync('cargo', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const wasm = 'wasm32-unknown-unknown';
  const { packages, resolve } = JSON.parse(cargo('metadata', '--locked', '--format-version', '1', '--filter-platform', wasm));
  // The metadata have the features that the workspace needs together, the tree those of this crate.
  const tree = cargo('tree', '--locked', '--package', name, '--target', wasm, '--edges', 'normal', '--prefix', 'none', '--format', '{p}');
  const inTree = new Set(tree.split('\n').map((line) => line.split(' ', 2).join(' ')));
  const byId = new Map(packages.map((crate) => [crate.id, crate]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const isMacro = (id) => byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'));
  const isOurs = (id) => byId.get(id).source === null;
  const isInTree = (id) => inTree.has(`${byId.get(id).name} v${byId.get(id).version}`);
  const isLinked = ({ kind, target }) => kind === null && target !== 'cfg(fuzzing)';
  const required = (id) => nodes.get(id).deps.flatMap(({ pkg, dep_kinds }) => (dep_kinds.some(isLinked) && !isMacro(pkg) && isInTree(pkg) ? pkg : []));
  const linked = new Set();
  const visit = (id) => {
    if (linked.has(id)) return;
    linked.add(id);
    required(id).forEach(visit);
  };
  const [{ id: start }] = packages.filter((crate) => crate.name === name && isOurs(crate.id));
  visit(start);
  const direct = new Set(required(start));
  return [...linked].filter((id) => !isOurs(id)).map((id) => {
    const crate = byId.get(id);
    const { name, version, license, repository, manifest_path: manifest } = crate;
    return {
      ...{ purl: cratePurl(crate), name, version, license, repository },
      ...{ folder: dirname(manifest), isDirect: direct.has(id), requires: required(id).map((other) => cratePurl(byId.get(other))) },
    };
  });
}

/** Its crates are known by the paths in panic messages. */
function standardLibrary(wasm) {
  const [, version] = /^channel = "(.*)"$/m.exec(readFileSync(join(root, 'rust-toolchain.toml'), 'utf8'));
  const common = { license: 'MIT OR Apache-2.0', repository: 'https://github.com/rust-lang/rust', partOf: 'the Rust standard library' };
  const paths = new Set(readFileSync(wasm, 'latin1').match(/\/rust\/deps\/[\w-]+-\d+\.\d+\.\d+/g));
  const parts = [...paths].map((path) => {
    const [, name, version] = /deps\/(.*)-([^-]*)$/.exec(path);
    return { ...common, purl: cratePurl({ name, version }), name, version, isDirect: false, requires: [] };
  });
  const library = { ...common, purl: `pkg:generic/rust@${version}`, name: 'rust', version, isDirect: true, requires: parts.map(({ purl }) => purl) };
  return [library, ...parts];
}
