// A world whose Reoclo speaks TLS, with a certificate that only `ca_certificate` makes trusted.
import assert from 'node:assert/strict';
import { startFaults } from '../sandbox/faults.js';
import { makeCertificate } from '../support/certificate.js';
import { createWorld } from './test-env.js';

/**
 * @param {import('node:test').TestContext} t
 * @returns {Promise<{ world: object, reoclo: object, tls: { key: string, cert: string }, inputs: (ca_certificate?: string) => object }>}
 *   `reoclo` is where it speaks TLS; `inputs` are those of a vault login there
 */
export async function createTlsWorld(t) {
  const world = await createWorld(t);
  const tls = await makeCertificate();
  const reoclo = world.own(await startFaults(world.reoclo.url, {}, { tls }));
  const inputs = (ca_certificate) => world.inputs.vault({ api_url: reoclo.url, ca_certificate });
  return { world, reoclo, tls, inputs };
}

/** Runs both steps, asserts that they did their work and said nothing of it, and returns them. */
export async function logInAndOut(world, inputs, { env, between } = {}) {
  const main = await world.run('main', { inputs, env });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  assert.equal(world.server.agent.logins().length, 1);
  await between?.();
  const post = await world.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  assert.deepEqual(world.server.agent.logins(), []);
  return { main, post };
}
