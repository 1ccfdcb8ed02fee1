// A gate in front of a registry: it holds every connection until `release()`, so that a real `docker login` keeps running.
//
// docker 28 waits 10 s for a TLS handshake and then 15 s for a response over plain http: a login that is held for more than
// 25 s fails.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';

/**
 * @param {string} upstream the registry's `HOST:PORT`
 * @returns {Promise<{ host: string, waiting: Promise<void>, release(): void, stop(): Promise<void> }>}
 *   `waiting` resolves when the first connection is held.
 */
export async function startGate(upstream) {
  const colon = upstream.lastIndexOf(':');
  const target = { host: upstream.slice(0, colon), port: Number(upstream.slice(colon + 1)) };

  let arrived;
  const waiting = new Promise((resolve) => (arrived = resolve));
  let release;
  const opened = new Promise((resolve) => (release = resolve));
  const sockets = new Set();

  // pauseOnConnect: bytes stay in the kernel until the pipeline reads them.
  const server = createServer({ pauseOnConnect: true }, async (client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    client.on('error', () => {});
    arrived();
    await opened;
    if (client.destroyed) return;
    const registry = connect(target);
    // Either end may close at any time; the pipeline then closes the other.
    pipeline(client, registry, client, () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    host: `127.0.0.1:${server.address().port}`,
    waiting,
    release,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      sockets.forEach((socket) => socket.destroy());
      await closed;
    },
  };
}
