// Logins that fail on DNS, TLS or the connection, and clocks that change.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { atLeast, failsWithoutLogin, FAST_CLOCK, faultTable, logs, NO_WAITS } from '../../env/fault-table.js';
import { ERRORS, exactly, FIX, like, LOG, TITLES } from '../../env/messages.js';
import { createTestEnv, UNDER_CONDITIONS } from '../../env/test-env.js';
import { reset, resetUnread, startFaults, status } from '../../sandbox/faults.js';
import { splitLines } from '../../support/runner-files.js';
import { closedPort } from '../../support/serve.js';

const HOUR_MS = 3_600_000;

faultTable('a login to an unusable host', [
  {
    name: 'retries an unknown host name 6 times',
    inputs: { api_url: 'https://reoclo.invalid' },
    ends: failsWithoutLogin(TITLES.connectionFailed, ERRORS.connection('login', like(/.*(ENOTFOUND|EAI_AGAIN).*/), { host: 'reoclo.invalid' })),
    requests: { connections: 0 },
    retries: 5,
  },
  {
    name: 'logs in after two DNS failures',
    conditions: { ...FAST_CLOCK, TEST_DNS_FAILURES: '2' },
    warnings: [TITLES.plainHttp],
    inputs: ({ faults }) => ({ api_url: faults.url.replace('127.0.0.1', 'reoclo.test') }),
    requests: { login: 1 },
    retries: 2,
    // Post resolves the name again, in its own process.
    after: { retries: 2 },
    also: [logs(LOG.retrying('login', { error: ERRORS.connection('login', like(/.*EAI_AGAIN.*/)) }))],
  },
  {
    name: 'fails after 6 refused connections without logout',
    mode: 'passthrough',
    inputs: async () => ({ api_url: `http://127.0.0.1:${await closedPort()}` }),
    ends: failsWithoutLogin(TITLES.connectionFailed, ERRORS.connection('login', like(/.*ECONNREFUSED.*/))),
    requests: { connections: 0 },
    retries: 5,
  },
  {
    name: 'does not retry a self-signed certificate',
    mode: 'passthrough',
    tls: 'IP:127.0.0.1',
    ends: failsWithoutLogin(TITLES.connectionFailed, ERRORS.connection('login', like(/.*self.signed certificate.*/)), FIX.certificate),
    requests: { connections: 1, login: 0 },
  },
  {
    name: 'does not retry a certificate for another host',
    mode: 'passthrough',
    tls: 'DNS:reoclo.example',
    trusted: true,
    ends: failsWithoutLogin(TITLES.connectionFailed, ERRORS.connection('login', like(/.*altnames.*/)), FIX.certificate),
    requests: { connections: 1, login: 0 },
  },
  {
    name: 'does not retry https to plain HTTP',
    mode: 'passthrough',
    inputs: ({ faults }) => ({ api_url: faults.url.replace('http:', 'https:') }),
    ends: failsWithoutLogin(TITLES.connectionFailed, ERRORS.connection('login', 'EPROTO'), FIX.noTls),
    requests: { login: 0 },
  },
  {
    name: 'trusts a certificate in NODE_EXTRA_CA_CERTS',
    tls: 'IP:127.0.0.1',
    trusted: true,
    main: { connections: [resetUnread], poll: [reset] },
    requests: { login: 1 },
    retries: 2,
  },
  {
    name: 'waits are independent of the time of day',
    conditions: { ...NO_WAITS, TEST_TIME_OF_DAY_JUMP_MS: String(HOUR_MS) },
    inputs: { timeout: '20' },
    main: { login: [status(503)], poll: [status(503), status(429, { 'retry-after': '1' })] },
    requests: { login: 2, poll: atLeast(3) },
    retries: 2,
    takes: [1_000, 4_000],
  },
]);

test('logs in once refused connections are accepted', async (t) => {
  const testEnv = await createTestEnv(t);
  const port = await closedPort();
  const step = testEnv.start('main', {
    inputs: testEnv.inputs.vault({ api_url: `http://127.0.0.1:${port}` }),
    nodeArgs: UNDER_CONDITIONS,
    // The longest waits, so that Reoclo is up before the next attempt.
    env: { TEST_RANDOM: '1' },
  });
  const retrying = once(
    step.child.stdout.filter((text) => splitLines(text).some(LOG.isRetry)),
    'data',
  );
  // Without a retry the step ends, and the assertions below show why.
  await Promise.race([retrying, step.done]);
  const faults = testEnv.cleanUp(await startFaults(testEnv.reoclo.url, {}, { port }));
  const main = await step.done;
  assert.deepEqual([main.code, main.annotations], [0, []]);
  assert.equal(faults.counts.login, 1);
  const retries = main.log.filter(LOG.isRetry);
  assert.ok(retries.length >= 1 && retries.length <= 2, retries.join('\n'));
  assert.match(retries[0], exactly(LOG.retrying('login', { error: ERRORS.connection('login', like(/.*ECONNREFUSED.*/)) })));
  await testEnv.runPost(main);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});
