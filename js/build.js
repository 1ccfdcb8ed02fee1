// Builds dist/, or the folder given, from the sources: `make dist`. The same sources give the same bytes on every machine.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
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

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { main: 'js/main.js', post: 'js/post.js', action: 'js/action.js', network: 'js/network/index.js' },
  // Saves 2 ms per step. The readable source is js/.
  minify: true,
  external: ['./network.cjs'],
  outdir: dist,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  legalComments: 'inline',
  metafile: true,
  logLevel: 'warning',
  plugins: [
    {
      // Loading core also loads its OIDC client with an HTTP stack, and its summary with node:fs/promises. The action uses
      // neither; marked as free of side effects, they are left out of the bundle.
      name: 'unused-parts-of-core',
      setup: ({ onResolve, resolve }) => {
        onResolve({ filter: /./ }, async ({ path, pluginData, ...options }) => {
          const unused = /^@actions\/(http-client|exec)|\/(summary|platform|path-utils|oidc-utils)\.js$/.test(path);
          if (!unused || pluginData === 'resolving') return undefined;
          const resolved = await resolve(path, { ...options, pluginData: 'resolving' });
          return { ...resolved, sideEffects: false };
        });
        // One script for both steps: half the size.
        onResolve({ filter: /^\.\/action\.js$/ }, () => ({ path: './action.cjs', external: true }));
        onResolve({ filter: /^crypto$/ }, () => ({ path: join(root, 'js/crypto.js') }));
        onResolve({ filter: /^debug$/ }, () => ({ path: join(root, 'js/network/debug.js') }));
      },
    },
  ],
});

const bundled = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
const packages = bundled.map((path) => /^node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]).filter(Boolean);
const metadata = run('cargo', ['metadata', '--locked', '--format-version', '1', '--filter-platform', 'wasm32-unknown-unknown']);
writeFileSync(
  join(dist, 'licenses.txt'),
  notices([...new Set(packages)].map((path) => join(root, path)), JSON.parse(metadata), standardCrates()),
);

/** The crates of the standard library, by the paths in panic messages. */
function standardCrates() {
  const text = readFileSync(join(dist, 'reoclo_docker_auth.wasm'), 'latin1');
  return [...new Set(text.match(/\/rust\/deps\/[\w-]+-\d+\.\d+\.\d+/g))].map((path) => /deps\/(.*)-([^-]*)$/.exec(path).slice(1));
}

for (const file of readdirSync(dist)) {
  console.log(`${String(statSync(join(dist, file)).size).padStart(8)} bytes  ${file}`);
}
