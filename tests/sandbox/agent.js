// The agent of one managed server. A "server" is its own docker config folder, in which the real docker CLI logs in and
// out.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../support/child.js';

// Docker Hub goes by several names but has one entry in config.json, which
// `docker logout docker.io` does not find.
const DOCKER_HUB = 'https://index.docker.io/v1/';
const DOCKER_HUB_NAMES = new Set(['docker.io', 'index.docker.io', DOCKER_HUB]);

/**
 * @param {object} [options]
 * @param {string[]} [options.docker] the docker CLI, with leading arguments;
 *   the substitute is used only if it is named here
 * @param {number} [options.timeLimitMs] docker is killed after this long
 * @param {'failed' | 'completed'} [options.nonZeroExit] the status of an
 *   operation whose docker exited non-zero; the API allows both
 * @returns {Promise<Agent>}
 */
export async function createAgent(options) {
  return new Agent(await mkdtemp(join(tmpdir(), 'docker-auth-server-')), options);
}

class Agent {
  #docker;
  #timeLimitMs;
  #nonZeroExit;
  #running = new Set();

  constructor(folder, { docker = ['docker'], timeLimitMs = 60_000, nonZeroExit = 'failed' } = {}) {
    /** The server's DOCKER_CONFIG. */
    this.folder = folder;
    this.#docker = docker;
    this.#timeLimitMs = timeLimitMs;
    this.#nonZeroExit = nonZeroExit;
  }

  /** Runs `docker login`; resolves to `{ status, result }` as the API shows them. */
  login({ registry_url, username, password }) {
    const args = ['login', '--username', username, '--password-stdin', address(registry_url)];
    return this.#run(args, password);
  }

  /** Runs `docker logout`; resolves to `{ status, result }`. */
  logout({ registry_url }) {
    return this.#run(['logout', address(registry_url)]);
  }

  /** The server's config.json, or {} if there is none. */
  config() {
    try {
      return JSON.parse(readFileSync(join(this.folder, 'config.json'), 'utf8'));
    } catch (error) {
      if (error.code === 'ENOENT') return {};
      throw error;
    }
  }

  /** The registries that the server is logged in to. */
  logins() {
    return Object.keys(this.config().auths ?? {});
  }

  /** Kills running commands and removes the server. */
  async stop() {
    const running = [...this.#running];
    running.forEach(({ child }) => child.kill('SIGKILL'));
    await Promise.allSettled(running.map(({ ended }) => ended));
    await rm(this.folder, { recursive: true, force: true });
  }

  async #run(args, input) {
    const [command, ...leading] = this.#docker;
    const run = startChild(command, [...leading, ...args], {
      env: {
        PATH: process.env.PATH,
        HOME: this.folder,
        DOCKER_CONFIG: this.folder,
        // A reachable daemon would log in itself, with other output and from another network.
        DOCKER_HOST: 'unix:///nonexistent/docker.sock',
      },
      input,
      timeLimitMs: this.#timeLimitMs,
    });
    this.#running.add(run);
    try {
      const { code, timedOut, stdout, stderr, durationMs } = await run.ended;
      const result = { exit_code: code ?? undefined, stdout, stderr, duration_ms: durationMs };
      if (timedOut) return { status: 'timeout', result };
      if (code === 0) return { status: 'completed', result };
      return { status: code === null ? 'failed' : this.#nonZeroExit, result };
    } catch (error) {
      return { status: 'failed', result: { stderr: `cannot run ${command}: ${error.code}` } };
    } finally {
      this.#running.delete(run);
    }
  }
}

/** The address under which docker knows a registry. */
function address(registryUrl) {
  return DOCKER_HUB_NAMES.has(registryUrl) ? DOCKER_HUB : registryUrl;
}
