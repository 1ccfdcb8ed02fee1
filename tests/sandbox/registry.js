// A real container registry: CNCF distribution with htpasswd users, on a port
// of 127.0.0.1 that the kernel chooses, with its storage in a temporary folder.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import bcrypt from 'bcryptjs';

// bcrypt's lowest cost: the users exist for one test.
const BCRYPT_COST = 4;

/**
 * Starts a registry and resolves when it listens.
 *
 * @param {{ users?: Record<string, string>, command?: string }} [options]
 *   `users` maps usernames to passwords; `command` is the registry's program.
 * @returns {Promise<{ host: string, users: Record<string, string>, stop(): Promise<void> }>}
 *   `host` is `127.0.0.1:PORT`.
 */
export async function startRegistry({
  users = { robot: 'robot-password' },
  command = 'docker-registry',
} = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'docker-auth-registry-'));
  const htpasswd = join(folder, 'htpasswd');
  const config = join(folder, 'config.yml');
  await writeFile(
    htpasswd,
    Object.entries(users)
      .map(([name, password]) => `${name}:${bcrypt.hashSync(password, BCRYPT_COST)}\n`)
      .join(''),
  );
  // JSON is YAML too.
  await writeFile(
    config,
    JSON.stringify({
      version: '0.1',
      // The port is only in the log, at level info.
      log: { level: 'info', formatter: 'json', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr: '127.0.0.1:0' },
      auth: { htpasswd: { realm: 'sandbox', path: htpasswd } },
    }),
  );

  const child = spawn(command, ['serve', config], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const ended = once(child, 'close');

  const stop = async () => {
    // SIGTERM is not enough: without a drain timeout distribution 2.8 ignores it.
    kill();
    await ended.catch(() => {});
    process.off('exit', kill);
    await rm(folder, { recursive: true, force: true });
  };

  try {
    const host = await Promise.race([
      listening(child.stderr),
      ended.then(([code]) => {
        throw new Error(`${command} exited with code ${code} before it listened`);
      }),
    ]);
    return { host, users, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves to the host in the line "listening on HOST"; other lines are ignored. */
function listening(log) {
  return new Promise((resolve) => {
    createInterface({ input: log }).on('line', (line) => {
      const host = line.match(/"msg":"listening on ([^",]+)/)?.[1];
      if (host) resolve(host);
    });
  });
}
