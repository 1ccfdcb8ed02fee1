// Main is stopped at twenty points, by each signal that runners send, and post must leave no login. A point is an event: a
// request, a response, an operation, an entry in the state file or a log line. If the login has not finished by then, a
// gate holds docker until post waits for it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LOG, TITLES, WARNINGS } from '../env/messages.js';
import { delayResponse, noResponse, pass, startFaults, status } from '../sandbox/faults.js';
import { startGate } from '../sandbox/gate.js';
import { idle } from '../env/fleet.js';
import { createTestEnv, UNDER_CONDITIONS } from '../env/test-env.js';
import { BUSY_MS } from '../support/child.js';

const SIGNAL_SELF = fileURLToPath(new URL('../env/signal-self.cjs', import.meta.url));

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGKILL'];
const MODES = ['vault', 'passthrough'];
// Main takes 2 s at most; GitHub's runner kills it after 10 s.
const ENDS_WITHIN_MS = 2_000 + BUSY_MS;
const CONCURRENCY = 4;

// `self`: main signals itself (see signal-self.cjs). `when`: resolves when the test sends the signal. `plan`: faults.
// `held`: the gate holds docker until post waits for it. `early`: main may not handle signals yet. `late`: main may have
// succeeded.
const POINTS = [
  { name: 'the process has started', when: ({ child }) => once(child, 'spawn'), early: true },
  { name: 'none of its code has run', self: 'load', early: true },
  { name: 'its first mask is printed', self: 'print:::add-mask::', held: true },
  { name: 'its first line is printed', self: `print:${LOG.start}`, held: true },
  { name: 'part of the state is saved', self: 'state:^cleanup=', held: true },
  { name: 'the state is saved and nothing sent', self: 'state:^login_1=', held: true },
  { name: 'the connection is open', when: ({ faults }) => once(faults, 'connection'), held: true },
  { name: 'the login request has arrived', when: ({ faults }) => faults.seen('login'), held: true },
  { name: 'the operation has started', when: ({ operation }) => operation('running'), held: true },
  {
    name: 'the login response is delayed',
    plan: ({ stopping }) => ({ login: delayResponse(stopping.then(() => delay(500))) }),
    when: ({ operation }) => operation('running'),
    held: true,
    // A step that handles the signal waits for the response, so it knows the registry.
    knows: true,
  },
  {
    name: 'there is no login response',
    plan: () => ({ login: delayResponse() }),
    when: ({ operation }) => operation('running'),
    held: true,
  },
  {
    name: 'it waits before a retry',
    plan: () => ({ login: status(503, { 'retry-after': '30' }) }),
    self: `print:${LOG.retryingStart('login')}`,
  },
  { name: 'the login response is sent', when: ({ responded }) => responded('login', 1), held: true },
  { name: 'the registry is in the state', self: 'state:^login_1=.* requested .* - [^-]', held: true },
  { name: 'the operation is in the state', self: 'state:^login_1=.* running ', held: true },
  { name: 'the first status request has arrived', when: ({ faults }) => faults.seen('poll'), held: true },
  { name: 'the third status response is sent', when: ({ responded }) => responded('poll', 3), held: true },
  {
    name: 'a status request gets no response',
    plan: () => ({ poll: [pass, noResponse] }),
    when: ({ faults }) => faults.seen('poll', 2),
    held: true,
  },
  { name: 'the operation has ended', when: ({ operation }) => operation('completed'), late: true },
  { name: 'the end of the operation is in the state', self: 'state:^login_1=.* ended ', late: true },
];

const outcomes = [];

describe('a stopped step leaves no login', () => {
  for (const [i, signal] of SIGNALS.entries()) {
    describe(`by ${signal}`, { concurrency: CONCURRENCY }, () => {
      // Each point runs in one mode per signal; with SIGKILL, which main cannot handle, in both.
      const runs = POINTS.flatMap((point, j) =>
        MODES.filter((_, k) => signal === 'SIGKILL' || k === (i + j) % MODES.length).map((mode) => ({ point, mode })),
      );
      const name = ({ point, mode }) => `${mode}: when ${point.name}`;
      let testEnv;
      before(async () => {
        testEnv = await createTestEnv(undefined, { servers: runs.map(name) });
        testEnv.reoclo.setMaxListeners(0);
      });
      after(() => testEnv.close());
      for (const run of runs) {
        test(name(run), (t) => stopped(t, { ...run, signal, testEnv, server: testEnv.servers[name(run)] }));
      }
    });
  }

  test('table of all points', (t) => {
    const order = ({ signal, point, mode }) => [SIGNALS.indexOf(signal), POINTS.indexOf(point), mode];
    outcomes.sort((a, b) => compare(order(a), order(b)));
    assert.equal(outcomes.length, 4 * POINTS.length);
    t.diagnostic('signal   mode         main ended      after  requested  registry known  logins left  at');
    for (const { signal, mode, point, end, afterMs, requested, known, left } of outcomes) {
      t.diagnostic(
        [
          signal.padEnd(8),
          mode.padEnd(12),
          end.padEnd(10),
          `${Math.round(afterMs)} ms`.padStart(9),
          (requested ? 'yes' : 'no').padStart(10),
          (known ? 'yes' : 'no').padStart(15),
          String(left).padStart(12),
          ` ${point.name}`,
        ].join(' '),
      );
    }
  });
});

async function stopped(t, { point, mode, signal, testEnv, server }) {
  const cleanUp = (resource) => {
    t.after(() => resource.stop());
    return resource;
  };
  let stop;
  const stopping = new Promise((resolve) => (stop = resolve));
  const faults = cleanUp(await startFaults(testEnv.reoclo.url, point.plan?.({ stopping })));
  const gate = point.held && cleanUp(await startGate(testEnv.registry.host));
  const registry = gate ? gate.host : testEnv.registry.host;
  const inputs = testEnv.inputs[mode]({
    api_url: faults.url,
    server_id: server.id,
    ...(mode === 'vault'
      ? { credential_id: testEnv.addCredential({ registry_url: registry }) }
      : { registry_url: registry }),
  });

  // The stop
  const step = testEnv.start('main', {
    inputs,
    ...(point.self && { nodeArgs: ['--require', SIGNAL_SELF], env: { SIGNAL: signal, SIGNAL_AT: point.self } }),
  });
  const exited = once(step.child, 'exit').then(() => performance.now());
  const moment = point.self
    ? printed(step.child.stderr, 'SIGNALLED')
    : point.when(moments(step.child, faults, testEnv, server));
  const missed = step.done.then(({ stdout }) => assert.fail(`main ended before this point:\n${stdout}`));
  await Promise.race([moment, missed]);
  missed.catch(() => {});
  const stoppedAt = performance.now();
  if (!point.self) step.child.kill(signal);
  stop();
  const main = await step.done;
  const afterMs = (await exited) - stoppedAt;

  // Main may have been killed before its request was read.
  await faults.idle();
  const requested = faults.counts.login > 0;
  const needsLogout = main.saved.some((login) => login.needsLogout);
  const known = needsLogout && Boolean(main.saved[0].registry_url);

  // The cleanup. If it can only wait for 20 s, the clock jumps ahead once docker has finished.
  const post = testEnv.startPost(main, {
    nodeArgs: UNDER_CONDITIONS,
    env: { TEST_RANDOM: '0', TEST_JUMP_S: '20' },
  });
  const waits = printed(post.child.stdout, LOG.waitingStart);
  const ended = post.done;
  await Promise.race([waits, ended]);
  gate?.release();
  if (post.output().includes(LOG.waitingForUnknownLogin)) {
    await idle(testEnv, server);
    post.child.kill('SIGUSR2');
  }
  const { code, annotations, stdout } = await ended;
  await idle(testEnv, server);
  const left = server.agent.logins().length;

  const end = main.signal ?? `code ${main.code}`;
  outcomes.push({ signal, mode, point, end, afterMs, requested, known, left });

  assertEnd(main, signal, point);
  assert.ok(afterMs < ENDS_WITHIN_MS, `main ended ${afterMs} ms after ${signal}`);
  assert.ok(needsLogout || !requested, 'a login was requested but is not in the state');
  if (point.knows && signal !== 'SIGKILL') assert.ok(known, 'the response arrived but the registry is not in the state');

  assert.equal(code, 0, stdout);
  if (known) {
    assert.equal(left, 0, `logins left although the registry is in the state:\n${main.stdout}${stdout}`);
    assert.deepEqual(annotations, []);
  } else if (needsLogout) {
    assert.deepEqual(
      annotations.map(({ level, title }) => [level, title]),
      [['warning', TITLES.loginNotCleanedUp]],
    );
    assert.equal(annotations[0].message, WARNINGS.loginNotCleanedUp(server.id));
    assert.ok(requested || signal === 'SIGKILL', 'main knew that no request had been sent');
  } else {
    assert.deepEqual(annotations, []);
    assert.equal(left, 0);
  }
}

/** Asserts that main exited because of the signal, with one error. */
function assertEnd({ code, signal: killedBy, annotations, stdout }, signal, { early, late }) {
  const errors = annotations.filter(({ level }) => level === 'error').map(({ title }) => title);
  if (late && code === 0) return assert.deepEqual(errors, []);
  if (signal === 'SIGKILL' || (early && killedBy)) return assert.deepEqual([killedBy, errors], [signal, []]);
  return assert.deepEqual([code, errors], [1, [TITLES.cancelled]], stdout);
}

/** The events that a point can wait for. */
function moments(child, faults, testEnv, server) {
  const event = async (emitter, name, matches) => {
    for (;;) {
      const [subject] = await once(emitter, name);
      if (matches(subject)) return;
    }
  };
  return {
    child,
    faults,
    operation: (status) =>
      event(testEnv.reoclo, 'operation', (operation) => operation.server_id === server.id && operation.status === status),
    responded: (kind, n) => event(faults, 'responded', (request) => request.kind === kind && request.n === n),
  };
}

/** Resolves when a stream has printed a text; never if it ends before. */
function printed(stream, text) {
  let output = '';
  return new Promise((resolve) => {
    stream.on('data', (chunk) => {
      output += chunk;
      if (output.includes(text)) resolve();
    });
  });
}

/** Compares lists by their first different item. */
function compare(a, b) {
  const i = a.findIndex((value, index) => value !== b[index]);
  if (i < 0) return 0;
  return a[i] < b[i] ? -1 : 1;
}
