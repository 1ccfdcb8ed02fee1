// A test environment with Reoclo on TLS, with a certificate that needs `ca_certificate` to be trusted.
import assert from 'node:assert/strict';
import { startFaults } from '../sandbox/faults.js';
import { makeCertificate } from '../support/certificate.js';
import { createTestEnv } from './test-env.js';

/**
 * @param {import('node:test').TestContext} t
 * @returns {Promise<{ testEnv: object, reoclo: object, tls: { key: string, cert: string }, inputs: (ca_certificate?: string) => object }>}
 *   `reoclo` listens on TLS; `inputs` are those of a vault login there
 */
export async function createTlsEnv(t) {
  const testEnv = await createTestEnv(t);
  const tls = await makeCertificate();
  const reoclo = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, {}, { tls }));
  const inputs = (ca_certificate) => testEnv.inputs.vault({ api_url: reoclo.url, ca_certificate });
  return { testEnv, reoclo, tls, inputs };
}

/** Runs both steps, asserts that they succeed without annotations, and returns them. */
export async function logInAndOut(testEnv, inputs, { env, between } = {}) {
  const main = await testEnv.run('main', { inputs, env });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.equal(testEnv.server.agent.logins().length, 1);
  await between?.();
  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  assert.deepEqual(testEnv.server.agent.logins(), []);
  return { main, post };
}
