// The API limits how many requests a key may send: a fleet takes longer, and nothing fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, exactly, FIX, LOG } from '../env/messages.js';
import { createFleet, loginsOf } from '../env/fleet.js';

const SERVERS = 16;
// A login and at least one status request for each server take 3.5 s.
const LIMIT = { requests: 18, per_s: 4 };

/** A fleet whose key is limited. */
async function createLimitedFleet(t, rate_limit) {
  const fleet = await createFleet(t, { servers: SERVERS, types: ['generic'] });
  const { reoclo, apiKey } = fleet.testEnv;
  Object.assign(reoclo.keys.get(apiKey), { rate_limit });
  return fleet;
}

const rejected = ({ reoclo }) => reoclo.requests.filter(({ response }) => response?.status === 429);
const linesOf = (log) => log.filter(LOG.isSlowingDown);

test('a limited key logs all servers in and out', async (t) => {
  const { testEnv, servers, registries, inputs } = await createLimitedFleet(t, LIMIT);
  const main = await testEnv.run('main', { inputs: inputs() });
  assert.deepEqual([main.code, main.annotations], [0, []], main.stdout);
  const logins = JSON.parse(main.outputs.logins);
  assert.deepEqual(logins.map(({ server_id, attempts }) => [server_id, attempts]), servers.map(({ id }) => [id, 1]));
  assert.ok(rejected(testEnv).length > 0, 'the limit has been reached');
  assert.ok(rejected(testEnv).length <= 20, `${rejected(testEnv).length} requests were rejected`);
  const [line, ...others] = linesOf(main.log);
  assert.deepEqual(others, []);
  // Which request is the first too many depends on how fast the machine is.
  const slowedBy = (request) => exactly(LOG.slowingDown(request, { error: ERRORS.httpStatus(request, 429, { detail: 'Rate limit exceeded' }), seconds: '1.0' }));
  assert.ok(['login', 'status'].some((request) => slowedBy(request).test(line)), line);
  for (const { id } of servers) assert.deepEqual(loginsOf(testEnv)[testEnv.reoclo.servers.get(id).name], registries);

  const before = rejected(testEnv).length;
  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
  assert.ok(rejected(testEnv).length > before, 'the limit has been reached');
  assert.equal(linesOf(post.log).length, 1, post.stdout);
});

test('after a rejected request the whole step pauses', async (t) => {
  const { testEnv, inputs } = await createLimitedFleet(t, { requests: 10, per_s: 1 });
  const main = await testEnv.run('main', { inputs: inputs({ timeout: '8' }) });
  const [first] = rejected(testEnv);
  // Those that were under way arrive a moment later, on a busy machine.
  const next = testEnv.reoclo.requests.find(({ at }) => at > first.at + 500);
  assert.ok(next.at - first.at >= 990, `the next request was sent after ${next.at - first.at} ms`);
  // 16 logins and as many status requests do not fit into 8 s.
  assert.equal(main.code, 1);
  assert.ok(main.annotations[0].message.includes(FIX.rateLimitTimeout), main.stdout);
  assert.ok(testEnv.reoclo.requests.length <= 10 + 8 + 20, `${testEnv.reoclo.requests.length} requests`);
  await testEnv.reoclo.idle();

  delete testEnv.reoclo.keys.get(testEnv.apiKey).rate_limit;
  const post = await testEnv.runPost(main);
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
});
