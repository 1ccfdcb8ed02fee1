// The environment of an end-to-end test: a real registry, the stand-in for Reoclo, and a runner that runs each step of the
// committed action in its own process.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { startChild } from '../support/child.js';
import { startReoclo } from '../sandbox/reoclo.js';
import { startRegistry } from '../sandbox/registry.js';
import { parseKeyValues, parseLog, splitLines } from '../support/runner-files.js';
import { savedLogins } from './saved-logins.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

// A step that runs this long is stuck, and its test fails.
const STUCK_AFTER_MS = 60_000;

/** Node's arguments for a step that loads conditions.cjs, which is configured by environment variables. */
export const UNDER_CONDITIONS = ['--require', fileURLToPath(new URL('./conditions.cjs', import.meta.url))];

// The default Node for steps: runners have their own.
const NODE = process.env.ACTION_NODE ?? process.execPath;
// And the runner's system, where that Node is one of another system (see tests/platforms).
export const OS = process.env.ACTION_OS ?? 'Linux';

// The environment variables of a runner.
const RUN = {
  CI: 'true',
  GITHUB_ACTIONS: 'true',
  GITHUB_ACTOR: 'octocat',
  GITHUB_API_URL: 'https://api.github.com',
  GITHUB_EVENT_NAME: 'push',
  GITHUB_JOB: 'deploy',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_RUN_ID: '9876543210',
  GITHUB_RUN_NUMBER: '42',
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
  GITHUB_WORKFLOW: 'Deploy',
  RUNNER_ARCH: 'X64',
  RUNNER_ENVIRONMENT: 'github-hosted',
  RUNNER_NAME: 'runner-1',
};

// The files that a step writes, by their name in the result.
const FILES = {
  state: { variable: 'GITHUB_STATE', prefix: 'save_state_' },
  outputs: { variable: 'GITHUB_OUTPUT', prefix: 'set_output_' },
  summary: { variable: 'GITHUB_STEP_SUMMARY', prefix: 'step_summary_' },
  env: { variable: 'GITHUB_ENV', prefix: 'set_env_' },
  path: { variable: 'GITHUB_PATH', prefix: 'add_path_' },
};

/**
 * Creates a test environment: a registry with one user, a stand-in with an API key of full
 * scope, and a credential in its vault for that registry and user.
 *
 * @param {import('node:test').TestContext} [t] closes it after the test;
 *   without it the caller does
 * @param {object} [options]
 * @param {string[]} [options.servers] names of the managed servers
 * @param {object} [options.agent] options of the servers' agents (see agent.js)
 * @param {object} [options.key] scope of the API key where it is not the full one
 * @param {string} [options.host] address of the stand-in
 * @param {Function} [options.registry] starts the registry
 * @param {string} [options.action] the folder that holds action.yml
 * @param {string} [options.folderName] how the name of the runner's folder begins
 * @param {string} [options.os] the runner's system
 * @returns {Promise<TestEnv>}
 */
export async function createTestEnv(t, options) {
  const testEnv = new TestEnv();
  try {
    await testEnv.open(options);
  } catch (error) {
    await testEnv.close();
    throw error;
  }
  t?.after(() => testEnv.close());
  return testEnv;
}

class TestEnv {
  /** All folders of the runner; those of the servers are not in it. */
  folder;
  registry;
  reoclo;
  apiKey;
  /** The registry's user. */
  username = 'robot';
  // Different in every encoding: base64, URL, JSON and commands.
  password = `${randomBytes(9).toString('base64url')}%+/"é`;
  /** name → `{ id, name, agent }` */
  servers = {};
  /** The first of them. */
  server;
  /** The vault's credential for the registry. */
  credentialId;

  #action;
  #manifest;
  #os;
  #resources = [];
  #steps = [];

  async open({
    servers = ['web-1'],
    agent,
    key,
    host,
    registry = startRegistry,
    action = REPOSITORY,
    folderName = 'docker-auth-runner-',
    os = OS,
  } = {}) {
    this.#action = action;
    this.#os = os;
    this.#manifest = parse(await readFile(join(action, 'action.yml'), 'utf8'));
    this.folder = await mkdtemp(join(tmpdir(), folderName));
    for (const name of ['home', 'temp/_runner_file_commands', 'workspace']) {
      await mkdir(join(this.folder, name), { recursive: true });
    }

    const users = { [this.username]: this.password };
    this.registry = this.cleanUp(await registry({ users }));
    const managed = servers.map((name) => ({ id: randomUUID(), name }));
    this.reoclo = this.cleanUp(await startReoclo({ host, servers: managed, agent }));
    for (const { id, name } of managed) this.servers[name] = this.reoclo.servers.get(id);
    this.server = this.servers[servers[0]];
    this.credentialId = this.addCredential();
    this.apiKey = this.addKey(key);
  }

  /** Stops a resource by its `stop()` when the test environment is closed; returns the resource. */
  cleanUp(resource) {
    this.#resources.push(resource);
    return resource;
  }

  /** Adds an API key with full scope, changed by `scope`; returns the key. */
  addKey(scope = {}) {
    const key = `rca_${randomBytes(16).toString('hex')}`;
    this.reoclo.keys.set(key, {
      key,
      allowed_operations: ['registry_login', 'registry_logout'],
      allowed_servers: [...this.reoclo.servers.keys()],
      allowed_credentials: [...this.reoclo.credentials.keys()],
      allow_registry_passthrough: true,
      ...scope,
    });
    return key;
  }

  /** Adds a credential to the vault and to the scope of all keys; returns its ID. */
  addCredential(credential = {}) {
    const id = randomUUID();
    this.reoclo.credentials.set(id, {
      id,
      registry_url: this.registry.host,
      registry_type: 'generic',
      username: this.username,
      password: this.password,
      ...credential,
    });
    this.reoclo.keys.forEach((key) => key.allowed_credentials.push(id));
    return id;
  }

  /** Valid inputs with changes; `undefined` removes an input. */
  inputs = {
    vault: (different) => ({
      api_key: this.apiKey,
      api_url: this.reoclo.url,
      server_id: this.server.id,
      credential_id: this.credentialId,
      ...different,
    }),
    passthrough: (different) => ({
      api_key: this.apiKey,
      api_url: this.reoclo.url,
      server_id: this.server.id,
      username: this.username,
      access_token: this.password,
      registry_url: this.registry.host,
      ...different,
    }),
  };

  /**
   * Starts a step of the action as a runner does.
   *
   * @param {'main' | 'post'} step
   * @param {object} [options]
   * @param {Record<string, string>} [options.inputs] `with:` of the step
   * @param {Record<string, string>} [options.env] more of the environment;
   *   `undefined` removes a variable
   * @param {Record<string, string>} [options.state] what main saved, for post
   * @param {string} [options.node] the node to run it with, and `nodeArgs` for it
   * @param {string} [options.dist] another folder to take the step's file from
   * @returns {{ child: import('node:child_process').ChildProcess, output: () => string, done: Promise<Result> }}
   *   `output()` is its stdout so far; `done` resolves when the step has ended; it rejects if the step is stuck or
   *   leaked a secret
   */
  start(step, options = {}) {
    const {
      inputs = {},
      env = {},
      state = {},
      node = NODE,
      nodeArgs = [],
      dist,
    } = options;
    const entry = this.#manifest.runs[step];
    const script = dist ? join(dist, basename(entry)) : join(this.#action, entry);
    const files = this.#createFiles();

    const run = startChild(node, [...nodeArgs, script], {
      cwd: join(this.folder, 'workspace'),
      env: {
        ...RUN,
        RUNNER_OS: this.#os,
        PATH: '/usr/bin:/bin',
        HOME: join(this.folder, 'home'),
        GITHUB_WORKSPACE: join(this.folder, 'workspace'),
        RUNNER_TEMP: join(this.folder, 'temp'),
        ...Object.fromEntries(files.map(({ variable, path }) => [variable, path])),
        ...this.#inputVariables(inputs),
        ...Object.fromEntries(Object.entries(state).map(([key, value]) => [`STATE_${key}`, value])),
        ...env,
      },
      timeLimitMs: STUCK_AFTER_MS,
    });
    const handle = { child: run.child, output: run.output, done: this.#result(run, { step, inputs, env, files }) };
    this.#steps.push(handle);
    return handle;
  }

  /** Runs a step to its end. */
  run(step, options) {
    return this.start(step, options).done;
  }

  /** Starts the post step of a finished main step. */
  startPost({ inputs, env, state }, options) {
    return this.start('post', { inputs, env, state, ...options });
  }

  /** Runs the post step of a finished main step. */
  runPost(main, options) {
    return this.startPost(main, options).done;
  }

  /**
   * Asserts that a step has leaked no secret, plain or encoded, whole or one line of it, in its log (except in
   * `::add-mask::`) or in any file. Only the state file may contain the API key.
   *
   * @param {Result} result
   * @param {string[]} [extraSecrets]
   */
  async assertNoLeaks({ inputs, stdout, stderr, commands = [] }, extraSecrets = []) {
    const { api_key, access_token, username } = inputs;
    const keys = [api_key, ...this.reoclo.keys.keys()].flatMap((key) => variants('API key', key));
    const others = [
      ...variants('access token', access_token, username),
      ...[...this.reoclo.credentials.values()].flatMap((vaulted) =>
        variants('vault password', vaulted.password, vaulted.username),
      ),
      ...extraSecrets.flatMap((secret) => variants('secret', secret)),
    ];

    const unmasked = splitLines(stdout).filter((line) => !/^(\s*::add-mask::|##\[add-mask\])/.test(line));
    assertAbsent('stdout', unmasked.join('\n'), [...keys, ...others]);
    // Commands are escaped in stdout but shown unescaped.
    for (const { command, properties, data } of commands.filter((printed) => printed.command !== 'add-mask')) {
      assertAbsent(`::${command}::`, [data, ...Object.values(properties)].join('\n'), [...keys, ...others]);
    }
    assertAbsent('stderr', stderr, [...keys, ...others]);
    for (const entry of await readdir(this.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = await readFile(join(entry.parentPath ?? entry.path, entry.name), 'utf8');
      const isState = entry.name.startsWith(FILES.state.prefix);
      assertAbsent(entry.name, text, isState ? others : [...keys, ...others]);
    }
  }

  /** Kills all steps, then stops all resources in reverse order. */
  async close() {
    this.#steps.forEach(({ child }) => child.kill('SIGKILL'));
    await Promise.allSettled(this.#steps.map(({ done }) => done));

    const failures = [];
    for (const resource of this.#resources.reverse()) {
      await resource.stop().catch((error) => failures.push(error));
    }
    if (this.folder) await rm(this.folder, { recursive: true });
    if (failures.length > 0) throw failures[0];
  }

  async #result(run, { step, inputs, env, files }) {
    const { code, signal, timedOut, durationMs, ...streams } = await run.ended;
    const [stdout, stderr] = [streams.stdout, streams.stderr].map((text) => (this.#os === 'Windows' ? text.replaceAll('\r\n', '\n') : text));
    const text = Object.fromEntries(
      files.map(({ name, path }) => [name, readFileSync(path, 'utf8')]),
    );
    const log = parseLog(stdout);
    const commands = [...log.commands, ...parseLog(stderr).commands];
    // Outputs and state may be written to a file or as commands.
    const printed = (name) =>
      Object.fromEntries(
        commands
          .filter(({ command }) => command === name)
          .map(({ properties, data }) => [properties.name, data]),
      );
    const state = { ...printed('save-state'), ...parseKeyValues(text.state, this.#os) };
    const result = {
      step,
      inputs,
      env,
      code,
      signal,
      stdout,
      stderr,
      durationMs,
      files: text,
      state,
      // The logins of the saved state.
      saved: savedLogins(state),
      outputs: { ...printed('set-output'), ...parseKeyValues(text.outputs, this.#os) },
      summary: text.summary,
      commands,
      annotations: commands
        .filter(({ command }) => ['error', 'warning', 'notice'].includes(command))
        .map(({ command, properties, data }) => ({
          level: command,
          title: properties.title,
          message: data,
        })),
      log: log.lines,
    };
    if (timedOut) {
      throw new Error(`${step} was still running after ${STUCK_AFTER_MS} ms:\n${stdout}${stderr}`);
    }
    if (code > 0 && stdout === '') throw new Error(`${step} failed with exit code ${code} and printed only this:\n${stderr}`);
    await this.assertNoLeaks(result);
    return result;
  }

  #createFiles() {
    const suffix = randomUUID();
    return Object.entries(FILES).map(([name, { variable, prefix }]) => {
      const path = join(this.folder, 'temp/_runner_file_commands', prefix + suffix);
      writeFileSync(path, '');
      return { name, variable, path };
    });
  }

  /** INPUT_*: every input that action.yml declares, with its default if not given. */
  #inputVariables(given) {
    const declared = Object.entries(this.#manifest.inputs);
    const defaults = Object.fromEntries(
      declared.map(([name, input]) => [name, input.default ?? '']),
    );
    const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
    return Object.fromEntries(
      Object.entries({ ...defaults, ...Object.fromEntries(chosen) }).map(([name, value]) => [
        `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`,
        String(value),
      ]),
    );
  }
}

/**
 * The variants in which a secret must not appear, as `[what, text]`. Single characters are ignored, since any text may
 * contain them.
 */
function variants(name, secret = '', username = '') {
  // Without padding, so that both forms are found.
  const base64 = (text) => Buffer.from(text).toString('base64').replace(/=+$/, '');
  const values = [secret, secret.trim()].filter((value) => value.trim().length > 1);
  const lines = splitLines(secret).map((line) => line.trim());
  return [
    ...values.flatMap((value) => [
      [name, value],
      [`${name} in base64`, base64(value)],
      [`user and ${name} in base64`, base64(`${username}:${value}`)],
      [`${name} as in a URL`, encodeURIComponent(value)],
      [`${name} as in a form`, new URLSearchParams([['', value]]).toString().slice(1)],
      [`${name} as in a command`, value.replaceAll('%', '%25')],
      [`${name} as in JSON`, JSON.stringify(value).slice(1, -1)],
      [`${name} on one line`, value.replace(/\s+/g, ' ')],
      [`${name} sanitized`, value.replace(/\s+/g, ' ').replace(/:(?=:)/g, ': ')],
    ]),
    ...lines.filter((line) => line.length > 1).map((line) => [`line of the ${name}`, line]),
  ];
}

function assertAbsent(place, text, secrets) {
  for (const [what, secret] of secrets) {
    // The message must not contain the secret, since it is logged.
    assert.ok(!text.includes(secret), `${place} contains the ${what}`);
  }
}
