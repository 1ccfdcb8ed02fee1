// Bundles the shim with esbuild.
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/**
 * @param {string} [outdir] where to write the scripts. Without it nothing is written, and the bindings of the core need not
 *   be built: the bundle then only tells which files would be in it.
 * @returns {Promise<{ scripts: string[], packages: string[] }>} the files in the bundles, and the folders of the npm packages
 *   that they belong to; paths relative to the repository
 */
export async function bundle(outdir) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: 'js/main.js', post: 'js/post.js', action: 'js/action.js', network: 'js/network/index.js' },
    // Saves 2 ms per step. The readable source is js/.
    minify: true,
    external: ['./network.cjs', ...(outdir ? [] : ['../target/wasm/*'])],
    outdir: outdir ?? 'dist',
    write: Boolean(outdir),
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
  const scripts = [...new Set(Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)))];
  // A package may be nested in the folder of another.
  const packages = scripts.flatMap((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return { scripts, packages: [...new Set(packages)] };
}
