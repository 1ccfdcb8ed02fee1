// Serves the built page on loopback and prints its address: `make site`.
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = join(import.meta.dirname, 'dist');
const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.wasm': 'application/wasm' };

/**
 * Serves a folder below a path, compressed, as a static host does.
 *
 * @param {object} [options]
 * @param {string} [options.base] the path, with slashes at both ends
 * @param {string} [options.folder]
 * @returns {Promise<{ url: string, requests: { url: string, bytes: number }[], stop(): Promise<void> }>} the address, and the
 *   requests so far with the bytes of their bodies
 */
export async function servePage({ base = '/', folder = DIST } = {}) {
  const requests = [];
  const names = await readdir(folder);
  const files = new Map(await Promise.all(names.map(async (name) => [name, gzipSync(await readFile(join(folder, name)), { level: 9 })])));
  const server = createServer(({ url }, response) => {
    const path = new URL(url, 'http://localhost').pathname;
    const name = path === base ? 'index.html' : path.slice(base.length);
    const file = path.startsWith(base) ? files.get(name) : undefined;
    const body = file ?? gzipSync('not found');
    requests.push({ url, bytes: body.length });
    response.writeHead(file ? 200 : 404, { 'content-type': TYPES[extname(name)] ?? 'text/plain', 'content-encoding': 'gzip', 'content-length': body.length });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}${base}`,
    requests,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

if (process.argv[1] === import.meta.filename) {
  const { url } = await servePage();
  console.log(`The page is at ${url} (Ctrl+C to stop)`);
}
