// Builds the page into site/dist, or the folder given: `make site`. The example in it, for browsers without JavaScript and
// until the core is loaded, is written by the core.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { components } from '../js/components.js';
import { notices } from '../js/licenses.js';
import { buildWasm } from '../js/wasm.js';
import { loadCore } from './core.js';
import { highlight } from './highlight.js';

const here = import.meta.dirname;
const root = join(here, '..');
const dist = join(root, process.argv[2] ?? 'site/dist');

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const crate = 'reoclo-docker-auth-site';
const wasm = join(dist, 'core.wasm');
buildWasm({ name: crate, bindings: join(root, 'target/site'), wasm });
writeFileSync(join(dist, 'licenses.txt'), notices(components([], wasm, crate), 'This page'));
await build({
  absWorkingDir: here,
  entryPoints: ['app.js', 'style.css'],
  outdir: dist,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
});
copyFileSync(join(here, 'icon.svg'), join(dist, 'icon.svg'));

const write = await loadCore(dist);
const { workflow, commands, stored } = write({});
const { registry } = write({ mode: 'passthrough' }).fields;
const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
// One element per line, as the page makes them.
const coloured = (text, language) =>
  text
    .split(/(?<=\n)/)
    .map((line) => highlight(line, language).map(({ text, kind }) => (kind ? `<span class="${kind}">${escape(text)}</span>` : escape(text))))
    .map((parts) => `<span>${parts.join('')}</span>`)
    .join('');
const parts = {
  workflow: coloured(workflow, 'yaml'),
  commands: coloured(commands, 'shell'),
  stored: stored.map(({ kind, name, what }) => `<dt><code>${name}</code> <span>${kind}</span></dt><dd>${escape(what)}</dd>`).join(''),
  registries: registry.options.map(({ value, label }) => `<option value="${value}">${escape(label)}</option>`).join(''),
};
const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const page = readFileSync(join(here, 'index.html'), 'utf8')
  .replace('name="commit" content=""', `name="commit" content="${commit}"`)
  .replace(/<!--(\w+)-->/g, (_, part) => parts[part]);
writeFileSync(join(dist, 'index.html'), page);
