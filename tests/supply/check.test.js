// The checks of npm packages and license notices, with planted violations.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDependencies, checkNotices, checkNpm, noticeTitles } from './check.js';

const lockWith = (entry, folder = 'node_modules/socks') =>
  JSON.stringify({ packages: { '': {}, [folder]: { version: '1.0.0', integrity: 'sha512-abc=', ...entry } } });

for (const [what, entry, expected] of [
  ['with a checksum', {}, []],
  ['from a registry', { resolved: 'https://registry.example/@a/socks/-/socks-1.0.0.tgz' }, []],
  ['without a checksum', { integrity: undefined }, ['has no SHA-512 checksum']],
  ['with a weak checksum', { integrity: 'sha1-abc=' }, ['has no SHA-512 checksum']],
  ['from git', { resolved: 'git+ssh://git@host.example/a/socks.git#abc' }, ['does not come from the registry']],
  ['over plain http', { resolved: 'http://registry.example/socks/-/socks-1.0.0.tgz' }, ['does not come from the registry']],
  ['from another place on the web', { resolved: 'https://host.example/socks.tgz' }, ['does not come from the registry']],
  ['from a folder', { link: true }, ['does not come from the registry']],
  ['with an install script', { hasInstallScript: true }, ['has an install script']],
]) {
  test(`a package ${what}: ${expected.length} violations`, () => {
    const violations = checkNpm({ 'tests/x/package-lock.json': lockWith(entry) });
    assert.deepEqual(violations, expected.map((problem) => `tests/x/package-lock.json: socks ${problem}`));
  });
}

test('a listed package may have an install script', () => {
  assert.deepEqual(checkNpm({ 'package-lock.json': lockWith({ hasInstallScript: true }, 'node_modules/x/node_modules/esbuild') }), []);
});

test('a command that runs install scripts is a violation', () => {
  const Makefile = 'a:\n\tnpm ci --ignore-scripts\n\techo Installing npm packages\n\tnpm ci --prefix x\n';
  assert.deepEqual(checkNpm({ Makefile }), ['Makefile:4: npm runs install scripts: add --ignore-scripts']);
});

const MANIFEST = { dependencies: { '@actions/core': '1' }, devDependencies: { yaml: '1', binaryen: '1' } };
const LOCK = {
  packages: {
    'node_modules/@actions/core': {},
    'node_modules/socks': {},
    'node_modules/yaml': { dev: true },
    'node_modules/binaryen': { dev: true, bin: { 'wasm-opt': 'bin/wasm-opt' } },
  },
};
const BUNDLED = ['node_modules/@actions/core', 'node_modules/socks'];
const SCRIPTS = ["import { parse } from 'yaml';", "run(join(root, 'node_modules/.bin/wasm-opt'));"];

for (const [what, { manifest = MANIFEST, bundled = BUNDLED, scripts = SCRIPTS }, expected] of [
  ['dependencies that are used', {}, []],
  ['a dependency that is not bundled', { bundled: ['node_modules/socks'] }, ['package.json: @actions/core is not in the bundles: remove it, or move it to devDependencies']],
  ['a development dependency that is bundled', { bundled: [...BUNDLED, 'node_modules/yaml'] }, ['package.json: node_modules/yaml is in the bundles, but is not installed by dependencies']],
  ['a development dependency without an import', { scripts: [SCRIPTS[1], "import 'yaml-js'; // yaml"] }, ['package.json: no script uses yaml']],
  ['a development dependency whose command is not run', { scripts: [SCRIPTS[0], 'node_modules/.bin/wasm-opti'] }, ['package.json: no script uses binaryen']],
]) {
  test(`${what}: ${expected.length} violations`, () => {
    assert.deepEqual(checkDependencies(manifest, LOCK, bundled, scripts), expected);
  });
}

const LINE = '-'.repeat(80);
const NOTICES = `Title\n\n${LINE}\nserde 1.0.0 (MIT OR Apache-2.0)\nunicode-ident 1.0.1 ((MIT OR Apache-2.0) AND Unicode-3.0)\n\nText 1.0 (c)\n\n${LINE}\nRust standard library (MIT)\nhashbrown 0.1.0 (MIT), part of the Rust standard library\n\nSee x\n`;
const CONTENTS = [{ name: 'serde', version: '1.0.0' }, { name: 'unicode-ident 1.0.1' }, { name: 'Rust standard library' }, { name: 'hashbrown', version: '0.1.0' }];

for (const [what, { contents = CONTENTS, allowed = ['MIT', 'Unicode-3.0'] }, expected] of [
  ['complete license notices', {}, []],
  ['a component without a notice', { contents: [...CONTENTS, { name: 'socks', version: '2.0.0' }] }, ['dist/licenses.txt: socks 2.0.0 is missing']],
  ['a notice of an old version', { contents: [{ name: 'serde', version: '1.0.1' }, ...CONTENTS.slice(1)] }, ['dist/licenses.txt: serde 1.0.1 is missing', 'dist/licenses.txt: serde 1.0.0 is not in dist/']],
  ['a license that must be allowed in addition', { allowed: ['MIT'] }, ['dist/licenses.txt: unicode-ident 1.0.1: deny.toml does not allow (MIT OR Apache-2.0) AND Unicode-3.0']],
]) {
  test(`${what}: ${expected.length} violations`, () => {
    assert.deepEqual(checkNotices(NOTICES, contents, allowed), expected);
  });
}

test('a notice without a license is a violation', () => {
  const notices = `${LINE}\nserde 1.0.0\n\nText`;
  assert.deepEqual(noticeTitles(notices), [{ title: 'serde 1.0.0', license: 'no license' }]);
});
