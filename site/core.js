// The built core in Node.js, for the build and for tests: the same bytes that the page loads.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string} [dist] the folder of the built page
 * @returns {Promise<(form: Record<string, string>) => object>} what the page calls: a form in, a page out
 */
export async function loadCore(dist = join(import.meta.dirname, 'dist')) {
  const { default: init, write } = await import('../target/site/reoclo_docker_auth_site.js');
  await init({ module_or_path: readFileSync(join(dist, 'core.wasm')) });
  return write;
}
