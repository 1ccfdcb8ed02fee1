// Builds a crate of this repository as wasm. The same sources give the same bytes on every machine.
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');
const run = (command, args, env = {}) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, ...env } });

/**
 * Compiles a crate, generates its bindings and optimizes it for size.
 *
 * @param {object} crate
 * @param {string} crate.name as in its Cargo.toml
 * @param {string} crate.bindings the folder for the bindings: `NAME.js`, with `_` for `-`
 * @param {string} crate.wasm the path of the wasm
 */
export function buildWasm({ name, bindings, wasm }) {
  const file = name.replaceAll('-', '_');
  const cargoTarget = join(root, 'target', 'dist');
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
  run('cargo', ['build', '--release', '--locked', '--quiet', '--package', name, '--target', 'wasm32-unknown-unknown', '--target-dir', cargoTarget], {
    CARGO_ENCODED_RUSTFLAGS: remaps.map(([from, to]) => `--remap-path-prefix=${from}=${to}`).join('\x1f'),
    CARGO_INCREMENTAL: '0',
  });

  rmSync(bindings, { recursive: true, force: true });
  run('wasm-bindgen', [
    join(cargoTarget, `wasm32-unknown-unknown/release/${file}.wasm`),
    ...['--target', 'web', '--omit-default-module-path', '--no-typescript', '--out-dir', bindings],
  ]);

  // The features of Node 20: with --all-features wasm-opt writes modules that Node 20 rejects.
  const features = ['bulk-memory', 'sign-ext', 'mutable-globals', 'nontrapping-float-to-int', 'reference-types', 'multivalue'];
  run(join(root, 'node_modules/.bin/wasm-opt'), [
    ...features.map((feature) => `--enable-${feature}`),
    ...['-Oz', '--strip-debug', '--strip-producers', '--strip-target-features'],
    join(bindings, `${file}_bg.wasm`),
    ...['-o', wasm],
  ]);
}
