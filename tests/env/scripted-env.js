// A test environment with a scripted API, for scenarios without docker and registry.
import { REGISTRY, startScriptedApi } from '../sandbox/scripted-api.js';
import { createTestEnv } from './test-env.js';

/**
 * @param {import('node:test').TestContext} [t] closes it after the test
 * @param {object} [responses] see startScriptedApi
 * @returns {Promise<{ testEnv: object, api: object, inputs: (different?: object) => object }>} `inputs` are those of a
 *   passthrough login
 */
export async function createScriptedEnv(t, responses) {
  const testEnv = await createTestEnv(t, { registry: async () => ({ host: REGISTRY, stop: async () => {} }) });
  const api = testEnv.cleanUp(await startScriptedApi(responses));
  return { testEnv, api, inputs: (different) => testEnv.inputs.passthrough({ api_url: api.url, ...different }) };
}
