// What is different on a Windows runner, simulated on this system: lines that end with CR LF, paths with backslashes and
// spaces, and Ctrl+Break. `make test-platforms` runs scenarios on Node.js for Windows.
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LOG, TITLES } from '../env/messages.js';
import { delayResponse, startFaults } from '../sandbox/faults.js';
import { createFleet } from '../env/fleet.js';
import { createTestEnv } from '../env/test-env.js';

const WINDOWS = { os: 'Windows', folderName: 'C:\\Users\\Runner Admin\\_temp ' };
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const nodeArgs = ['--require', fileURLToPath(new URL('../env/windows.cjs', import.meta.url))];

test('state, outputs and summary have CR LF and are read back', async (t) => {
  const { testEnv, servers, inputs } = await createFleet(t, { servers: 2, types: ['generic'], ...WINDOWS });
  const main = await testEnv.run('main', { inputs: inputs({ job_summary: 'true' }), nodeArgs });
  assert.equal(main.code, 0, main.stdout);
  // Only the values of several lines contain a lone LF.
  for (const text of [main.files.state, main.files.outputs]) assert.match(text, /^\w+<<\w+\r\n[^]+\r\n\w+\r\n$/);
  assert.equal(main.outputs.registry_type, 'generic\ngeneric');
  assert.equal(JSON.parse(main.outputs.logins).length, 2);
  assert.match(main.summary, /web-1/);

  const post = await testEnv.runPost(main, { nodeArgs });
  assert.deepEqual([post.code, post.annotations], [0, []]);
  for (const { agent } of servers) assert.deepEqual(agent.logins(), []);
});

test('a runner that keeps the CR of the state logs out too', async (t) => {
  const testEnv = await createTestEnv(t, WINDOWS);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough(), nodeArgs });
  const state = Object.fromEntries(Object.entries(main.state).map(([key, value]) => [key, `${value}\r`]));
  const post = await testEnv.runPost({ ...main, state }, { nodeArgs });
  assert.deepEqual([post.code, post.annotations, testEnv.server.agent.logins()], [0, [], []]);
});

test('the action runs from a path with backslashes and spaces', async (t) => {
  const testEnv = await createTestEnv(t, WINDOWS);
  const dist = join(testEnv.folder, 'D:\\a\\_actions\\docker auth');
  await cp(DIST, dist, { recursive: true });
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault(), nodeArgs, dist });
  assert.equal(main.code, 0, main.stdout);
  const post = await testEnv.runPost(main, { nodeArgs, dist });
  assert.deepEqual([post.code, post.annotations, testEnv.server.agent.logins()], [0, [], []]);
});

test('Ctrl+Break cancels main like SIGTERM', async (t) => {
  const testEnv = await createTestEnv(t, WINDOWS);
  const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, { login: delayResponse() }));
  const step = testEnv.start('main', { inputs: testEnv.inputs.vault({ api_url: faults.url }), nodeArgs });
  await faults.seen('login');
  step.child.kill('SIGUSR2');
  const main = await step.done;
  assert.deepEqual([main.code, main.annotations.map(({ level, title }) => `${level}: ${title}`)], [1, [`error: ${TITLES.cancelled}`]]);
});

test('post finishes its logout after Ctrl+C and Ctrl+Break', async (t) => {
  const testEnv = await createTestEnv(t, WINDOWS);
  let respond;
  const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, { logout: delayResponse(new Promise((resolve) => (respond = resolve))) }));
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ api_url: faults.url }), nodeArgs });
  const step = testEnv.startPost(main, { nodeArgs });
  await faults.seen('logout');
  step.child.kill('SIGINT');
  step.child.kill('SIGUSR2');
  respond();
  const post = await step.done;
  assert.deepEqual([post.code, post.signal, post.annotations], [0, null, []]);
  assert.equal(post.log.at(-1), LOG.loggedOutOf(testEnv.registry.host, testEnv.server.id));
});
