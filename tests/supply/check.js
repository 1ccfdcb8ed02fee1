// `make lint`: the npm packages and the license notices. cargo-deny and clippy check the crates.
//
// Usage: node tests/supply/check.js. Prints one line per violation and exits with 1, or one line if there is none.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../js/bundle.js';
import { components } from '../../js/components.js';

const ROOT = join(import.meta.dirname, '../..');

/** Packages that may have an install script, which `npm ci --ignore-scripts` does not run. */
const INSTALL_SCRIPTS = ['esbuild'];

/**
 * Every package has a checksum, and comes from the registry. None needs its install script, and no command runs one.
 *
 * @param {Record<string, string>} files path → text, of package-lock.json files and of files with commands
 * @returns {string[]} violations
 */
export function checkNpm(files) {
  return Object.entries(files).flatMap(([path, text]) =>
    path.endsWith('package-lock.json') ? checkLock(path, JSON.parse(text)) : checkCommands(path, text),
  );
}

function checkLock(path, { packages }) {
  const installed = Object.entries(packages).filter(([folder]) => folder !== '');
  return installed.flatMap(([folder, { integrity = '', resolved, link, hasInstallScript }]) => {
    const name = folder.replace(/^.*node_modules\//, '');
    const problems = [];
    if (!/^sha512-./.test(integrity)) problems.push('has no SHA-512 checksum');
    // npm leaves out the address of packages from its registry, or names a tarball there.
    if (link || (resolved && !/^https:\/\/[^/]+\/(@[^/]+\/)?[^/]+\/-\/[^/]+\.tgz$/.test(resolved))) problems.push('does not come from the registry');
    if (hasInstallScript && !INSTALL_SCRIPTS.includes(name)) problems.push('has an install script');
    return problems.map((problem) => `${path}: ${name} ${problem}`);
  });
}

function checkCommands(path, text) {
  return text.split('\n').flatMap((line, i) => {
    const isUnsafe = /\bnpm (ci|i|install)\b/.test(line) && !line.includes('--ignore-scripts');
    return isUnsafe ? `${path}:${i + 1}: npm runs install scripts: add --ignore-scripts` : [];
  });
}

/**
 * The dependencies of package.json are in the bundles, the development dependencies are not and are used.
 *
 * @param {object} manifest package.json
 * @param {{ packages: Record<string, object> }} lock package-lock.json
 * @param {string[]} bundled folders of the bundled packages
 * @param {string[]} scripts texts of all scripts
 * @returns {string[]} violations
 */
export function checkDependencies({ dependencies = {}, devDependencies = {} }, { packages }, bundled, scripts) {
  const isBundled = (name) => bundled.includes(`node_modules/${name}`);
  // Imported, or run by the name of one of its commands.
  const isUsed = (name) => {
    const { bin = {} } = packages[`node_modules/${name}`] ?? {};
    const used = [`(from |import |import\\(|require\\()['"]${name}['"/]`, ...Object.keys(bin).map((command) => `node_modules/\\.bin/${command}\\b`)];
    return scripts.some((text) => new RegExp(used.join('|')).test(text));
  };
  return [
    ...Object.keys(dependencies).filter((name) => !isBundled(name)).map((name) => `package.json: ${name} is not in the bundles: remove it, or move it to devDependencies`),
    ...bundled.filter((folder) => packages[folder]?.dev !== undefined || !packages[folder]).map((folder) => `package.json: ${folder} is in the bundles, but is not installed by dependencies`),
    ...Object.keys(devDependencies).filter((name) => !isUsed(name)).map((name) => `package.json: no script uses ${name}`),
  ];
}

/**
 * dist/licenses.txt lists exactly what is in dist/, with licenses that deny.toml allows.
 *
 * @param {string} notices dist/licenses.txt
 * @param {{ name: string, version?: string }[]} expected
 * @param {string[]} allowed SPDX IDs
 * @returns {string[]} violations
 */
export function checkNotices(notices, expected, allowed) {
  const listed = new Map(noticeTitles(notices).map(({ title, license }) => [title, license]));
  const wanted = expected.map(({ name, version }) => (version ? `${name} ${version}` : name));
  return [
    ...wanted.filter((title) => !listed.has(title)).map((title) => `dist/licenses.txt: ${title} is missing`),
    ...[...listed.keys()].filter((title) => !wanted.includes(title)).map((title) => `dist/licenses.txt: ${title} is not in dist/`),
    ...[...listed].filter(([, license]) => !permits(license, allowed)).map(([title, license]) => `dist/licenses.txt: ${title}: deny.toml does not allow ${license}`),
  ];
}

/**
 * @param {string} notices dist/licenses.txt
 * @returns {{ title: string, license: string }[]} name and version, and the SPDX expression, of each component
 */
export function noticeTitles(notices) {
  const blocks = notices.split(/^-{80}\n/m).slice(1);
  return blocks.flatMap((block) =>
    block.split('\n\n')[0].split('\n').map((line) => {
      const [, title, license] = /^(.+?) \((.+)\)(?:, part of the Rust standard library)?$/.exec(line) ?? [undefined, line, 'no license'];
      return { title, license };
    }),
  );
}

/** Whether an SPDX expression, without exceptions (WITH), is satisfied by the allowed licenses. */
function permits(expression, allowed) {
  const flat = expression.replace(/\(([^()]*)\)/g, (group, inner) => (permits(inner, allowed) ? allowed[0] : 'none'));
  if (flat !== expression) return permits(flat, allowed);
  return expression.split(' OR ').some((all) => all.split(' AND ').every((license) => allowed.includes(license)));
}

/** What is in dist/: crates as cargo itself lists them, npm packages as the bundler lists them, and the standard library. */
function contentsOfDist(bundled, lock) {
  const args = ['--locked', '--target', 'wasm32-unknown-unknown', '--edges', 'normal,no-proc-macro', '--prefix', 'none', '--format', '{p}'];
  const tree = execFileSync('cargo', ['tree', ...args], { cwd: ROOT, encoding: 'utf8' });
  const [, ...crates] = new Set(tree.split('\n').filter(Boolean).map((line) => line.split(' ').slice(0, 2).join(' v').replace(' vv', ' ')));
  const standard = components([], join(ROOT, 'dist/reoclo_docker_auth.wasm')).filter(({ partOf }) => partOf);
  return [
    ...crates.map((crate) => ({ name: crate })),
    ...bundled.map((folder) => ({ name: folder.replace(/^.*node_modules\//, ''), version: lock.packages[folder].version })),
    ...standard.map(({ name, version }) => (name === 'rust' ? { name: 'Rust standard library' } : { name, version })),
  ];
}

async function main() {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean);
  const read = (path) => readFileSync(join(ROOT, path), 'utf8');
  const all = (pattern) => Object.fromEntries(tracked.filter((path) => pattern.test(path)).map((path) => [path, read(path)]));
  const npm = all(/(^|\/)(package-lock\.json|Makefile|[^/]+\.sh)$|^\.ci\/|^\.(github|gitea)\/.*\.ya?ml$/);
  const lock = JSON.parse(npm['package-lock.json']);
  const { packages: bundled } = await bundle();
  const contents = contentsOfDist(bundled, lock);
  const [, allow] = /^allow = \[(.*)\]$/m.exec(read('deny.toml'));
  const violations = [
    ...checkNpm(npm),
    ...checkDependencies(JSON.parse(read('package.json')), lock, bundled, Object.values(all(/^(js|tests|bench)\/.*\.[cm]?js$/))),
    ...checkNotices(read('dist/licenses.txt'), contents, JSON.parse(`[${allow}]`)),
  ];
  violations.forEach((violation) => console.log(violation));
  if (violations.length === 0) {
    const locks = Object.keys(npm).filter((path) => path.endsWith('package-lock.json')).length;
    console.log(`supply chain: ${contents.length} components in dist/, all in dist/licenses.txt; ${locks} npm lock files with checksums, without install scripts`);
  }
  process.exitCode = violations.length > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) await main();
