// A small http server on a port of 127.0.0.1 that the kernel chooses.
import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * @param {import('node:http').RequestListener} answer what every request gets
 * @returns {Promise<{ host: string, stop(): Promise<void> }>} `host` is `127.0.0.1:PORT`
 */
export async function serve(answer) {
  const server = createServer(answer);
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
