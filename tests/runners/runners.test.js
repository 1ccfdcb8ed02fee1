// The action in workflows that real runners run on this machine: without Docker, and with no network but loopback.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LOG } from '../env/messages.js';
import { noResponse, startFaults } from '../sandbox/faults.js';
import { startGate } from '../sandbox/gate.js';
import { createTestEnv } from '../env/test-env.js';
import { act } from './act.js';
import { publish } from './actions.js';
import { gitea } from './gitea.js';
import { runWorkflow, versionOf } from './runner.js';

let folder;
let actions;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docker-auth-actions-'));
  actions = await publish(folder);
});
after(() => rm(folder, { recursive: true }));

for (const runner of [act, gitea]) {
  const version = versionOf(runner);
  describe(version ?? runner.command, { skip: !version && 'it is not built: see install.sh' }, () => {
    /** Runs a workflow to its end; `audited` is what Reoclo's audit log then holds, in this order if there is one. */
    const run = async (t, workflow, audited, { prepare = () => {}, succeeds = true, inOrder = true } = {}) => {
      const testEnv = await createTestEnv(t, { servers: ['web-1', 'web-2'] });
      const job = await runWorkflow(runner, testEnv, actions, workflow, await prepare(testEnv));
      assert.equal(job.succeeded, succeeds, job.log + job.diagnostics);

      const names = Object.fromEntries(Object.values(testEnv.servers).map(({ id, name }) => [id, name]));
      const done = testEnv.reoclo.audit.map(({ action, server_id, outcome }) => [action, names[server_id], outcome].join(' '));
      assert.deepEqual(inOrder ? done : done.toSorted(), audited);
      for (const { provider, repository, actor, run_id } of testEnv.reoclo.audit) {
        assert.deepEqual({ provider, repository, actor, run_id }, { provider: runner.provider, repository: 'acme/shop', actor: 'octocat', run_id: '1' });
      }
      const says = (line, is = (said) => said === line) => assert.ok(job.output.some(is), `the log has no line «${line}»:\n${job.log}`);
      return { testEnv, says };
    };

    test('logs in with a credential of the vault, shows a later step the outputs, and logs out', async (t) => {
      const { testEnv, says } = await run(t, 'vault', ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      const [{ operation_id }] = testEnv.reoclo.audit;
      says(`logged in to ${testEnv.registry.host} of type generic by operation ${operation_id}`);
      assert.deepEqual(testEnv.server.agent.logins(), []);
    });

    test('hides a key and a token that only the action masks, in a later step too', async (t) => {
      const { testEnv, says } = await run(t, 'passthrough', ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      says('the key is ***.');
      says('the token is ***.');
      says('the token in base64 is ***.');
      assert.equal(testEnv.reoclo.audit[0].auth_mode, 'passthrough');
    });

    test('hides a token whose characters mean something to the runner', async (t) => {
      // Its first half comes alone, too: a runner that applies masks in their order must not get that one first.
      for (const UNMASKED_TOKEN of ['0123456789::abcdef', '0123456789%0Aabcdef', '0123456789::%25]abcdef', 'ab%c::hunter-rest', 'ab]::cd::0123456789']) {
        const { says } = await run(t, 'passthrough', ['registry_login web-1 failed'], { prepare: () => ({ vars: { UNMASKED_TOKEN } }), succeeds: false });
        says('the key is ***.');
      }
    });

    test('leaves the server logged in with cleanup: false', async (t) => {
      const { testEnv } = await run(t, 'cleanup-false', ['registry_login web-1 completed']);
      assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
    });

    test('goes on after a login that fails where the workflow says so, and logs nothing out', async (t) => {
      const { testEnv, says } = await run(t, 'failing', ['registry_login web-1 failed']);
      says(`the job goes on after operation ${testEnv.reoclo.audit[0].operation_id}`);
    });

    test('logs out after a job that is cancelled while docker logs in', async (t) => {
      const prepare = async (testEnv) => {
        // The first poll is never answered, so that the next one is of the post step: docker waits until then.
        const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, { poll: [noResponse] }));
        const gate = testEnv.cleanUp(await startGate(testEnv.registry.host));
        faults.seen('poll', 2).then(gate.release);
        return { vars: { REOCLO_URL: faults.url, REGISTRY: gate.host }, cancelled: faults.seen('poll') };
      };
      const { testEnv } = await run(t, 'passthrough', ['registry_login web-1 completed', 'registry_logout web-1 completed'], { prepare, succeeds: false });
      assert.deepEqual(testEnv.server.agent.logins(), []);
    });

    test('logs each server out that a job has logged in, last first', async (t) => {
      const { testEnv } = await run(t, 'twice', [
        'registry_login web-1 completed',
        'registry_login web-2 completed',
        'registry_logout web-2 completed',
        'registry_logout web-1 completed',
      ]);
      for (const { agent } of Object.values(testEnv.servers)) assert.deepEqual(agent.logins(), []);
    });

    test('logs several servers in and out again, and shows a later step which of them, though one is unknown', async (t) => {
      const audited = ['registry_login web-1 completed', 'registry_login web-2 completed', 'registry_logout web-1 completed', 'registry_logout web-2 completed'];
      const { testEnv, says } = await run(t, 'fleet', audited, { inOrder: false });
      const [first, second] = ['web-1', 'web-2'].map((name) => {
        const { id } = testEnv.servers[name];
        return testEnv.reoclo.audit.find(({ server_id }) => server_id === id).operation_id;
      });
      says(`operations: - ${first} ${second}`);
      says(LOG.finishedStart(2, 3), (line) => line.startsWith(LOG.finishedStart(2, 3)));
      for (const { agent } of Object.values(testEnv.servers)) assert.deepEqual(agent.logins(), []);
    });

    test('passes without secrets where it is to, and asks nothing', async (t) => {
      const { testEnv, says } = await run(t, 'without-secrets', []);
      assert.deepEqual(testEnv.reoclo.requests, []);
      says('nobody was logged in');
    });

    test('logs in and out inside a composite action inside a composite action', async (t) => {
      const { testEnv, says } = await run(t, 'composite', ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      says(`the outer action sees ${testEnv.registry.host}`);
      says(`the job sees ${testEnv.registry.host}`);
    });
  });
}
