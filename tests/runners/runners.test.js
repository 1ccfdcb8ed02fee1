// The action in workflows that real runners run on this machine: without Docker, and with no network but
// loopback.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadCore } from '../../site/core.js';
import { LOG } from '../env/messages.js';
import { noResponse, startFaults } from '../sandbox/faults.js';
import { startGate } from '../sandbox/gate.js';
import { createTestEnv } from '../env/test-env.js';
import { serveConnections } from '../support/serve.js';
import { act } from './act.js';
import { exportActions } from './actions.js';
import { ACTOR, REPOSITORY, startGitea } from './gitea-server.js';
import { forgejo, gitea } from './gitea.js';
import { runWorkflow, versionOf } from './runner.js';

const RUNNERS = [act, gitea, forgejo];
const SERVER = versionOf({ command: 'gitea' });
const write = await loadCore();

let folder;
let source;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docker-auth-actions-'));
  const actions = await exportActions(folder);
  source = { actions, server: SERVER && (await startGitea(actions)) };
});
after(async () => {
  await source?.server?.stop();
  await rm(folder, { recursive: true });
});

for (const runner of RUNNERS) {
  const version = versionOf(runner);
  const available = version && (SERVER || !runner.needsServer);
  describe(version ?? runner.command, { skip: !available && process.env.REQUIRE_RUNNERS !== '1' && 'not built: see install.sh' }, () => {
    /** Runs a workflow to its end; `audited` is what Reoclo's audit log then holds, in this order if there is one. */
    const run = async (t, workflow, audited, { prepare = () => {}, succeeds = true, inOrder = true } = {}) => {
      const testEnv = await createTestEnv(t, { servers: ['web-1', 'web-2'] });
      const job = await runWorkflow(runner, testEnv, source, workflow, await prepare(testEnv));
      assert.equal(job.succeeded, succeeds, job.log + job.diagnostics);

      const names = Object.fromEntries(Object.values(testEnv.servers).map(({ id, name }) => [id, name]));
      const done = testEnv.reoclo.audit.map(({ action, server_id, outcome }) => [action, names[server_id], outcome].join(' '));
      assert.deepEqual(inOrder ? done : done.toSorted(), audited);
      for (const { provider, repository, actor, run_id } of testEnv.reoclo.audit) {
        assert.deepEqual({ provider, repository, actor, run_id }, { provider: runner.provider, repository: REPOSITORY, actor: ACTOR, run_id: job.runId });
      }
      const assertLine = (line, is = (printed) => printed === line) => assert.ok(job.output.some(is), `the log has no line «${line}»:\n${job.log}`);
      return { testEnv, job, assertLine };
    };

    /** Runs a job that logs in to a registry on ::1. */
    const runOnIpv6 = (t) => {
      const prepare = async (testEnv) => {
        const [host, port] = testEnv.registry.host.split(':');
        const forward = (socket) => socket.pipe(connect(port, host).on('error', () => socket.destroy())).pipe(socket);
        const proxy = testEnv.cleanUp(await serveConnections(forward, { address: '::1' }));
        return { vars: { REGISTRY: `[::1]:${proxy.port}` } };
      };
      return run(t, 'passthrough', ['registry_login web-1 completed', 'registry_logout web-1 completed'], { prepare });
    };

    test('vault login shows outputs to later steps', async (t) => {
      const { testEnv, assertLine } = await run(t, 'vault', ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      const [{ operation_id }] = testEnv.reoclo.audit;
      assertLine(`logged in to ${testEnv.registry.host} of type generic by operation ${operation_id}`);
      assert.deepEqual(testEnv.server.agent.logins(), []);
    });

    /** A workflow straight from the page. Without the mirror's address, which is on another network. */
    const fromPage = (form) => {
      const { workflow, problems } = write({ platform: runner.platform, runs_on: 'ubuntu-latest', api_url: 'REOCLO_URL', server_id: 'SERVER_ID', ...form });
      assert.deepEqual(problems, []);
      return workflow.replace('uses: https://git.boxpositron.dev/', 'uses: ');
    };

    test("the page's vault workflow logs in and out", async (t) => {
      const workflow = fromPage({ credential_id: 'CREDENTIAL_ID' });
      const { testEnv } = await run(t, workflow, ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      assert.deepEqual([testEnv.reoclo.audit[0].auth_mode, testEnv.server.agent.logins()], ['vault', []]);
    });

    test("the page's workflow for a fleet logs in and out", async (t) => {
      const workflow = fromPage({ credential_id: 'CREDENTIAL_ID # the only one', server_id: 'SERVER_ID # web-1\nOTHER_SERVER_ID # web-2', job_summary: 'true', timeout: '60' });
      const audited = ['login', 'logout'].flatMap((what) => ['web-1', 'web-2'].map((server) => `registry_${what} ${server} completed`));
      const { testEnv } = await run(t, workflow, audited, { inOrder: false });
      for (const { agent } of Object.values(testEnv.servers)) assert.deepEqual(agent.logins(), []);
    });

    test("the page's passthrough workflow logs in and out", async (t) => {
      const workflow = fromPage({ mode: 'passthrough', registry: 'other', registry_url: 'REGISTRY', username: 'vars.REGISTRY_USER', access_token: 'REGISTRY_TOKEN' });
      const { testEnv } = await run(t, workflow, ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      assert.deepEqual([testEnv.reoclo.audit[0].auth_mode, testEnv.server.agent.logins()], ['passthrough', []]);
    });

    test('masks key and token in later steps', async (t) => {
      const { testEnv, assertLine } = await run(t, 'passthrough', ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      assertLine('the key is ***.');
      assertLine('the token is ***.');
      assertLine('the token in base64 is ***.');
      assert.equal(testEnv.reoclo.audit[0].auth_mode, 'passthrough');
    });

    test('masks tokens that contain runner commands', async (t) => {
      // Its first half comes alone, too: a runner that applies masks in their order must not get that one first.
      for (const UNMASKED_TOKEN of ['0123456789::abcdef', '0123456789%0Aabcdef', '0123456789::%25]abcdef', 'ab%c::hunter-rest', 'ab]::cd::0123456789']) {
        const { assertLine } = await run(t, 'passthrough', ['registry_login web-1 failed'], { prepare: () => ({ vars: { UNMASKED_TOKEN } }), succeeds: false });
        assertLine('the key is ***.');
      }
    });

    test('cleanup false keeps the login', async (t) => {
      const { testEnv } = await run(t, 'cleanup-false', ['registry_login web-1 completed']);
      assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
    });

    test('failed login with continue-on-error logs nothing out', async (t) => {
      const { testEnv, assertLine } = await run(t, 'failing', ['registry_login web-1 failed']);
      assertLine(`the job continues after operation ${testEnv.reoclo.audit[0].operation_id}`);
    });

    /** Runs a job that is cancelled while docker logs in. */
    const runCancelled = (t, workflow) => {
      const prepare = async (testEnv) => {
        // The first poll is never answered, so that the next one is of the post step: docker waits until then.
        const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, { poll: [noResponse] }));
        const gate = testEnv.cleanUp(await startGate(testEnv.registry.host));
        faults.seen('poll', 2).then(gate.release);
        return { vars: { REOCLO_URL: faults.url, REGISTRY: gate.host }, cancelled: faults.seen('poll') };
      };
      return run(t, workflow, ['registry_login web-1 completed', 'registry_logout web-1 completed'], { prepare, succeeds: false });
    };

    test('job cancelled during docker login logs out', async (t) => {
      const { testEnv } = await runCancelled(t, 'passthrough');
      assert.deepEqual(testEnv.server.agent.logins(), []);
    });

    test('cancelled last step shows its logout', async (t) => {
      const { testEnv, assertLine } = await runCancelled(t, 'last-step');
      const [{ registry_url, server_id }] = testEnv.reoclo.audit;
      assertLine(LOG.loggedOutOf(registry_url, server_id));
    });

    test('logs out of an IPv6 registry', async (t) => {
      const { testEnv } = await runOnIpv6(t);
      assert.deepEqual(testEnv.server.agent.logins(), []);
    });

    // A runner that does not hide these lines ends the command at the last `::`, so the state has another name.
    test('saved state never contains a double colon', async (t) => {
      const { job } = await runOnIpv6(t);
      const saved = job.output.filter((line) => line.startsWith('::save-state '));
      assert.deepEqual(saved.filter((line) => line.split('::').length > 3), []);
    });

    test('two uses log out, last first', async (t) => {
      const { testEnv } = await run(t, 'twice', [
        'registry_login web-1 completed',
        'registry_login web-2 completed',
        'registry_logout web-2 completed',
        'registry_logout web-1 completed',
      ]);
      for (const { agent } of Object.values(testEnv.servers)) assert.deepEqual(agent.logins(), []);
    });

    test('several servers log in, one is unknown', async (t) => {
      const audited = ['registry_login web-1 completed', 'registry_login web-2 completed', 'registry_logout web-1 completed', 'registry_logout web-2 completed'];
      const { testEnv, assertLine } = await run(t, 'fleet', audited, { inOrder: false });
      const [first, second] = ['web-1', 'web-2'].map((name) => {
        const { id } = testEnv.servers[name];
        return testEnv.reoclo.audit.find(({ server_id }) => server_id === id).operation_id;
      });
      assertLine(`operations: - ${first} ${second}`);
      assertLine(LOG.finishedStart(2, 3), (line) => line.startsWith(LOG.finishedStart(2, 3)));
      for (const { agent } of Object.values(testEnv.servers)) assert.deepEqual(agent.logins(), []);
    });

    test('if_missing skip sends nothing without secrets', async (t) => {
      const { testEnv, assertLine } = await run(t, 'without-secrets', []);
      assert.deepEqual(testEnv.reoclo.requests, []);
      assertLine('no server was logged in');
    });

    test('nested composite actions log in and out', async (t) => {
      const { testEnv, assertLine } = await run(t, 'composite', ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      assertLine(`the outer action sees ${testEnv.registry.host}`);
      assertLine(`the job sees ${testEnv.registry.host}`);
    });
  });
}
