// The actions that the workflows use, as exports of their tags: what GitHub hands to its runners.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const ACTIONS = [
  { name: 'reoclo/docker-auth', tag: 'v2', tree: join(HERE, '../..') },
  { name: 'acme/deploy', tag: 'v1', tree: join(HERE, 'actions/deploy') },
  { name: 'acme/login', tag: 'v1', tree: join(HERE, 'actions/login') },
];

/** Where install.sh puts what it builds. */
export const BIN = join(HERE, '../../.tools/bin');

/** What stands before the name of one of these actions in a workflow. */
export const USES = /(uses: )(?=(?:reoclo|acme)\/)/g;

/** Runs git for a test, whatever this machine's user has configured. */
export function git(cwd, ...args) {
  return gitWith({}, cwd, ...args);
}

function gitWith(env, cwd, ...args) {
  return execFileSync('git', args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      ...Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((who) => [[`GIT_${who}_NAME`, 'test'], [`GIT_${who}_EMAIL`, 'test@example.com']])),
      ...env,
    },
    maxBuffer: 1 << 28,
  });
}

/**
 * Exports the actions as they are in the work tree, committed or not.
 *
 * @param {string} folder an empty one
 * @returns {Promise<Record<string, string>>} `owner/name@tag` → folder of the export
 */
export async function exportActions(folder) {
  const exports = {};
  for (const { name, tag, tree } of ACTIONS) {
    const repository = join(folder, 'repositories', name);
    const exported = join(folder, 'exports', name);
    await mkdir(repository, { recursive: true });
    await mkdir(exported, { recursive: true });
    const run = (...args) => gitWith({ GIT_DIR: repository, GIT_WORK_TREE: tree }, tree, ...args);
    run('init', '--quiet', '--initial-branch=main');
    run('add', '--all', '.');
    run('commit', '--quiet', '--message', tag);
    execFileSync('tar', ['--extract', '--directory', exported], { input: run('archive', 'HEAD') });
    exports[`${name}@${tag}`] = exported;
  }
  // An export that brings more is not what is tested, whatever it then does.
  if (existsSync(join(exports['reoclo/docker-auth@v2'], 'tests'))) throw new Error('the export holds more than the action');
  return exports;
}

/**
 * Commits the whole work tree, with changes, to a repository of its own, and clones it, as a runner checks it out.
 *
 * @param {string} folder an empty one
 * @param {(clone: { folder: string, git: (...args: string[]) => Buffer }) => Promise<void>} [change] what else happens to the
 *   repository before it is cloned
 * @returns {Promise<string>} the clone
 */
export async function checkOut(folder, change = async () => {}) {
  const [origin, clone] = ['origin', 'clone'].map((name) => join(folder, name));
  const tree = join(HERE, '../..');
  const staged = { GIT_DIR: join(origin, '.git'), GIT_WORK_TREE: tree };
  await mkdir(origin);
  git(origin, 'init', '--quiet', '--initial-branch=main');
  gitWith(staged, tree, 'add', '--all', '.');
  gitWith(staged, tree, 'commit', '--quiet', '--message', 'work tree');
  git(origin, 'reset', '--quiet', '--hard');
  await change({ folder: origin, git: (...args) => git(origin, ...args) });
  git(folder, 'clone', '--quiet', origin, clone);
  return clone;
}
