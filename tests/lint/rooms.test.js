// The check of the rooms, on small repositories with planted violations.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkTree } from './rooms.js';

const SCRIPT = join(import.meta.dirname, 'rooms.js');

const TREE = `# Title

\`\`\`
src/            the core
  api/          requests
  host/         the port
  js/           the boundary
tests/
  e2e/          scenarios
  support/
bench/          measurements
docs/
\`\`\`
`;

const GOOD = {
  'docs/architecture.md': TREE,
  'src/lib.rs': 'mod api;\nmod host;\nmod js;\nuse crate::api::Client;\n',
  'src/host/mod.rs': 'pub(crate) trait Host {}\n',
  'src/api/mod.rs': 'mod client;\nmod url;\npub(crate) use client::Client;\npub(crate) use url::{Url};\n',
  'src/api/client.rs': [
    'use crate::host::{self, Host};',
    'use super::url::Url;',
    '// use crate::login::Login;',
    'const TEXT: &str = "crate::login::Login and JsValue";',
    'const RAW: &str = r#"use crate::login::x; " "#;',
    '#[cfg(test)]',
    'mod tests {',
    '    use crate::host::fake::FakeHost;',
    '    fn x() { crate::login::run(); }',
    '}',
    '',
  ].join('\n'),
  'src/api/url.rs': 'pub(crate) struct Url;\n',
  'src/js/mod.rs': 'use wasm_bindgen::JsValue;\nuse crate::api::Client;\n',
  'tests/support/child.js': "import { spawn } from 'node:child_process';\n",
  'tests/e2e/a.test.js': "// import '../runners/x.js'\nimport { x } from '../support/child.js';\n",
  'bench/bench.js': "import { x } from '../tests/support/child.js';\n",
};

/** Runs the check on a repository of these files. */
function check(t, files) {
  const root = mkdtempSync(join(tmpdir(), 'docker-auth-rooms-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({ ...GOOD, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  execFileSync('git', ['init', '--quiet'], { cwd: root });
  execFileSync('git', ['add', '--all'], { cwd: root });
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, root], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return { status, lines: stdout.trimEnd().split('\n') };
}

test('a repository without violations passes', (t) => {
  assert.deepEqual(check(t), { status: 0, lines: ['rooms: 9 files, longest src/api/client.rs with 10 lines, 0 circles'] });
});

for (const [what, path, text, expected] of [
  ['an upward import', 'src/host/mod.rs', 'x\nuse crate::api::Client;\n', 'src/host/mod.rs:2: imports crate::api::Client; allowed: host may import no other room'],
  ['an upward import in a group', 'src/api/url.rs', 'use crate::{host::Host, js::{self}};\n', 'src/api/url.rs:1: imports crate::js::self; allowed: api may import host, runner, registry'],
  ['an upward path in code', 'src/api/url.rs', 'fn x() {\n  crate::js::run();\n}\n', 'src/api/url.rs:2: imports crate::js::run; allowed: api may import host, runner, registry'],
  ['an upward super path', 'src/api/url.rs', 'use super::super::js::run;\n', 'src/api/url.rs:1: imports crate::js::run; allowed: api may import host, runner, registry'],
  ['an upward re-export', 'src/host/mod.rs', 'pub(crate) use crate::api::Client;\n', 'src/host/mod.rs:1: imports crate::api::Client; allowed: host may import no other room'],
  ['the fake host outside of tests', 'src/api/url.rs', 'use crate::host::fake::FakeHost;\n', 'src/api/url.rs:1: imports crate::host::fake::FakeHost, which is for tests only'],
  ['JavaScript types outside of src/js', 'src/api/url.rs', '\nuse wasm_bindgen::JsValue;\n', 'src/api/url.rs:2: names wasm_bindgen; allowed: in src/js only'],
  ['an upward import of a test', 'tests/support/child.js', "import { x } from '../e2e/a.test.js';\n", 'tests/support/child.js:1: imports tests/e2e/a.test.js; allowed: tests/support may import no other room'],
  ['an import of a test in a script of the workflows', '.github/scripts/x.js', "import { x } from '../../tests/e2e/a.test.js';\n", '.github/scripts/x.js:1: imports tests/e2e/a.test.js; allowed: .github may import tests/support, tests/sandbox, tests/env'],
  ['an import between two kinds of tests', 'bench/bench.js', "const x = require('../tests/e2e/a.test.js');\n", 'bench/bench.js:1: imports tests/e2e/a.test.js; allowed: bench may import tests/support, tests/sandbox, tests/env, site'],
]) {
  test(`${what} fails`, (t) => {
    assert.deepEqual(check(t, { [path]: text }), { status: 1, lines: [expected] });
  });
}

test('an import of tests in js fails', (t) => {
  const files = { 'js/main.js': "import '../bench/bench.js';\n", 'docs/architecture.md': TREE.replace('bench/', 'js/\nbench/') };
  assert.deepEqual(check(t, files).lines, ['js/main.js:1: imports bench/bench.js; allowed: js may import no other room']);
});

test('a circle of Rust files fails', (t) => {
  const { status, lines } = check(t, { 'src/api/url.rs': 'use crate::api::client::Client;\n' });
  assert.deepEqual([status, lines], [1, ['src/api/client.rs: circle of files: src/api/client.rs → src/api/url.rs → src/api/client.rs']]);
});

test('a mod.rs that uses its child is a circle', (t) => {
  const mod = 'mod client;\nmod url;\nuse client::Client;\n';
  const { lines } = check(t, { 'src/api/mod.rs': mod, 'src/api/url.rs': '', 'src/api/client.rs': 'use super::Limit;\n' });
  assert.deepEqual(lines, ['src/api/client.rs: circle of files: src/api/client.rs → src/api/mod.rs → src/api/client.rs']);
});

test('a circle of scripts fails', (t) => {
  const files = { 'tests/support/child.js': "import './serve.js';\n", 'tests/support/serve.js': "export { x } from './child.js';\n" };
  const { status, lines } = check(t, files);
  assert.deepEqual([status, lines], [1, ['tests/support/child.js: circle of files: tests/support/child.js → tests/support/serve.js → tests/support/child.js']]);
});

test('a file in an unknown room fails', (t) => {
  const { lines } = check(t, { 'src/utils.rs': '', 'tests/helpers/x.js': '' });
  assert.match(lines[0], /^src\/utils\.rs:1: unknown room utils: /);
  assert.match(lines[1], /^tests\/helpers\/x\.js:1: unknown room tests\/helpers: /);
  assert.deepEqual(lines.slice(2), ['docs/architecture.md:4: tests/helpers/ is in the repository but not in the tree']);
});

test('ignores test modules and code behind cfg(test)', (t) => {
  const client = 'use crate::host::Host;\n#[cfg(test)]\nfn x() -> [u8; 3] {\n    crate::login::run();\n}\n#[cfg(test)]\nmod tests;\n';
  const tests = 'use crate::login::run;\nuse crate::host::fake::FakeHost;\n';
  const files = { 'src/api/client.rs': client, 'src/api/tests.rs': tests, 'src/tests/main_step.rs': tests, 'src/host/fake.rs': tests };
  const { lines } = check(t, { ...files, 'docs/architecture.md': TREE.replace('tests/\n', '  tests/\ntests/\n') });
  assert.match(lines[0], /^rooms: 12 files, /);
});

test('an upward import behind a cfg(test) item fails', (t) => {
  const { lines } = check(t, { 'src/host/mod.rs': '#[cfg(test)]\nmod fake;\nuse crate::api::Client;\n' });
  assert.deepEqual(lines, ['src/host/mod.rs:3: imports crate::api::Client; allowed: host may import no other room']);
});

test('compares the tree in docs/architecture.md with the files', () => {
  const files = ['src/lib.rs', 'src/api/mod.rs', 'docs/a.md', '.ci/run', 'Makefile'];
  const tree = (...lines) => ['```', ...lines, '```'].join('\n');
  assert.deepEqual(checkTree(tree('src/  the core', '  lib.rs', '  api/', 'docs/', 'Makefile  tasks'), files), []);
  assert.deepEqual(checkTree(tree('src/', '  login/', 'docs/'), files), [
    'docs/architecture.md:3: src/login/ is in the tree but not in the repository',
    'docs/architecture.md:2: src/api/ is in the repository but not in the tree',
  ]);
  assert.match(checkTree('# No tree', files)[0], /no tree/);
});
