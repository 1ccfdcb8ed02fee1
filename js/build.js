// Builds dist/ (or the folder named) from the sources: `make dist`. The same sources give the same bytes on any machine with this toolchain.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { notices } from './licenses.js';

const root = join(import.meta.dirname, '..');
const dist = join(root, process.argv[2] ?? 'dist');
const cargoTarget = join(root, 'target', 'dist');
const bindings = join(root, 'target', 'wasm');
const run = (command, args, env = {}) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, ...env } });

run('cargo', ['fetch', '--locked', '--quiet']);

// Paths of this machine must not end up in what is built, or the bytes would differ from machine to machine.
const sysroot = run('rustc', ['--print', 'sysroot']).trim();
const commit = /^commit-hash: (.*)$/m.exec(run('rustc', ['-vV']))[1];
const registries = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry/src');
const remaps = [
  ...readdirSync(registries).map((registry) => [join(registries, registry), '/cargo']),
  [join(sysroot, 'lib/rustlib/src/rust'), `/rustc/${commit}`],
  [root, '/docker-auth'],
];
// The standard library is built with the core, for size and without the texts of panics, which nobody would see: a panic
// is a trap. That takes a fifth off the wasm, and options that the pinned compiler has but does not promise for later ones.
const smaller = ['-Zunstable-options', '-Cpanic=immediate-abort', '-Zlocation-detail=none', '-Zfmt-debug=none'];
const standardLibrary = ['-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size'];
run(
  'cargo',
  ['build', '--release', '--locked', '--quiet', '--target', 'wasm32-unknown-unknown', '--target-dir', cargoTarget, ...standardLibrary],
  {
    RUSTC_BOOTSTRAP: '1',
    CARGO_ENCODED_RUSTFLAGS: [...remaps.map(([from, to]) => `--remap-path-prefix=${from}=${to}`), ...smaller].join('\x1f'),
    CARGO_INCREMENTAL: '0',
  },
);

rmSync(bindings, { recursive: true, force: true });
run('wasm-bindgen', [
  join(cargoTarget, 'wasm32-unknown-unknown/release/reoclo_docker_auth.wasm'),
  ...['--target', 'web', '--omit-default-module-path', '--no-typescript', '--out-dir', bindings],
]);

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
// Named features and not --all-features, which makes modules that Node 20 refuses.
const features = ['bulk-memory', 'sign-ext', 'mutable-globals', 'nontrapping-float-to-int', 'reference-types', 'multivalue'];
const wasm = join(dist, 'reoclo_docker_auth.wasm');
const optimise = (from, ...passes) =>
  run(join(root, 'node_modules/.bin/wasm-opt'), [...features.map((feature) => `--enable-${feature}`), ...passes, from, '-o', wasm]);
const stripped = ['--strip-debug', '--strip-producers', '--strip-target-features'];
optimise(join(bindings, 'reoclo_docker_auth_bg.wasm'), '-Oz', '--converge', ...stripped);
// Names by which wasm and JavaScript call each other: a letter or two instead of forty, 5 KB here and 3 in each script.
const shortened = optimise(wasm, '--minify-imports-and-exports-and-modules', ...stripped);
shortenNames(join(bindings, 'reoclo_docker_auth.js'), JSON.parse(shortened));

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { main: 'js/main.js', post: 'js/post.js', network: 'js/network/index.js' },
  // 2 ms of every step; who wants to read what runs reads js/ and rebuilds it.
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
      // What core does when it is merely loaded is for calls that are never made here: its OIDC client brings a whole
      // HTTP stack, and its summary node:fs/promises. Unused and free of side effects, they stay out of the bundle.
      name: 'only-what-is-used-of-core',
      setup: ({ onResolve, resolve }) => {
        onResolve({ filter: /./ }, async ({ path, pluginData, ...options }) => {
          const unused = /^@actions\/(http-client|exec)|\/(summary|platform|path-utils|oidc-utils)\.js$/.test(path);
          if (!unused || pluginData === 'resolving') return undefined;
          const resolved = await resolve(path, { ...options, pluginData: 'resolving' });
          return { ...resolved, sideEffects: false };
        });
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
  notices([...new Set(packages)].map((path) => join(root, path)), JSON.parse(metadata)),
);

for (const file of readdirSync(dist)) {
  console.log(`${String(statSync(join(dist, file)).size).padStart(8)} bytes  ${file}`);
}

/** Lets wasm-bindgen's script use the names that wasm-opt has given to imports and exports. */
function shortenNames(script, { imports, exports }) {
  let text = readFileSync(script, 'utf8');
  for (const [module, name, short] of imports) {
    text = replaced(text, `        ${name}: function`, `        ${short}: function`);
    text = text.replace(`"${module}": import0`, '"a": import0');
  }
  for (const [name, short] of exports) text = text.replaceAll(new RegExp(`\\bwasm\\.${name}\\b`, 'g'), `wasm.${short}`);
  writeFileSync(script, text);
}

function replaced(text, from, to) {
  if (!text.includes(from)) throw new Error(`wasm-bindgen's script has no ${from.trim()}`);
  return text.replace(from, () => to);
}
