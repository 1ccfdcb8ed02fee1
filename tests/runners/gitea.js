// The runners of Gitea and of Forgejo on self-hosted machines: each takes a job from a real Gitea server, runs it on the
// host, reports and ends.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

// How often a runner reports: at a report it also learns that its job was cancelled.
const REPORT_INTERVAL = '200ms';

/**
 * @param {object} runner
 * @param {string} runner.command
 * @param {string} runner.platform
 * @param {string[]} runner.oneJob its arguments for one job
 * @param {object} runner.reporting its settings for how often it reports
 * @returns {import('./runner.js').Runner}
 */
function runnerOfServer({ command, platform, oneJob, reporting }) {
  // The only job that this runner may take.
  const label = command;
  const registrations = new WeakMap();

  /** Registers with a server, once: resolves to the text of the file in which the runner keeps it. */
  const register = async ({ execute, server, folder, env }) => {
    const { token } = await server.api('POST', '/admin/actions/runners/registration-token');
    const args = ['--no-interactive', '--instance', server.url, '--token', token, '--name', command, '--labels', `${label}:host`];
    const { code, stdout, stderr } = await execute(['register', ...args], { cwd: folder, env });
    if (code !== 0) throw new Error(`${command} did not register:\n${stdout}${stderr}`);
    return readFile(join(folder, '.runner'), 'utf8');
  };

  return {
    command,
    provider: 'gitea_actions',
    platform,
    needsServer: true,

    async run({ execute, workflow, tree, server, secrets, vars, folder, env, cancelled }) {
      if (!registrations.has(server)) registrations.set(server, register({ execute, server, folder, env }));
      const file = join(folder, '.runner');
      const config = join(folder, 'config.yaml');
      await writeFile(file, await registrations.get(server));
      // JSON is YAML too.
      await writeFile(
        config,
        JSON.stringify({
          runner: { file, ...reporting },
          cache: { enabled: false },
          host: { workdir_parent: join(folder, 'cache') },
          container: { workdir_parent: join(folder, 'workspace') },
        }),
      );
      const run = await server.push({ workflow: workflow.replaceAll('ubuntu-latest', label), tree, secrets, vars });
      let child;
      let failure;
      cancelled
        .then(() => server.cancel(run))
        .catch((error) => {
          failure = error;
          child.kill('SIGKILL');
        });
      // The server shows a cancelled job as completed while its post steps still run: the runner's end counts.
      const { stdout, stderr } = await execute([...oneJob, '--config', config], { cwd: folder, env, started: (started) => (child = started) });
      if (failure) throw failure;
      const { conclusion, log } = await server.job(run).catch((error) => {
        throw new Error(`${command} did not complete its job:\n${stdout}${stderr}`, { cause: error });
      });
      return { succeeded: conclusion === 'success', runId: String(run), log: log.join('\n'), output: log, diagnostics: stdout + stderr };
    },
  };
}

export const gitea = runnerOfServer({
  command: 'gitea-runner',
  platform: 'gitea',
  oneJob: ['daemon', '--once'],
  reporting: { state_report_interval: REPORT_INTERVAL, log_report_interval: REPORT_INTERVAL },
});

export const forgejo = runnerOfServer({
  command: 'forgejo-runner',
  platform: 'forgejo',
  oneJob: ['one-job'],
  reporting: { report_interval: REPORT_INTERVAL },
});
