// The API says no: what it said, and what to change.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createWorld } from '../env/test-env.js';

// who asks for what → how the world differs, which inputs, title, what the message must say
const MATRIX = {
  'an unknown key': {
    inputs: (world) => world.inputs.vault({ api_key: 'rca_unknown' }),
    title: 'Reoclo does not accept the API key',
    message: /answered 401 .*: Invalid API key\. Fix: check api_key/,
  },
  'a key without registry_login': {
    key: { allowed_operations: ['registry_logout'] },
    inputs: (world) => world.inputs.vault(),
    title: 'The API key is not allowed to do this',
    message: /answered 403 .*registry_login.* Fix: .*Allowed Operations must include registry_login/,
  },
  'a key for other servers': {
    key: { allowed_servers: [] },
    inputs: (world) => world.inputs.vault(),
    title: 'The API key is not allowed to do this',
    message: /not scoped to server .* Fix: .*Allowed Servers/,
  },
  'a key for other credentials': {
    key: { allowed_credentials: [] },
    inputs: (world) => world.inputs.vault(),
    title: 'The API key is not allowed to do this',
    message: /not scoped to registry credential .* Fix: .*this credential_id/,
  },
  'a key without passthrough': {
    key: { allow_registry_passthrough: false },
    inputs: (world) => world.inputs.passthrough(),
    title: 'The API key is not allowed to do this',
    message: /403.* Fix: .*allow_registry_passthrough must be on/,
  },
  'an unknown server': {
    inputs: (world) => world.inputs.passthrough({ server_id: randomUUID() }),
    title: 'Reoclo does not know this id',
    message: /404 .*Server .* not found\. Fix: check server_id/,
  },
  'an unknown credential': {
    inputs: (world) => world.inputs.vault({ credential_id: randomUUID() }),
    title: 'Reoclo does not know this id',
    message: /404 .*credential .* not found\. Fix: check server_id and credential_id/,
  },
};

for (const [who, { key, inputs, title, message }] of Object.entries(MATRIX)) {
  test(`${who} gets one error that says what to change, and nothing is logged out`, async (t) => {
    const world = await createWorld(t, { key });
    const main = await world.run('main', { inputs: inputs(world) });
    assert.equal(main.code, 1);
    assert.deepEqual(main.annotations.map(({ level, title }) => [level, title]), [['error', title]]);
    assert.match(main.annotations[0].message, message);

    const post = await world.runPost(main);
    assert.deepEqual([post.code, post.log, post.annotations], [0, ['No login to clean up.'], []]);
    assert.equal(world.reoclo.requests.length, 1);
  });
}
