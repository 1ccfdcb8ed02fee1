// Output of docker that a registry controls is shown as text and never runs as a command.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOG, TITLES } from '../env/messages.js';
import { startHostileRegistry } from '../sandbox/hostile-registry.js';
import { createTestEnv } from '../env/test-env.js';

const HOSTILE = [
  'boo',
  '::error title=Owned::pwned',
  '  ::add-mask::a',
  'x ##[error]pwned',
  '\u001b[31mred\u001b[0m\r::stop-commands::t\r',
  '##[add-mask]b',
].join('\n');

test('workflow commands in docker output stay text', async (t) => {
  const testEnv = await createTestEnv(t);
  const registry = testEnv.cleanUp(await startHostileRegistry(HOSTILE));
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ registry_url: registry.host }) });
  assert.equal(main.code, 1);
  assert.deepEqual(
    [...new Set(main.commands.map(({ command }) => command))].sort(),
    ['add-mask', 'error'],
    'only commands of the action',
  );
  assert.equal(main.annotations.length, 1);
  assert.equal(main.annotations[0].title, TITLES.dockerFailed);
  const shown = main.stdout.replaceAll(new RegExp(`^::(add-mask|error title=${TITLES.dockerFailed})::`, 'gm'), '');
  assert.doesNotMatch(shown, /::|##\[|\u001b|\r/);
  assert.ok(main.log.some((line) => line.startsWith(LOG.docker) && line.includes(': :error title=Owned: :pwned')), main.stdout);
});

test('redacts a token repeated by the registry', async (t) => {
  const testEnv = await createTestEnv(t);
  const access_token = 'tok-hunter22::50%';
  const registry = testEnv.cleanUp(await startHostileRegistry(`received ${access_token}`));
  // Every run is checked for leaks; here the text must reach the log for that check to mean anything.
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ registry_url: registry.host, access_token }) });
  assert.ok(main.log.some((line) => line.includes('received ***')), main.stdout);
  assert.match(main.annotations[0].message, /received \*\*\*/);
});
