// The actions of the workflows, in the two forms that runners use: a repository with a tag, as on a Git host, and an export
// of that tag, as on GitHub.
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
 * @param {string} folder an empty folder
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
          // Ignore the user's Git configuration, such as hooks and signatures.
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
  // The export must be the one that users get.
  if (existsSync(join(exports['reoclo/docker-auth@v2'], 'tests'))) throw new Error('the export contains more than the action');
  return { mirror, exports };
}
