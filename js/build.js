// Builds dist/, or the folder given, from the sources: `make dist`. The same sources give the same bytes on every machine.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.js';
import { components } from './components.js';
import { notices } from './licenses.js';
import { buildWasm } from './wasm.js';

const root = join(import.meta.dirname, '..');
const dist = join(root, process.argv[2] ?? 'dist');
const wasm = join(dist, 'reoclo_docker_auth.wasm');

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
buildWasm({ name: 'reoclo-docker-auth', bindings: join(root, 'target', 'wasm'), wasm });

const { packages } = await bundle(dist);
writeFileSync(join(dist, 'licenses.txt'), notices(components(packages, wasm)));

for (const file of readdirSync(dist)) {
  console.log(`${String(statSync(join(dist, file)).size).padStart(8)} bytes  ${file}`);
}
