// Main is stopped at twenty points of its life, by each of the signals that a
// runner knows, and post has to leave no login behind. Points are moments that
// something defines: a request, a response, an operation, an entry in the state file,
// a printed line. Where a login is still to come, docker is held at a gate and let
// go while post waits for it.
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

const SIGNAL_SELF = fileURLToPath(new URL('../env/signal-self.cjs', import.meta.url));

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGKILL'];
const MODES = ['vault', 'passthrough'];
// What a runner's patience leaves: main has 2 s, the rest is for the process to end.
const ENDS_WITHIN_MS = 2_500;
const CONCURRENCY = 4;

// `self`: main signals itself (see signal-self.cjs). `when`: resolves at the moment
// of the signal, sent from outside. `plan`: what happens on the network. `held`:
// docker is held at the gate until post waits for it. `early`: main may not have
// got as far as to handle a signal. `late`: main may have succeeded all the same.
const POINTS = [
  { name: 'the process has been started', when: ({ child }) => once(child, 'spawn'), early: true },
  { name: 'none of its code has run', self: 'load', early: true },
  { name: 'its first mask is printed', self: 'print:::add-mask::', held: true },
  { name: 'it has said what it will do', self: `print:${LOG.start}`, held: true },
  { name: 'half of the state is written', self: 'state:^cleanup=', held: true },
  { name: 'all of the state is written and nothing is sent', self: 'state:^login_1=', held: true },
  { name: 'the connection is open', when: ({ faults }) => once(faults, 'connection'), held: true },
  { name: 'the login request has arrived', when: ({ faults }) => faults.seen('login'), held: true },
  { name: 'the operation has started', when: ({ operation }) => operation('running'), held: true },
  {
    name: 'the response to the login is on its way, and slow',
    plan: ({ stopping }) => ({ login: delayResponse(stopping.then(() => delay(500))) }),
    when: ({ operation }) => operation('running'),
    held: true,
    // A step that can be asked to stop waits for the response, and so knows the registry.
    knows: true,
  },
  {
    name: 'the response to the login never comes',
    plan: () => ({ login: delayResponse() }),
    when: ({ operation }) => operation('running'),
    held: true,
  },
  {
    name: 'it waits before it asks for the login again',
    plan: () => ({ login: status(503, { 'retry-after': '30' }) }),
    self: `print:${LOG.retryingStart('login')}`,
  },
  { name: 'the response to the login is sent', when: ({ responded }) => responded('login', 1), held: true },
  { name: 'the registry is in the state', self: 'state:^login_1=.* requested .* - [^-]', held: true },
  { name: 'the operation is in the state', self: 'state:^login_1=.* running ', held: true },
  { name: 'the first poll has arrived', when: ({ faults }) => faults.seen('poll'), held: true },
  { name: 'the third poll is answered', when: ({ responded }) => responded('poll', 3), held: true },
  {
    name: 'a poll is never answered',
    plan: () => ({ poll: [pass, noResponse] }),
    when: ({ faults }) => faults.seen('poll', 2),
    held: true,
  },
  { name: 'the operation has ended', when: ({ operation }) => operation('completed'), late: true },
  { name: 'the end of the operation is in the state', self: 'state:^login_1=.* ended ', late: true },
];

const outcomes = [];

describe('a step that is stopped leaves no login behind', () => {
  for (const [i, signal] of SIGNALS.entries()) {
    describe(`by ${signal}`, { concurrency: CONCURRENCY }, () => {
      // Each point meets both modes; SIGKILL, which leaves main no say, all of them.
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

  test('the table of all points', (t) => {
    const order = ({ signal, point, mode }) => [SIGNALS.indexOf(signal), POINTS.indexOf(point), mode];
    outcomes.sort((a, b) => compare(order(a), order(b)));
    assert.equal(outcomes.length, 4 * POINTS.length);
    t.diagnostic('signal   mode         main ended      after  requested  registry known  logins left  stopped when');
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
  let tell;
  const stopping = new Promise((resolve) => (tell = resolve));
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
  const missed = step.done.then(({ stdout }) => assert.fail(`main ended before this moment came:\n${stdout}`));
  await Promise.race([moment, missed]);
  missed.catch(() => {});
  const stoppedAt = performance.now();
  if (!point.self) step.child.kill(signal);
  tell();
  const main = await step.done;
  const afterMs = (await exited) - stoppedAt;

  // A kill may have come before anybody had read what was sent.
  await faults.idle();
  const requested = faults.counts.login > 0;
  const needsLogout = main.saved.some((login) => login.needsLogout);
  const known = needsLogout && Boolean(main.saved[0].registry_url);

  // The cleanup. Where it can only wait out 20 s, the clock leaps over them once docker is done.
  const post = testEnv.startPost(main, {
    nodeArgs: UNDER_CONDITIONS,
    env: { TEST_RANDOM: '0', TEST_LEAP_S: '20' },
  });
  const waits = printed(post.child.stdout, LOG.waitingStart);
  const ended = post.done;
  await Promise.race([waits, ended]);
  gate?.release();
  if (post.output().includes(LOG.waitingForInterruptedLogin)) {
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
  assert.ok(needsLogout || !requested, 'a login was requested and state does not say so');
  if (point.knows && signal !== 'SIGKILL') assert.ok(known, 'the response came, and state does not know the registry');

  assert.equal(code, 0, stdout);
  if (known) {
    assert.equal(left, 0, `logins left behind, with the registry in state:\n${main.stdout}${stdout}`);
    assert.deepEqual(annotations, []);
  } else if (needsLogout) {
    assert.deepEqual(
      annotations.map(({ level, title }) => [level, title]),
      [['warning', TITLES.loginNotCleanedUp]],
    );
    assert.equal(annotations[0].message, WARNINGS.loginNotCleanedUp(server.id));
    assert.ok(requested || signal === 'SIGKILL', 'main knew that nothing had been sent');
  } else {
    assert.deepEqual(annotations, []);
    assert.equal(left, 0);
  }
}

/** That main ended as it was told to, and said so once. */
function assertEnd({ code, signal: killedBy, annotations, stdout }, signal, { early, late }) {
  const errors = annotations.filter(({ level }) => level === 'error').map(({ title }) => title);
  if (late && code === 0) return assert.deepEqual(errors, []);
  if (signal === 'SIGKILL' || (early && killedBy)) return assert.deepEqual([killedBy, errors], [signal, []]);
  return assert.deepEqual([code, errors], [1, [TITLES.cancelled]], stdout);
}

/** What a point can wait for. */
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

/** Resolves when a stream has said a text, and never if it ends before. */
function printed(stream, text) {
  let said = '';
  return new Promise((resolve) => {
    stream.on('data', (chunk) => {
      said += chunk;
      if (said.includes(text)) resolve();
    });
  });
}

/** Orders lists by their first difference. */
function compare(a, b) {
  const i = a.findIndex((value, index) => value !== b[index]);
  if (i < 0) return 0;
  return a[i] < b[i] ? -1 : 1;
}
