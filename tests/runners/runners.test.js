// The action in workflows on real runners on this machine, without Docker and with loopback only.
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
  describe(version ?? runner.command, { skip: !version && 'not built: see install.sh' }, () => {
    /** Runs a workflow; `audited` is the expected audit log of Reoclo, in this order unless `inOrder` is false. */
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
      const assertLine = (line, matches = (printed) => printed === line) => assert.ok(job.output.some(matches), `the log has no line "${line}":\n${job.log}`);
      return { testEnv, assertLine };
    };

    test('logs in from the vault, sets outputs, logs out', async (t) => {
      const { testEnv, assertLine } = await run(t, 'vault', ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      const [{ operation_id }] = testEnv.reoclo.audit;
      assertLine(`logged in to ${testEnv.registry.host} of type generic by operation ${operation_id}`);
      assert.deepEqual(testEnv.server.agent.logins(), []);
    });

    test('masks key and token in a later step', async (t) => {
      const { testEnv, assertLine } = await run(t, 'passthrough', ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      assertLine('the key is ***.');
      assertLine('the token is ***.');
      assertLine('the token in base64 is ***.');
      assert.equal(testEnv.reoclo.audit[0].auth_mode, 'passthrough');
    });

    test('masks a token with characters of commands', async (t) => {
      // Runners may apply masks in their order, so a part must not be masked before the whole.
      for (const UNMASKED_TOKEN of ['0123456789::abcdef', '0123456789%0Aabcdef', '0123456789::%25]abcdef', 'ab%c::hunter-rest', 'ab]::cd::0123456789']) {
        const { assertLine } = await run(t, 'passthrough', ['registry_login web-1 failed'], { prepare: () => ({ vars: { UNMASKED_TOKEN } }), succeeds: false });
        assertLine('the key is ***.');
      }
    });

    test('keeps the login with cleanup: false', async (t) => {
      const { testEnv } = await run(t, 'cleanup-false', ['registry_login web-1 completed']);
      assert.deepEqual(testEnv.server.agent.logins(), [testEnv.registry.host]);
    });

    test('continues after a failed login with continue-on-error', async (t) => {
      const { testEnv, assertLine } = await run(t, 'failing', ['registry_login web-1 failed']);
      assertLine(`the job continues after operation ${testEnv.reoclo.audit[0].operation_id}`);
    });

    test('logs out after a job is cancelled', async (t) => {
      const prepare = async (testEnv) => {
        // The first status request gets no response, so the second is sent by post: docker is held until then.
        const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, { poll: [noResponse] }));
        const gate = testEnv.cleanUp(await startGate(testEnv.registry.host));
        faults.seen('poll', 2).then(gate.release);
        return { vars: { REOCLO_URL: faults.url, REGISTRY: gate.host }, cancelled: faults.seen('poll') };
      };
      const { testEnv } = await run(t, 'passthrough', ['registry_login web-1 completed', 'registry_logout web-1 completed'], { prepare, succeeds: false });
      assert.deepEqual(testEnv.server.agent.logins(), []);
    });

    test('logs out each step, last first', async (t) => {
      const { testEnv } = await run(t, 'twice', [
        'registry_login web-1 completed',
        'registry_login web-2 completed',
        'registry_logout web-2 completed',
        'registry_logout web-1 completed',
      ]);
      for (const { agent } of Object.values(testEnv.servers)) assert.deepEqual(agent.logins(), []);
    });

    test('logs several servers in and out, one unknown', async (t) => {
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

    test('passes without secrets with if_missing: skip', async (t) => {
      const { testEnv, assertLine } = await run(t, 'without-secrets', []);
      assert.deepEqual(testEnv.reoclo.requests, []);
      assertLine('no server was logged in');
    });

    test('logs in and out in nested composite actions', async (t) => {
      const { testEnv, assertLine } = await run(t, 'composite', ['registry_login web-1 completed', 'registry_logout web-1 completed']);
      assertLine(`the outer action sees ${testEnv.registry.host}`);
      assertLine(`the job sees ${testEnv.registry.host}`);
    });
  });
}
