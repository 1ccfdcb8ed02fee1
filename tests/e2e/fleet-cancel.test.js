// A step with twelve logins is stopped halfway, and post must leave no login on any server. A point is an event of a login;
// docker that is held is released when post waits for it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { ERRORS, exactly, label, LOG, NAMES, TITLES, WARNINGS } from '../env/messages.js';
import { delayResponse, pass, startFaults } from '../sandbox/faults.js';
import { startGate } from '../sandbox/gate.js';
import { createFleet, idle, loginsOf, printed, started } from '../env/fleet.js';
import { UNDER_CONDITIONS } from '../env/test-env.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGKILL'];
const LOGINS = 12;
const CONCURRENCY = 2;

// `most`: how many logins run concurrently.
const FLEETS = {
  'four servers with three credentials': { servers: 4, credentials: 3, most: 4 },
  'twelve servers with a token': { servers: 12, credentials: 0, most: 12 },
};

// `held`: the registries that hold docker, counted from 0. `requests`: the number of login requests, if it does not
// depend on timing.
const MOMENTS = [
  { name: 'the first login has started', held: [0], when: ({ testEnv }) => started(testEnv, 1) },
  {
    name: 'the maximum of concurrent logins has started',
    held: [0],
    when: ({ testEnv, most }) => started(testEnv, most),
    requests: ({ most }) => most,
  },
  {
    name: 'every server runs its second login',
    only: 'four servers with three credentials',
    held: [1],
    when: ({ testEnv, most }) => started(testEnv, 2 * most),
    requests: ({ most }) => 2 * most,
  },
  { name: 'half of the logins have ended', held: [], when: ({ testEnv }) => endings(testEnv, LOGINS / 2) },
];

const RUNS = Object.entries(FLEETS).flatMap(([name, fleet], i) =>
  MOMENTS.filter(({ only = name }) => only === name).flatMap((moment, j) =>
    // Each point gets one of SIGINT and SIGTERM, and always SIGKILL, which main cannot handle.
    SIGNALS.filter((signal, k) => signal === 'SIGKILL' || k === (i + j) % 2).map((signal) => ({ name, fleet, moment, signal })),
  ),
);

describe('a step stopped during twelve logins leaves none', { concurrency: CONCURRENCY }, () => {
  for (const run of RUNS) test(`${run.signal}: ${run.name}, when ${run.moment.name}`, (t) => stopped(t, run));
});

async function stopped(t, { fleet: { servers, credentials, most }, moment, signal }) {
  const { testEnv, gates, inputs } = await createHeldFleet(t, { servers, credentials, held: moment.held });
  const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url));
  const step = testEnv.start('main', { inputs: inputs({ api_url: faults.url }) });
  const missed = step.done.then(({ stdout }) => assert.fail(`main ended before this point:\n${stdout}`));
  await Promise.race([moment.when({ testEnv, most }), missed]);
  missed.catch(() => {});
  step.child.kill(signal);
  const main = await step.done;
  // Main may have been killed before its requests were read.
  await faults.idle();

  if (signal === 'SIGKILL') assert.deepEqual([main.signal, main.annotations], [signal, []]);
  else assertCancelled(main);
  if (moment.requests) assert.equal(faults.counts.login, moment.requests({ most }), 'a login was started after the signal');
  const requested = new Set(faults.requests.filter(({ kind }) => kind === 'login').map(({ body }) => pairOf(JSON.parse(body))));
  assert.ok(main.saved.filter(({ needsLogout }) => needsLogout).length >= requested.size, 'a login was requested but is not in the state');

  const post = await cleanUpAfter(testEnv, main, gates);
  assert.equal(post.code, 0, post.stdout);
  const unknown = main.saved.filter((login) => login.needsLogout && !registryOf(main, login));
  const serversInWarning = unknown.map(({ server_id }) => server_id);
  if (unknown.length === 0) {
    assert.deepEqual(post.annotations, [], post.stdout);
    assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), [], `${main.stdout}${post.stdout}`);
  } else {
    // No response named the registry of this credential, so its login may be left: one warning names the servers.
    assert.equal(signal, 'SIGKILL', main.stdout);
    assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.loginNotCleanedUp]]);
    for (const { id, agent } of Object.values(testEnv.servers)) {
      assert.equal(post.annotations[0].message.includes(id), serversInWarning.includes(id), id);
      assert.ok(agent.logins().length <= (serversInWarning.includes(id) ? 1 : 0), `${main.stdout}${post.stdout}`);
    }
  }
}

test('uses the registry known from another server', async (t) => {
  const { testEnv, gates, inputs } = await createHeldFleet(t, { servers: 3, credentials: 2, held: [0] });
  const [one, unread, three] = Object.values(testEnv.servers);
  const never = delayResponse();
  const faults = testEnv.cleanUp(
    await startFaults(testEnv.reoclo.url, { login: (exchange) => (exchange.request.body.includes(unread.id) ? never : pass)(exchange) }),
  );
  const step = testEnv.start('main', { inputs: inputs({ api_url: faults.url }) });
  const operationPrinted = ({ id }) => printed(step, label(NAMES.server(id), gates[0].host) + LOG.operationStart);
  await Promise.all([started(testEnv, 3), operationPrinted(one), operationPrinted(three)]);
  step.child.kill('SIGKILL');
  const main = await step.done;
  assert.deepEqual(
    main.saved.map(({ server_id, seen, registry_url }) => [testEnv.reoclo.servers.get(server_id).name, seen, registry_url]),
    [['web-1', 'running', gates[0].host], ['web-2', 'requested', undefined], ['web-3', 'running', gates[0].host]],
  );

  const post = await cleanUpAfter(testEnv, main, gates);
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  assert.equal(testEnv.reoclo.audit.filter(({ action, outcome }) => action === 'registry_login' && outcome === 'completed').length, 3);
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
});

test('one warning names all servers without known registry', async (t) => {
  const { testEnv, gates, inputs } = await createHeldFleet(t, { servers: 3, credentials: 2, held: [] });
  const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, { login: delayResponse() }));
  const step = testEnv.start('main', { inputs: inputs({ api_url: faults.url }) });
  await faults.seen('login', 3);
  step.child.kill('SIGKILL');
  const main = await step.done;
  const post = await cleanUpAfter(testEnv, main, gates);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.loginNotCleanedUp]]);
  const lines = post.annotations[0].message.split('\n');
  assert.deepEqual(lines.toSorted(), Object.values(testEnv.servers).map(({ id }) => WARNINGS.loginNotCleanedUp(id)).toSorted());
  assert.equal(faults.counts.logout, 0);
});

test('waits for unknown logins before logging out others', async (t) => {
  const { testEnv, servers, credentials, gates, inputs } = await createHeldFleet(t, { servers: 2, credentials: 2, held: [1] });
  const never = delayResponse();
  const faults = testEnv.cleanUp(
    await startFaults(testEnv.reoclo.url, { login: (exchange) => (exchange.request.body.includes(credentials[1]) ? never : pass)(exchange) }),
  );
  const step = testEnv.start('main', { inputs: inputs({ api_url: faults.url }) });
  await started(testEnv, 4);
  step.child.kill('SIGKILL');
  const main = await step.done;
  assert.deepEqual(
    main.saved.map(({ seen, registry_url }) => [seen, registry_url]),
    [['ended', gates[0].host], ['requested', undefined], ['ended', gates[0].host], ['requested', undefined]],
  );

  const post = await cleanUpAfter(testEnv, main, gates);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.loginNotCleanedUp]]);
  for (const { id } of servers) assert.ok(post.annotations[0].message.includes(id));
  assert.deepEqual(loginsOf(testEnv), { 'web-1': [gates[1].host], 'web-2': [gates[1].host] });
});

test('starts no login while waiting to stop', async (t) => {
  const { testEnv, servers, gates, inputs } = await createHeldFleet(t, { servers: 2, credentials: 2, held: [0] });
  const [unread, done] = servers;
  let respond;
  const slow = delayResponse(new Promise((resolve) => (respond = resolve)));
  const faults = testEnv.cleanUp(
    await startFaults(testEnv.reoclo.url, { login: (exchange) => (exchange.request.body.includes(unread.id) ? slow : pass)(exchange) }),
  );
  // The clock runs at a fifth of its speed, so that main waits until the response arrives.
  const step = testEnv.start('main', { inputs: inputs({ api_url: faults.url }), nodeArgs: UNDER_CONDITIONS, env: { TEST_SPEED: '0.2' } });
  await Promise.all([started(testEnv, 2), printed(step, label(NAMES.server(done.id), gates[0].host) + LOG.operationStart)]);
  step.child.kill('SIGTERM');
  gates[0].release();
  await printed(step, label('web-2', gates[0].host) + LOG.loggedInStart('web-2', gates[0].host));
  respond();
  const main = await step.done;
  await faults.idle();
  assertCancelled(main, 4);
  assert.equal(faults.counts.login, 2);
  assert.deepEqual(main.saved.map(({ key, registry_url }) => [key, registry_url]), [['login_1', gates[0].host], ['login_3', gates[0].host]]);
  await cleanUpAfter(testEnv, main, gates);
  assert.deepEqual(loginsOf(testEnv), { 'web-1': [], 'web-2': [] });
});

test('prints no line for logins never started', async (t) => {
  const { testEnv, gates, inputs } = await createHeldFleet(t, { servers: 4, credentials: 3, held: [0] });
  const step = testEnv.start('main', { inputs: inputs() });
  await started(testEnv, 4);
  step.child.kill('SIGTERM');
  const main = await step.done;
  assertCancelled(main);
  await cleanUpAfter(testEnv, main, gates);
  for (const line of main.log.slice(1, -1)) assert.match(line, /^\[[^\]]+, [^\]]+\] /);
});

/** A fleet with a gate in front of each registry; only those of `held` are closed. */
async function createHeldFleet(t, { servers, credentials, held }) {
  const gates = [];
  const front = async (host, testEnv) => {
    const gate = testEnv.cleanUp(await startGate(host));
    if (!held.includes(gates.length)) gate.release();
    gates.push(gate);
    return gate.host;
  };
  const fleet = await createFleet(t, { servers, types: Array(credentials || 1).fill('generic'), front });
  const ids = fleet.servers.map(({ id }) => id).join('\n');
  const passthrough = (different) => fleet.testEnv.inputs.passthrough({ server_id: ids, registry_url: gates[0].host, ...different });
  return { ...fleet, gates, inputs: credentials ? fleet.inputs : passthrough };
}

/** The label of post's lines about a login. */
function labelOf({ server_id, server_name, registry }) {
  return label(server_name ?? NAMES.server(server_id), registry ?? NAMES.unknownRegistry);
}

/** Runs post and releases docker when post waits for it. If post can only wait for 20 s, the clock jumps ahead. */
async function cleanUpAfter(testEnv, main, gates) {
  const step = testEnv.startPost(main, { nodeArgs: UNDER_CONDITIONS, env: { TEST_RANDOM: '0', TEST_JUMP_S: '20' } });
  const post = step.done;
  await Promise.race([printed(step, LOG.waitingStart).catch(() => {}), post]);
  gates.forEach((gate) => gate.release());

  const logins = main.saved.filter(({ needsLogout }) => needsLogout).map((login) => ({ ...login, registry: registryOf(main, login) }));
  const hasOthers = ({ server_id }) => logins.filter((login) => login.server_id === server_id).length > 1;
  const interrupted = logins.filter((login) => login.seen === 'requested' && (login.registry || hasOthers(login)));
  if (interrupted.length > 0) {
    // By then all other servers are logged out and docker runs nowhere.
    const others = logins.filter(({ server_id, registry }) => registry && !interrupted.some((login) => login.server_id === server_id));
    await Promise.all([
      ...others.map((login) => printed(step, labelOf(login) + LOG.loggedOut)),
      ...interrupted.map((login) => printed(step, labelOf(login) + LOG.waitingForUnknownLogin)),
      idle(testEnv),
    ]);
    step.child.kill('SIGUSR2');
  }
  const result = await post;
  await idle(testEnv);
  return result;
}

/** The registry of a login, from its own response or another server's. */
function registryOf({ saved }, { registry_url, credential }) {
  return registry_url ?? saved.find((other) => other.credential === credential && other.registry_url)?.registry_url;
}

function pairOf({ server_id, credential_id, registry_url }) {
  return `${server_id} ${credential_id ?? registry_url}`;
}

/** Asserts that main was cancelled, with one error. */
function assertCancelled({ code, annotations, stdout, log }, all = LOGINS) {
  assert.deepEqual([code, annotations.map(({ level, title }) => [level, title])], [1, [['error', TITLES.cancelled]]], stdout);
  const failed = Array.from({ length: all }, (_, i) => i + 1).find((n) => annotations[0].message.startsWith(`${ERRORS.failed(n, all)}\n`));
  assert.ok(failed, annotations[0].message);
  assert.match(log.at(-1), failed === all ? exactly(LOG.finishedWithoutLogin(all)) : exactly(LOG.finished(all - failed, all)));
}

/** Resolves when n logins have finished on their servers. */
async function endings({ reoclo }, n) {
  while (reoclo.audit.filter(({ outcome }) => outcome === 'completed').length < n) await once(reoclo, 'operation');
}
