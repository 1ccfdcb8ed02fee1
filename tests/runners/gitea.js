// Gitea's runner as a daemon: it fetches a job from its instance, clones the actions from the mirror, runs the job on the host
// and reports.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startInstance } from './gitea-instance.js';

// The context of the job.
const CONTEXT = {
  actor: 'octocat',
  event_name: 'push',
  job: 'deploy',
  ref: 'refs/heads/main',
  repository: 'acme/shop',
  run_id: '1',
  sha: '0123456789abcdef0123456789abcdef01234567',
};

// Every job has one.
const TOKEN = 'token-of-the-job';

/** @type {import('./runner.js').Runner} */
export const gitea = {
  command: 'gitea-runner',
  provider: 'gitea_actions',

  async run({ execute, workflow, actions, secrets, vars, folder, env, cancelled }) {
    const instance = await startInstance({
      workflow: await readFile(workflow, 'utf8'),
      context: { ...CONTEXT, token: TOKEN, gitea_default_actions_url: actions.mirror },
      secrets: { ...secrets, GITHUB_TOKEN: TOKEN },
      vars,
    });
    cancelled.then(() => instance.cancel());
    try {
      const registration = join(folder, 'registration.json');
      const config = join(folder, 'config.yaml');
      await writeFile(
        registration,
        JSON.stringify({ id: 1, uuid: 'runner-1', name: 'runner-1', token: 'token', address: instance.url, labels: ['ubuntu-latest:host'] }),
      );
      // JSON is YAML too.
      await writeFile(
        config,
        JSON.stringify({
          // The runner learns of a cancellation from the response to a report.
          runner: { file: registration, state_report_interval: '200ms' },
          cache: { enabled: false },
          host: { workdir_parent: join(folder, 'cache') },
          container: { workdir_parent: join(folder, 'workspace') },
        }),
      );
      const { stdout, stderr } = await execute(['daemon', '--once', '--config', config], { cwd: folder, env });
      return { succeeded: instance.succeeded, log: instance.log.join('\n'), output: instance.log, diagnostics: stdout + stderr };
    } finally {
      await instance.stop();
    }
  },
};
