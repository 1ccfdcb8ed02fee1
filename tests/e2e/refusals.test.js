// The API denies the login: its detail and the remedy.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ERRORS, exactly, FIX, like, LOG, TITLES, withFix } from '../env/messages.js';
import { createTestEnv } from '../env/test-env.js';

// what is denied → scope of the key, inputs, title, message
const MATRIX = {
  'an unknown key': {
    inputs: (testEnv) => testEnv.inputs.vault({ api_key: 'rca_unknown' }),
    title: TITLES.invalidApiKey,
    message: withFix(ERRORS.httpStatus('login', 401, { detail: 'Invalid API key' }), FIX.apiKey),
  },
  'a key without registry_login': {
    key: { allowed_operations: ['registry_logout'] },
    inputs: (testEnv) => testEnv.inputs.vault(),
    title: TITLES.permissionDenied,
    message: withFix(ERRORS.httpStatus('login', 403, { detail: like(/.*registry_login.*/) }), FIX.vaultPermission),
  },
  'a key for other servers': {
    key: { allowed_servers: [] },
    inputs: (testEnv) => testEnv.inputs.vault(),
    title: TITLES.permissionDenied,
    message: withFix(ERRORS.httpStatus('login', 403, { detail: like(/.*not scoped to server .*/) }), FIX.vaultPermission),
  },
  'a key for other credentials': {
    key: { allowed_credentials: [] },
    inputs: (testEnv) => testEnv.inputs.vault(),
    title: TITLES.permissionDenied,
    message: withFix(ERRORS.httpStatus('login', 403, { detail: like(/.*not scoped to registry credential .*/) }), FIX.vaultPermission),
  },
  'a key without passthrough': {
    key: { allow_registry_passthrough: false },
    inputs: (testEnv) => testEnv.inputs.passthrough(),
    title: TITLES.permissionDenied,
    message: withFix(ERRORS.httpStatus('login', 403), FIX.passthroughPermission),
  },
  'an unknown server': {
    inputs: (testEnv) => testEnv.inputs.passthrough({ server_id: randomUUID() }),
    title: TITLES.notFound,
    message: withFix(ERRORS.httpStatus('login', 404, { detail: like(/Server .* not found/) }), FIX.server),
  },
  'an unknown credential': {
    inputs: (testEnv) => testEnv.inputs.vault({ credential_id: randomUUID() }),
    title: TITLES.notFound,
    message: withFix(ERRORS.httpStatus('login', 404, { detail: like(/.*credential .* not found/) }), FIX.serverAndCredential),
  },
};

for (const [what, { key, inputs, title, message }] of Object.entries(MATRIX)) {
  test(`${what} is one error without a logout`, async (t) => {
    const testEnv = await createTestEnv(t, { key });
    const main = await testEnv.run('main', { inputs: inputs(testEnv) });
    assert.equal(main.code, 1);
    assert.deepEqual(main.annotations.map(({ level, title }) => [level, title]), [['error', title]]);
    assert.match(main.annotations[0].message, exactly(message));

    const post = await testEnv.runPost(main);
    assert.deepEqual([post.code, post.log, post.annotations], [0, [LOG.noLogins], []]);
    assert.equal(testEnv.reoclo.requests.length, 1);
  });
}
