// A real Gitea server with the actions and one repository that uses them, on 127.0.0.1.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../support/child.js';
import { closedPort } from '../support/serve.js';
import { BIN, git, USES } from './actions.js';

const STATIC_FILES = join(BIN, '../gitea');
const STARTS_WITHIN_MS = 60_000;
const ANSWERS_WITHIN_MS = 30_000;
const POLL_INTERVAL_MS = 50;

/** Who starts every job. */
export const ACTOR = 'octocat';
/** The repository that jobs run in. */
export const REPOSITORY = 'acme/shop';

/**
 * Starts a server that holds the actions.
 *
 * @param {Record<string, string>} actions `owner/name@tag` → folder of its export
 * @returns {Promise<GiteaServer>}
 */
export async function startGitea(actions) {
  const server = new GiteaServer(await mkdtemp(join(tmpdir(), 'docker-auth-gitea-')));
  try {
    await server.open(actions);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class GiteaServer {
  /** Its base URL, without a slash at the end. */
  url;

  #folder;
  #run;
  #token;
  #password;

  constructor(folder) {
    this.#folder = folder;
  }

  async open(actions) {
    await this.#listen();
    await this.#createUser();
    for (const owner of new Set([REPOSITORY, ...Object.keys(actions)].map((name) => name.split('/')[0]))) {
      await this.api('POST', '/orgs', { username: owner });
    }
    for (const [action, folder] of Object.entries(actions)) await this.#publish(action, folder);
  }

  /**
   * Calls the API as the user who starts every job.
   *
   * @returns {Promise<any>} the response's JSON, or its text if it is none
   */
  async api(method, path, body) {
    return this.#request(method, `/api/v1${path}`, {
      headers: { authorization: `token ${this.#token}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
  }

  /**
   * Replaces the repository with one that has nothing but a workflow, which starts on this push.
   *
   * @param {{ workflow: string, tree?: string, secrets: Record<string, string>, vars: Record<string, string> }} job with
   *   `tree`, a clone, the repository has the workflow and all its other files
   * @returns {Promise<number>} id of the run
   */
  async push({ workflow, tree, secrets, vars }) {
    const [owner, name] = REPOSITORY.split('/');
    const path = `/repos/${REPOSITORY}`;
    await this.api('DELETE', path).catch((error) => {
      if (error.status !== 404) throw error;
    });
    await this.api('POST', `/orgs/${owner}/repos`, { name, default_branch: 'main' });
    for (const [secret, data] of Object.entries(secrets)) await this.api('PUT', `${path}/actions/secrets/${secret}`, { data });
    for (const [variable, value] of Object.entries(vars)) await this.api('POST', `${path}/actions/variables/${variable}`, { value });
    if (tree) await this.#pushTree(tree, workflow);
    else {
      await this.api('POST', `${path}/contents/.gitea/workflows/job.yml`, {
        content: Buffer.from(this.#withOwnActions(workflow)).toString('base64'),
        message: 'Add a workflow',
        branch: 'main',
      });
    }
    const run = await this.#until('the push started a run', async () => (await this.api('GET', `${path}/actions/runs`)).workflow_runs[0]);
    return run.id;
  }

  /** Cancels a run as the button in the browser does: the API cannot. */
  async cancel(run) {
    const { headers } = await this.#send('POST', '/user/login', {
      body: new URLSearchParams({ user_name: ACTOR, password: this.#password }),
      redirect: 'manual',
    });
    // The session gets a new cookie when the user has signed in: the last one counts.
    const session = headers.getSetCookie().findLast((cookie) => cookie.startsWith('i_like_gitea='));
    const cookie = session?.split(';')[0] ?? '';
    await this.#request('POST', `/${REPOSITORY}/actions/runs/${run}/cancel`, { headers: { cookie } });
  }

  /**
   * The one job of a run that its runner has left.
   *
   * @returns {Promise<{ conclusion: string, log: string[] }>} the log's lines as users see them
   */
  async job(run) {
    const path = `/repos/${REPOSITORY}/actions`;
    const job = await this.#until(`run ${run} ended`, async () => {
      const { jobs } = await this.api('GET', `${path}/runs/${run}/jobs`);
      return jobs[0].status === 'completed' && jobs[0];
    });
    const log = await this.api('GET', `${path}/jobs/${job.id}/logs`);
    // Each line begins with its time.
    return { conclusion: job.conclusion, log: log.split('\n').map((line) => line.replace(/^\S+ /, '')) };
  }

  /** Ends the server and removes all that it has stored. */
  async stop() {
    this.#run?.child.kill('SIGKILL');
    await this.#run?.ended;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #listen() {
    const tries = 3;
    for (let i = 1; !this.url; i += 1) {
      const port = await closedPort();
      const url = `http://127.0.0.1:${port}`;
      await this.#configure(port, url);
      this.#run = this.#gitea('web');
      let ended;
      this.#run.ended.then((result) => (ended = result));
      const answers = () => ended || fetch(`${url}/api/v1/version`, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) }).then(({ ok }) => ok, () => false);
      await this.#until('Gitea answers', answers, STARTS_WITHIN_MS);
      if (!ended) this.url = url;
      // Another program may have taken the port in the meantime.
      else if (i === tries) throw new Error(`Gitea ended:\n${ended.stdout}${ended.stderr}`);
    }
  }

  async #configure(port, url) {
    const sections = {
      server: { HTTP_ADDR: '127.0.0.1', HTTP_PORT: port, ROOT_URL: `${url}/`, STATIC_ROOT_PATH: STATIC_FILES, DISABLE_SSH: true, OFFLINE_MODE: true },
      database: { DB_TYPE: 'sqlite3' },
      security: { INSTALL_LOCK: true },
      service: { DISABLE_REGISTRATION: true },
      mailer: { ENABLED: false },
      cron: { ENABLED: false },
      // What a request sets off has happened when it is answered.
      queue: { TYPE: 'immediate' },
      actions: { ENABLED: true, DEFAULT_ACTIONS_URL: 'self' },
      log: { LEVEL: 'Error' },
    };
    const lines = Object.entries(sections).flatMap(([section, values]) => [`[${section}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${value}`)]);
    await writeFile(join(this.#folder, 'app.ini'), [`WORK_PATH = ${this.#folder}`, ...lines, ''].join('\n'));
  }

  #gitea(...args) {
    return startChild(join(BIN, 'gitea'), [...args, '--config', join(this.#folder, 'app.ini')], {
      cwd: this.#folder,
      // Where tests run as root, so does Gitea.
      env: { PATH: process.env.PATH, HOME: this.#folder, TMPDIR: this.#folder, GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT: 'true' },
    });
  }

  async #createUser() {
    const user = ['--username', ACTOR, '--email', `${ACTOR}@example.com`, '--admin', '--must-change-password=false'];
    const { code, stdout, stderr } = await this.#gitea('admin', 'user', 'create', ...user, '--random-password', '--access-token').ended;
    this.#password = /generated random password is '(.*)'/.exec(stdout)?.[1];
    this.#token = /Access token was successfully created\W+(\w+)/.exec(stdout)?.[1];
    if (code !== 0 || !this.#password || !this.#token) throw new Error(`Gitea did not create a user:\n${stdout}${stderr}`);
  }

  /** Pushes an action with its tag. */
  async #publish(action, folder) {
    const [repository, tag] = action.split('@');
    const [owner, name] = repository.split('/');
    await this.api('POST', `/orgs/${owner}/repos`, { name, default_branch: 'main' });
    const tree = join(this.#folder, 'actions', repository);
    await cp(folder, tree, { recursive: true });
    const manifest = join(tree, 'action.yml');
    await writeFile(manifest, this.#withOwnActions(await readFile(manifest, 'utf8')));
    git(tree, 'init', '--quiet', '--initial-branch=main');
    git(tree, 'add', '--all', '--force', '.');
    git(tree, 'commit', '--quiet', '--message', tag);
    git(tree, 'tag', tag);
    git(tree, 'push', '--quiet', this.#remote(repository), 'main', tag);
  }

  async #pushTree(tree, workflow) {
    const workflows = join(tree, '.gitea/workflows');
    await rm(workflows, { recursive: true });
    await mkdir(workflows);
    await writeFile(join(workflows, 'job.yml'), workflow);
    git(tree, 'add', '--all', '.');
    git(tree, 'commit', '--quiet', '--message', 'one workflow');
    git(tree, 'push', '--quiet', this.#remote(REPOSITORY), 'HEAD:main');
  }

  #remote(repository) {
    return Object.assign(new URL(`${this.url}/${repository}`), { username: ACTOR, password: this.#token }).href;
  }

  /** A workflow or an action that names the actions by their URLs: without a host, runners look on the instance's default one. */
  #withOwnActions(text) {
    return text.replaceAll(USES, `$1${this.url}/`);
  }

  async #request(method, path, options) {
    const response = await this.#send(method, path, options);
    const text = await response.text();
    if (!response.ok) throw Object.assign(new Error(`${method} ${path}: HTTP ${response.status}: ${text}`), { status: response.status });
    return response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text;
  }

  #send(method, path, options) {
    return fetch(this.url + path, { method, signal: AbortSignal.timeout(ANSWERS_WITHIN_MS), ...options });
  }

  /** Polls until `look` resolves to something; rejects at the deadline. */
  async #until(what, look, withinMs = ANSWERS_WITHIN_MS) {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (performance.now() > deadline) throw new Error(`Timed out after ${withinMs} ms, waiting until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
  }
}
