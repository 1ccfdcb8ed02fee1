// Checks that a tag can be released: check-release.js v2.2.0. The tag, the versions in the manifests and CHANGELOG.md agree, and
// the commit is the one of the tag and belongs to main. Prints every violation and exits with 1.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { sections } from './changelog.js';

const [tag = ''] = process.argv.slice(2);
const violations = [...checkTag(), ...checkManifests(), ...checkChangelog(), ...checkCommit()];
for (const violation of violations) console.log(`::error title=Cannot release ${tag}::${violation}`);
if (violations.length === 0) console.log(`${tag} can be released: versions, changelog and commit agree`);
process.exitCode = violations.length > 0 ? 1 : 0;

function checkTag() {
  return /^v(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$/.test(tag) ? [] : [`The tag ${tag || '(none)'} must have the form v1.2.3.`];
}

function checkManifests() {
  const versions = {
    'Cargo.toml': /^\[package\]$[^[]*?^version = "([^"]*)"/m.exec(read('Cargo.toml'))?.[1],
    'package.json': json('package.json')?.version,
    'package-lock.json': json('package-lock.json')?.version,
  };
  return Object.entries(versions)
    .filter(([file, version]) => (version !== undefined || file === 'Cargo.toml') && `v${version}` !== tag)
    .map(([file, version]) => `${file} has the version ${version ?? '(none)'}, the tag is ${tag}.`);
}

function checkChangelog() {
  const found = sections(read('CHANGELOG.md'));
  const violations = [];
  const section = found.find(({ name }) => `v${name}` === tag);
  if (!section) violations.push(`CHANGELOG.md has no section "## [${tag.slice(1)}] - YYYY-MM-DD".`);
  else {
    if (!isDate(section.date)) violations.push(`CHANGELOG.md: the section ${section.name} needs a date: "## [${section.name}] - YYYY-MM-DD".`);
    if (!section.text) violations.push(`CHANGELOG.md: the section ${section.name} is empty.`);
  }
  if (found.some(({ name, text }) => name === 'Unreleased' && text)) {
    violations.push('CHANGELOG.md: the section Unreleased is not empty. Move its entries to the section of the release.');
  }
  const newest = found.find(({ name }) => name !== 'Unreleased');
  if (section && newest !== section) violations.push(`CHANGELOG.md: the section ${newest.name} is above the section ${section.name}.`);
  return violations;
}

function checkCommit() {
  const commit = git('rev-parse', 'HEAD');
  if (git('rev-parse', '--verify', '--quiet', `refs/tags/${tag}^{commit}`) !== commit) {
    return [`The checked out commit ${commit} is not the one of the tag ${tag}.`];
  }
  // GitHub checks out the tag, and main as a branch of origin.
  return git('merge-base', '--is-ancestor', commit, 'origin/main') === undefined ? [`The commit ${commit} is not on main.`] : [];
}

function isDate(text = '') {
  const date = new Date(text);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\r\n', '\n') : '';
}

function json(file) {
  const text = read(file);
  return text ? JSON.parse(text) : undefined;
}

/** @returns {string | undefined} what git prints; `undefined` if it fails */
function git(...args) {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
