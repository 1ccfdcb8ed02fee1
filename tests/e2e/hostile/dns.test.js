// Name servers that are silent, slow or wrong: steps keep their promises, and a login that is possible succeeds.
//
// Each row runs in a network and mount namespace with its own resolv.conf and hosts file, which requires root on Linux.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LOG, TITLES } from '../../env/messages.js';
import { BUSY_MS, startChild } from '../../support/child.js';

const INSIDE = fileURLToPath(new URL('../../env/in-namespace.js', import.meta.url));
const SET_UP = 'ip link set lo up && mount --bind "$0/resolv.conf" /etc/resolv.conf && mount --bind "$0/hosts" /etc/hosts && exec "$@"';
const isPossible = spawnSync('unshare', ['-nm', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
// In continuous integration it must be possible.
const skip = !isPossible && process.env.CI !== 'true' && 'network namespaces require root on Linux';

const NAME = 'api.example.com';
const SILENT = ['silent', 'silent', 'silent'];
const NAMES = [NAME, 'api.corp.example'];
const SPEED = 10;

// `within` is the longest time of main, or of post in a row with `login`; the DNS timeouts are real.
const ROWS = [
  { name: 'timeout with silent name servers', servers: SILENT, inputs: { timeout: '2' }, within: 2_500, ends: 'fails', title: TITLES.timedOut },
  { name: 'timeout with silent name servers (vault)', mode: 'vault', servers: SILENT, inputs: { timeout: '2' }, within: 2_500, ends: 'fails', title: TITLES.timedOut },
  { name: 'timeout with silent name servers and a short name', servers: SILENT, host: 'api', inputs: { timeout: '2' }, within: 2_500, ends: 'fails', title: TITLES.timedOut },
  { name: 'SIGINT with silent name servers', servers: SILENT, sigintAfterMs: 1_000, within: 1_500, ends: 'fails', title: TITLES.cancelled },
  { name: 'SIGINT with silent name servers, late', servers: SILENT, sigintAfterMs: 3_000, within: 3_500, ends: 'fails', title: TITLES.cancelled },
  { name: 'SIGINT with slow name servers', servers: ['slow', 'slow', 'slow'], sigintAfterMs: 2_000, within: 2_500, ends: 'fails', title: TITLES.cancelled },
  { name: 'an unknown name', servers: ['unknown', 'unknown', 'unknown'], inputs: { timeout: '2' }, within: 2_500, ends: 'fails' },
  { name: 'a dead first name server', servers: ['silent', 'ok', 'ok'], ends: 'logs in' },
  { name: 'two dead name servers', servers: ['silent', 'silent', 'ok'], ends: 'logs in' },
  { name: 'no name server on the first address', servers: ['ok'], addresses: ['127.0.0.9', '127.0.0.2'], ends: 'logs in' },
  { name: 'name servers that take 5 s', servers: ['slow', 'slow', 'slow'], ends: 'logs in' },
  { name: 'silent name servers and a name in the hosts file', servers: SILENT, host: 'in-hosts.example.com', ends: 'logs in', within: 2_000 },
  { name: 'silent name servers and an upper-case name in the hosts file', servers: SILENT, host: 'In-Hosts.Example.COM', ends: 'logs in', within: 2_000 },
  { name: 'a localhost name that the hosts file has elsewhere', servers: SILENT, host: 'moved.localhost', inputs: { timeout: '2' }, within: 2_500, ends: 'fails' },
  { name: 'silent name servers and an IP address', servers: SILENT, host: '127.0.0.1', ends: 'logs in', within: 2_000 },
  { name: 'silent name servers and localhost', servers: SILENT, host: 'localhost', ends: 'logs in', within: 2_000 },
  { name: 'a short name with a search domain', servers: ['ok', 'ok', 'ok'], host: 'api', ends: 'logs in' },
  { name: 'a name with a final dot', servers: ['ok', 'ok', 'ok'], host: `${NAME}.`, ends: 'logs in' },
  { name: 'a partial name with a search domain', servers: ['ok', 'ok', 'ok'], host: 'api.eu', names: ['api.eu.corp.example'], ends: 'logs in' },
  // Post gets 45 s. They take a tenth on the fast clock.
  {
    name: 'post with silent name servers',
    servers: SILENT,
    login: '1 ended 0 certain - registry.example.com -',
    env: { TEST_SPEED: String(SPEED), TEST_RANDOM: '0' },
    within: 45_500 / SPEED + 500,
    ends: 'warns',
  },
  {
    name: 'post with silent name servers in real time (45 s)',
    servers: SILENT,
    login: '1 ended 0 certain - registry.example.com -',
    within: 45_500,
    ends: 'warns',
    isSlow: true,
  },
];


describe('name servers', { concurrency: 4, skip }, () => {
  for (const { name, ends, title, within = Infinity, isSlow, addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4'], ...given } of ROWS) {
    const skipped = isSlow && !process.env.SLOW_TESTS && 'takes 45 s: SLOW_TESTS=1 runs it';
    test(`${name}: ${ends}`, { skip: skipped }, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'docker-auth-dns-'));
      t.after(() => rm(folder, { recursive: true }));
      await writeFile(join(folder, 'resolv.conf'), `${addresses.map((address) => `nameserver ${address}\n`).join('')}search corp.example\n`);
      await writeFile(join(folder, 'hosts'), '127.0.0.1 localhost\n127.0.0.1 in-hosts.example.com # the API\n127.0.0.9 moved.localhost\n');
      const row = JSON.stringify({ host: NAME, names: NAMES, ...given });
      const { code, stdout, stderr } = await startChild('unshare', ['-nm', 'bash', '-c', SET_UP, folder, process.execPath, INSIDE, row], {
        env: process.env,
        timeLimitMs: 100_000,
      }).ended;
      assert.equal(code, 0, stderr);
      const { main, post, afterSignalMs, requests } = JSON.parse(stdout);
      const log = JSON.stringify([main, post], null, 1);
      assert.equal(post.code, 0);
      // Plain HTTP to a name is a warning.
      const errors = main?.annotations.filter(({ level }) => level === 'error').map((error) => error.title);
      const measured = main ?? post;
      assert.ok(measured.durationMs < within + BUSY_MS, `ended after ${measured.durationMs} ms\n${log}`);
      if (afterSignalMs) assert.ok(afterSignalMs < BUSY_MS, `ended ${afterSignalMs} ms after the signal`);

      if (ends === 'warns') {
        assert.deepEqual(post.annotations.map(({ level, title }) => [level, title]), [['warning', TITLES.logoutFailed]], log);
      } else if (ends === 'logs in') {
        assert.deepEqual([main.code, errors, post.annotations], [0, [], []], log);
        assert.ok(requests >= 3);
      } else {
        assert.equal(main.code, 1, log);
        if (title) assert.deepEqual(errors, [title]);
        assert.deepEqual([main.saved.filter(({ needsLogout }) => needsLogout), requests], [[], 0], log);
        assert.deepEqual([post.annotations, post.log], [[], [LOG.noLogins]]);
        assert.ok(post.durationMs < BUSY_MS, `post took ${post.durationMs} ms`);
      }
    });
  }
});
