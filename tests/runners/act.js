// nektos/act, which runs workflows on a developer's machine.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const options = (name, values) => Object.entries(values).flatMap(([key, value]) => [name, `${key}=${value}`]);

/** @type {import('./runner.js').Runner} */
export const act = {
  command: 'act',
  provider: 'github_actions',
  platform: 'github',

  async run({ execute, workflow, actions, secrets, vars, folder, env, cancelled }) {
    // act reads the context of the workflow from the repository in its folder.
    const repository = join(folder, 'shop');
    await mkdir(repository);
    for (const args of [
      ['init', '--quiet', '--initial-branch=main'],
      ['remote', 'add', 'origin', 'https://github.com/acme/shop.git'],
      ['-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '--allow-empty', '--message=test'],
    ]) {
      execFileSync('git', args, { cwd: repository, env: { ...env, GIT_CONFIG_NOSYSTEM: '1' } });
    }

    const file = join(folder, 'workflow.yml');
    await writeFile(file, workflow);
    const { code, stdout, stderr } = await execute(
      [
        'push',
        ...['--workflows', file, '--platform', 'ubuntu-latest=-self-hosted', '--actor', 'octocat'],
        ...['--action-cache-path', join(folder, 'cache'), '--no-cache-server'],
        ...options('--local-repository', actions),
        ...options('--secret', secrets),
        ...options('--var', vars),
      ],
      {
        cwd: repository,
        env: { ...env, ACT_DISABLE_VERSION_CHECK: '1' },
        // Ctrl-C.
        started: (child) => cancelled.then(() => child.kill('SIGINT')),
      },
    );
    const output = stdout.split('\n').map((line) => /^\[[^\]]*\] {3}\| (.*)$/.exec(line)?.[1]);
    return { succeeded: code === 0, runId: '1', log: stdout, output: output.filter((line) => line !== undefined), diagnostics: stderr };
  },
};
