// Small servers on ports that the kernel picks.
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/**
 * An HTTP server.
 *
 * @param {import('node:http').RequestListener} respond called for every request
 * @returns {Promise<{ host: string, stop(): Promise<void> }>} `host` is `127.0.0.1:PORT`
 */
export async function serve(respond) {
  const server = createHttpServer(respond);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${server.address().port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * A TCP or TLS server. Errors of its connections are ignored.
 *
 * @param {(socket: import('node:net').Socket) => void} accept called for every connection
 * @param {object} [options]
 * @param {string} [options.address] where it listens
 * @param {number} [options.port] the kernel picks one if it is not given
 * @param {{ key: string, cert: string }} [options.tls] speaks TLS with this certificate
 * @returns {Promise<{ port: number, host: string, stop(): Promise<void> }>} `host` is `ADDRESS:PORT`
 */
export async function serveConnections(accept, { address = '127.0.0.1', port = 0, tls } = {}) {
  const sockets = new Set();
  const accepted = (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    accept(socket);
  };
  const server = tls ? createTlsServer(tls, accepted) : createServer(accepted);
  server.listen(port, address);
  await once(server, 'listening');
  const listening = server.address().port;
  return {
    port: listening,
    host: `${address}:${listening}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      sockets.forEach((socket) => socket.destroy());
      await closed;
    },
  };
}

/** A port of 127.0.0.1 on which nothing listens. */
export async function closedPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
