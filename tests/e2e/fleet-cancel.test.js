// A step with twelve logins is stopped in the middle of them, and post has to leave none behind on any server. The
// moment is one that a login on a server defines; where docker is held, it is let go while post waits for it.
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

// `most`: so many logins go side by side.
const FLEETS = {
  'four servers with three credentials': { servers: 4, credentials: 3, most: 4 },
  'twelve servers with a token': { servers: 12, credentials: 0, most: 8 },
};

// `held`: the registries at which docker is held, counted from 0. `requests`: how many logins are ever asked for,
// where that does not hang on chance.
const MOMENTS = [
  { name: 'the first login has started', held: [0], when: ({ testEnv }) => started(testEnv, 1) },
  {
    name: 'as many logins have started as go side by side',
    held: [0],
    when: ({ testEnv, most }) => started(testEnv, most),
    requests: ({ most }) => most,
  },
  {
    name: 'every server is logged in with one credential and runs the next',
    only: 'four servers with three credentials',
    held: [1],
    when: ({ testEnv, most }) => started(testEnv, 2 * most),
    requests: ({ most }) => 2 * most,
  },
  { name: 'half of the logins have ended', held: [], when: ({ testEnv }) => endings(testEnv, LOGINS / 2) },
];

const RUNS = Object.entries(FLEETS).flatMap(([name, fleet], i) =>
  MOMENTS.filter(({ only = name }) => only === name).flatMap((moment, j) =>
    // Each moment meets both kinds of polite signal, and SIGKILL, which leaves main no say, meets all of them.
    SIGNALS.filter((signal, k) => signal === 'SIGKILL' || k === (i + j) % 2).map((signal) => ({ name, fleet, moment, signal })),
  ),
);

describe('a step that is stopped in the middle of twelve logins leaves none behind', { concurrency: CONCURRENCY }, () => {
  for (const run of RUNS) test(`${run.signal}: ${run.name}, when ${run.moment.name}`, (t) => stopped(t, run));
});

async function stopped(t, { fleet: { servers, credentials, most }, moment, signal }) {
  const { testEnv, gates, inputs } = await createHeldFleet(t, { servers, credentials, held: moment.held });
  const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url));
  const step = testEnv.start('main', { inputs: inputs({ api_url: faults.url }) });
  const missed = step.done.then(({ stdout }) => assert.fail(`main ended before this moment came:\n${stdout}`));
  await Promise.race([moment.when({ testEnv, most }), missed]);
  missed.catch(() => {});
  step.child.kill(signal);
  const main = await step.done;
  // A kill may have come before anybody had read what was sent.
  await faults.idle();

  if (signal === 'SIGKILL') assert.deepEqual([main.signal, main.annotations], [signal, []]);
  else assertCancelled(main);
  if (moment.requests) assert.equal(faults.counts.login, moment.requests({ most }), 'a login was begun after the stop');
  const asked = new Set(faults.requests.filter(({ kind }) => kind === 'login').map(({ body }) => pairOf(JSON.parse(body))));
  assert.ok(main.saved.filter(({ needsLogout }) => needsLogout).length >= asked.size, 'a login was requested and state does not say so');

  const post = await cleanedUp(testEnv, main, gates);
  assert.equal(post.code, 0, post.stdout);
  const unknown = main.saved.filter((login) => login.needsLogout && !registryOf(main, login));
  const serversInWarning = unknown.map(({ server_id }) => server_id);
  if (unknown.length === 0) {
    assert.deepEqual(post.annotations, [], post.stdout);
    assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), [], `${main.stdout}${post.stdout}`);
  } else {
    // Nobody was told the registry of this credential: of that alone something may be left, and one warning says where.
    assert.equal(signal, 'SIGKILL', main.stdout);
    assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.loginNotCleanedUp]]);
    for (const { id, agent } of Object.values(testEnv.servers)) {
      assert.equal(post.annotations[0].message.includes(id), serversInWarning.includes(id), id);
      assert.ok(agent.logins().length <= (serversInWarning.includes(id) ? 1 : 0), `${main.stdout}${post.stdout}`);
    }
  }
}

test('a response that was not read before SIGKILL is made up for by what another server was told', async (t) => {
  const { testEnv, gates, inputs } = await createHeldFleet(t, { servers: 3, credentials: 2, held: [0] });
  const [one, unheard, three] = Object.values(testEnv.servers);
  const never = delayResponse();
  const faults = testEnv.cleanUp(
    await startFaults(testEnv.reoclo.url, { login: (exchange) => (exchange.request.body.includes(unheard.id) ? never : pass)(exchange) }),
  );
  const step = testEnv.start('main', { inputs: inputs({ api_url: faults.url }) });
  const heard = ({ id }) => printed(step, label(NAMES.server(id), gates[0].host) + LOG.operationStart);
  await Promise.all([started(testEnv, 3), heard(one), heard(three)]);
  step.child.kill('SIGKILL');
  const main = await step.done;
  assert.deepEqual(
    main.saved.map(({ server_id, seen, registry_url }) => [testEnv.reoclo.servers.get(server_id).name, seen, registry_url]),
    [['web-1', 'running', gates[0].host], ['web-2', 'requested', undefined], ['web-3', 'running', gates[0].host]],
  );

  const post = await cleanedUp(testEnv, main, gates);
  assert.deepEqual([post.code, post.annotations], [0, []], post.stdout);
  assert.equal(testEnv.reoclo.audit.filter(({ action, outcome }) => action === 'registry_login' && outcome === 'completed').length, 3);
  assert.deepEqual(Object.values(loginsOf(testEnv)).flat(), []);
});

test('where no server was told the registry before SIGKILL, one warning names them all', async (t) => {
  const { testEnv, gates, inputs } = await createHeldFleet(t, { servers: 3, credentials: 2, held: [] });
  const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, { login: delayResponse() }));
  const step = testEnv.start('main', { inputs: inputs({ api_url: faults.url }) });
  await faults.seen('login', 3);
  step.child.kill('SIGKILL');
  const main = await step.done;
  const post = await cleanedUp(testEnv, main, gates);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.loginNotCleanedUp]]);
  const lines = post.annotations[0].message.split('\n');
  assert.deepEqual(lines.toSorted(), Object.values(testEnv.servers).map(({ id }) => WARNINGS.loginNotCleanedUp(id)).toSorted());
  assert.equal(faults.counts.logout, 0);
});

test('a login that nobody can undo is waited for, so that it does not bring back what the others are logged out of', async (t) => {
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

  const post = await cleanedUp(testEnv, main, gates);
  assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.loginNotCleanedUp]]);
  for (const { id } of servers) assert.ok(post.annotations[0].message.includes(id));
  assert.deepEqual(loginsOf(testEnv), { 'web-1': [gates[1].host], 'web-2': [gates[1].host] });
});

test('while a stopped step waits for a response, no server is asked for the next login', async (t) => {
  const { testEnv, servers, gates, inputs } = await createHeldFleet(t, { servers: 2, credentials: 2, held: [0] });
  const [unheard, done] = servers;
  let answer;
  const slow = delayResponse(new Promise((resolve) => (answer = resolve)));
  const faults = testEnv.cleanUp(
    await startFaults(testEnv.reoclo.url, { login: (exchange) => (exchange.request.body.includes(unheard.id) ? slow : pass)(exchange) }),
  );
  // A clock that goes at a fifth of its speed: the response is waited for until it comes.
  const step = testEnv.start('main', { inputs: inputs({ api_url: faults.url }), nodeArgs: UNDER_CONDITIONS, env: { TEST_SPEED: '0.2' } });
  await Promise.all([started(testEnv, 2), printed(step, label(NAMES.server(done.id), gates[0].host) + LOG.operationStart)]);
  step.child.kill('SIGTERM');
  gates[0].release();
  await printed(step, label('web-2', gates[0].host) + LOG.loggedInStart('web-2', gates[0].host));
  answer();
  const main = await step.done;
  await faults.idle();
  assertCancelled(main, 4);
  assert.equal(faults.counts.login, 2);
  assert.deepEqual(main.saved.map(({ key, registry_url }) => [key, registry_url]), [['login_1', gates[0].host], ['login_3', gates[0].host]]);
  await cleanedUp(testEnv, main, gates);
  assert.deepEqual(loginsOf(testEnv), { 'web-1': [], 'web-2': [] });
});

test('of logins that were never begun a stopped step says nothing line by line', async (t) => {
  const { testEnv, gates, inputs } = await createHeldFleet(t, { servers: 12, credentials: 0, held: [0] });
  const step = testEnv.start('main', { inputs: inputs() });
  await started(testEnv, 8);
  step.child.kill('SIGTERM');
  const main = await step.done;
  assertCancelled(main);
  await cleanedUp(testEnv, main, gates);
  for (const line of main.log.slice(1, -1)) assert.match(line, /^\[[^\]]+, [^\]]+\] /);
});

/** A fleet with a gate before each registry, of which only `held` are shut. */
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

/** How post's lines about a login begin. */
function labelOf({ server_id, server_name, registry }) {
  return label(server_name ?? NAMES.server(server_id), registry ?? NAMES.unknownRegistry);
}

/** Runs post; docker is let go once post waits for it. Where post can only wait out 20 s, the clock leaps over them. */
async function cleanedUp(testEnv, main, gates) {
  const step = testEnv.startPost(main, { nodeArgs: UNDER_CONDITIONS, env: { TEST_RANDOM: '0', TEST_LEAP_S: '20' } });
  const post = step.done;
  await Promise.race([printed(step, LOG.waitingStart).catch(() => {}), post]);
  gates.forEach((gate) => gate.release());

  const logins = main.saved.filter(({ needsLogout }) => needsLogout).map((login) => ({ ...login, registry: registryOf(main, login) }));
  const hasOthers = ({ server_id }) => logins.filter((login) => login.server_id === server_id).length > 1;
  const interrupted = logins.filter((login) => login.seen === 'requested' && (login.registry || hasOthers(login)));
  if (interrupted.length > 0) {
    // Nothing else is under way at that moment: all other servers are done with, and docker runs nowhere.
    const others = logins.filter(({ server_id, registry }) => registry && !interrupted.some((login) => login.server_id === server_id));
    await Promise.all([
      ...others.map((login) => printed(step, labelOf(login) + LOG.loggedOut)),
      ...interrupted.map((login) => printed(step, labelOf(login) + LOG.waitingForInterruptedLogin)),
      idle(testEnv),
    ]);
    step.child.kill('SIGUSR2');
  }
  const result = await post;
  await idle(testEnv);
  return result;
}

/** The registry of a login, as far as anybody was told it. */
function registryOf({ saved }, { registry_url, credential }) {
  return registry_url ?? saved.find((other) => other.credential === credential && other.registry_url)?.registry_url;
}

function pairOf({ server_id, credential_id, registry_url }) {
  return `${server_id} ${credential_id ?? registry_url}`;
}

/** That main ended as it was told to, and said so once. */
function assertCancelled({ code, annotations, stdout, log }, all = LOGINS) {
  assert.deepEqual([code, annotations.map(({ level, title }) => [level, title])], [1, [['error', TITLES.cancelled]]], stdout);
  const failed = Array.from({ length: all }, (_, i) => i + 1).find((n) => annotations[0].message.startsWith(`${ERRORS.failed(n, all)}\n`));
  assert.ok(failed, annotations[0].message);
  assert.match(log.at(-1), failed === all ? exactly(LOG.finishedWithoutLogin(all)) : exactly(LOG.finished(all - failed, all)));
}

/** Resolves when so many logins have ended on their servers. */
async function endings({ reoclo }, n) {
  while (reoclo.audit.filter(({ outcome }) => outcome === 'completed').length < n) await once(reoclo, 'operation');
}
