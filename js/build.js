// Builds dist/, or the folder given, from the sources: `make dist`. The same sources give the same bytes on every machine.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundle } from './bundle.js';
import { components } from './components.js';
import { notices } from './licenses.js';

const root = join(import.meta.dirname, '..');
const dist = join(root, process.argv[2] ?? 'dist');
const cargoTarget = join(root, 'target', 'dist');
const bindings = join(root, 'target', 'wasm');
const run = (command, args, env = {}) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, ...env } });

run('cargo', ['fetch', '--locked', '--quiet']);

// Panic messages contain source paths. Without the paths of this machine the bytes are the same everywhere.
const sysroot = run('rustc', ['--print', 'sysroot']).trim();
const commit = /^commit-hash: (.*)$/m.exec(run('rustc', ['-vV']))[1];
const registries = resolve(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry/src');
// The last match counts: CARGO_HOME may be inside the checkout.
const remaps = [
  [root, '/docker-auth'],
  ...readdirSync(registries).map((registry) => [join(registries, registry), '/cargo']),
  [join(sysroot, 'lib/rustlib/src/rust'), `/rustc/${commit}`],
];
run('cargo', ['build', '--release', '--locked', '--quiet', '--target', 'wasm32-unknown-unknown', '--target-dir', cargoTarget], {
  CARGO_ENCODED_RUSTFLAGS: remaps.map(([from, to]) => `--remap-path-prefix=${from}=${to}`).join('\x1f'),
  CARGO_INCREMENTAL: '0',
});

rmSync(bindings, { recursive: true, force: true });
run('wasm-bindgen', [
  join(cargoTarget, 'wasm32-unknown-unknown/release/reoclo_docker_auth.wasm'),
  ...['--target', 'web', '--omit-default-module-path', '--no-typescript', '--out-dir', bindings],
]);

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
// The features of Node 20: with --all-features wasm-opt writes modules that Node 20 rejects.
const features = ['bulk-memory', 'sign-ext', 'mutable-globals', 'nontrapping-float-to-int', 'reference-types', 'multivalue'];
run(join(root, 'node_modules/.bin/wasm-opt'), [
  ...features.map((feature) => `--enable-${feature}`),
  ...['-Oz', '--strip-debug', '--strip-producers', '--strip-target-features'],
  join(bindings, 'reoclo_docker_auth_bg.wasm'),
  ...['-o', join(dist, 'reoclo_docker_auth.wasm')],
]);

const { packages } = await bundle(dist);
writeFileSync(join(dist, 'licenses.txt'), notices(components(packages, join(dist, 'reoclo_docker_auth.wasm'))));

for (const file of readdirSync(dist)) {
  console.log(`${String(statSync(join(dist, file)).size).padStart(8)} bytes  ${file}`);
}
