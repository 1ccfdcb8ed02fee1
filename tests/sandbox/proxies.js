// Real proxies on loopback: tinyproxy, which speaks HTTP and CONNECT, and microsocks, which speaks SOCKS 5.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startChild } from '../support/child.js';
import { closedPort } from '../support/serve.js';

const LISTENS_WITHIN_MS = 10_000;

/**
 * @typedef {object} Proxy
 * @property {string} host `127.0.0.1:PORT`
 * @property {() => string} log its output so far
 * @property {() => Promise<void>} stop
 */

/**
 * @param {{ user?: string, password?: string }} [credentials] what it requires
 * @returns {Promise<Proxy>}
 */
export async function startHttpProxy({ user, password } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'docker-auth-proxy-'));
  const config = join(folder, 'tinyproxy.conf');
  // Neither program can listen on a port of the kernel's choice, so a free one is looked up first.
  const port = await closedPort();
  const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'Allow 127.0.0.1', 'Timeout 60', 'LogLevel Connect'];
  if (user) lines.push(`BasicAuth ${user} ${password}`);
  await writeFile(config, `${lines.join('\n')}\n`);
  return start('tinyproxy', ['-d', '-c', config], port, () => rm(folder, { recursive: true }));
}

/**
 * @param {{ user?: string, password?: string }} [credentials] what it requires
 * @returns {Promise<Proxy>}
 */
export async function startSocksProxy({ user, password } = {}) {
  const port = await closedPort();
  const credentials = user ? ['-u', user, '-P', password] : [];
  return start('microsocks', ['-i', '127.0.0.1', '-p', String(port), ...credentials], port);
}

async function start(command, args, port, cleanUp) {
  let log = '';
  const { child, ended } = startChild(command, args, { env: { PATH: process.env.PATH } });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended.catch(() => {});
    await cleanUp?.();
  };
  try {
    await Promise.race([
      listening(port),
      ended.then(({ code }) => {
        throw new Error(`${command} exited with code ${code} before it listened: ${log}`);
      }),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host: `127.0.0.1:${port}`, log: () => log, stop };
}

/** Neither program prints when it listens, so connections are attempted. */
async function listening(port) {
  const signal = AbortSignal.timeout(LISTENS_WITHIN_MS);
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect', { signal });
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      await pause(10);
    } finally {
      socket.destroy();
    }
  }
}
