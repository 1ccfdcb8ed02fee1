// The actions that the workflows use, in the two shapes in which runners take them: a repository with a tag, as a Git
// host or a mirror of one has it, and an export of that tag, as GitHub hands it to its runners.
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

/**
 * Publishes the actions as they are in the work tree, committed or not.
 *
 * @param {string} folder an empty one
 * @returns {Promise<{ mirror: string, exports: Record<string, string> }>} the folder that holds the repositories as
 *   `owner/name`, and `owner/name@tag` → folder of the export
 */
export async function publish(folder) {
  const mirror = join(folder, 'mirror');
  const exports = {};
  for (const { name, tag, tree } of ACTIONS) {
    const repository = join(mirror, name);
    const git = (...args) =>
      execFileSync('git', args, {
        cwd: tree,
        env: {
          PATH: process.env.PATH,
          // Whatever this machine's user has configured, hooks and signatures among it, is for commits of theirs.
          GIT_CONFIG_GLOBAL: '/dev/null',
          GIT_CONFIG_NOSYSTEM: '1',
          GIT_DIR: repository,
          GIT_WORK_TREE: tree,
          ...Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((who) => [[`GIT_${who}_NAME`, 'test'], [`GIT_${who}_EMAIL`, 'test@example.com']])),
        },
        maxBuffer: 1 << 28,
      });
    await mkdir(repository, { recursive: true });
    git('init', '--quiet', '--initial-branch=main');
    git('add', '--all', '.');
    git('commit', '--quiet', '--message', tag);
    git('tag', tag);

    const exported = join(folder, 'exports', name);
    await mkdir(exported, { recursive: true });
    execFileSync('tar', ['--extract', '--directory', exported], { input: git('archive', tag) });
    exports[`${name}@${tag}`] = exported;
  }
  // An export that brings more is not what is tested, whatever it then does.
  if (existsSync(join(exports['reoclo/docker-auth@v2'], 'tests'))) throw new Error('the export holds more than the action');
  return { mirror, exports };
}
