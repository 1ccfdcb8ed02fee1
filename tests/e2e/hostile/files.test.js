// Files of the runner and of the inputs that are no regular files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { containing, INPUTS, like, LOG, TITLES } from '../../env/messages.js';
import { createScriptedEnv } from '../../env/scripted-env.js';
import { REGISTRY } from '../../sandbox/scripted-api.js';
import { BUSY_MS } from '../../support/child.js';

const LARGE = 2 * 1024 * 1024;

// Names of special files; `null` stands for no file.
const SPECIAL = {
  'a full device': () => '/dev/full',
  'a directory': (folder) => folder,
  'a missing file': () => '/nonexistent/file',
  'a missing folder': (folder) => join(folder, 'missing/file'),
  'a closed pipe': () => '/dev/fd/77',
};
const VARIABLES = [
  // What main warns of, and whether post is warned of.
  { variable: 'GITHUB_STATE', warning: TITLES.cleanupMayFail, loses: 'state' },
  { variable: 'GITHUB_OUTPUT', warning: TITLES.outputsNotSet },
  { variable: 'GITHUB_STEP_SUMMARY', warning: TITLES.summaryNotWritten },
];


let testEnv;
let api;
let inputs;
let folder;
before(async () => {
  ({ testEnv, api, inputs } = await createScriptedEnv());
  folder = mkdtempSync(join(tmpdir(), 'docker-auth-files-'));
  mkdirSync(join(folder, 'folder'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  writeFileSync(join(folder, 'large'), '#'.repeat(LARGE));
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'binary'), Buffer.from([0, 255, 254, 128]));
});
after(async () => {
  await testEnv.close();
  rmSync(folder, { recursive: true });
});

describe('files of the runner', { concurrency: 2 }, () => {
  for (const { variable, warning, loses } of VARIABLES) {
    for (const [what, path] of Object.entries(SPECIAL)) {
      const name = `${variable} is ${what}`;
      test(name, async () => {
        const env = { [variable]: path(join(folder, 'folder')) };
        const main = await testEnv.run('main', { inputs: inputs({ job_summary: 'true' }), env });
        assert.equal(main.code, 0, main.stdout);
        assert.deepEqual(main.annotations.map(({ level, title }) => [level, title]), [['warning', warning]], main.stdout);
        const promised = main.log.filter((line) => line.includes(LOG.willLogOut));
        assert.equal(promised.length, loses ? 0 : 1, main.stdout);
        if (loses) {
          // Server and registry to log out by hand.
          const logOutByHand = containing(REGISTRY, testEnv.server.id, 'docker logout');
          assert.ok(main.log.some((line) => logOutByHand.test(line)), main.stdout);
        }
        const post = await testEnv.run('post', { inputs: main.inputs, env, state: main.state });
        assert.equal(post.code, 0);
      });
    }
    const name = `${variable} is a FIFO without a reader`;
    test(name, async (t) => {
      const step = testEnv.start('main', { inputs: inputs({ job_summary: 'true', timeout: '2' }), env: { [variable]: join(folder, 'fifo') } });
      const limit = setTimeout(() => step.child.kill('SIGKILL'), 2_500 + BUSY_MS);
      t.after(() => clearTimeout(limit));
      const { signal } = await step.done;
      assert.equal(signal, null, 'the step hangs');
    });
  }

  test('all of them are full devices', async () => {
    const env = Object.fromEntries(VARIABLES.map(({ variable }) => [variable, '/dev/full']));
    const main = await testEnv.run('main', { inputs: inputs({ job_summary: 'true' }), env });
    assert.deepEqual([main.code, main.annotations.map(({ title }) => title).sort()], [0, VARIABLES.map(({ warning }) => warning).sort()], main.stdout);
  });

  test('an unsaved state of a login that timed out says to log out', async () => {
    api.answer({ status: [200, { status: 'running' }] });
    const main = await testEnv.run('main', { inputs: inputs({ timeout: '1' }), env: { GITHUB_STATE: '/dev/full' } });
    api.answer({});
    assert.deepEqual(main.annotations.map(({ title }) => title), [TITLES.cleanupMayFail, TITLES.timedOut], main.stdout);
    assert.ok(main.log.includes(LOG.mayBeLoggedIn(LOG.byHand)), main.stdout);
  });

  test('an unsaved state names every login to log out', async () => {
    const registries = [1, 2, 3].map(() => testEnv.addCredential());
    const main = await testEnv.run('main', {
      inputs: testEnv.inputs.vault({ api_url: api.url, credential_id: registries.join('\n') }),
      env: { GITHUB_STATE: '/dev/full' },
    });
    assert.equal(main.code, 0, main.stdout);
    assert.ok(!main.stdout.includes(LOG.willLogOut), main.stdout);
    const server = testEnv.server.id;
    const byHand = containing(`Logged in to ${REGISTRY} on server ${server}`, 'docker logout');
    assert.equal(main.log.filter((line) => byHand.test(line)).length, registries.length, main.stdout);
  });
});

describe('ca_certificate', { concurrency: 2 }, () => {
  // The end of the message, or a part of it in brackets.
  const ROWS = [
    { name: 'a FIFO', path: () => join(folder, 'fifo'), error: INPUTS.certificateUnreadable('not a regular file') },
    { name: 'an endless device', path: () => '/dev/zero', error: INPUTS.certificateUnreadable('not a regular file') },
    { name: 'an empty device', path: () => '/dev/null', error: INPUTS.certificateUnreadable('not a regular file') },
    { name: 'a terminal', path: () => '/dev/tty', error: INPUTS.certificateUnreadable(like(/not a regular file|ENXIO|ENOENT/)) },
    { name: 'stdin', path: () => '/dev/stdin', error: INPUTS.certificateUnreadable(like(/not a regular file|ENXIO/)) },
    { name: 'a directory', path: () => folder, error: INPUTS.certificateUnreadable('not a regular file') },
    { name: 'a file of 2 MB', path: () => join(folder, 'large'), error: INPUTS.certificateUnreadable('larger than 1 MiB') },
    { name: 'an endless file of /proc', path: () => '/proc/self/pagemap', error: INPUTS.certificateUnreadable('larger than 1 MiB') },
    { name: 'a file of /proc', path: () => '/proc/cpuinfo', error: INPUTS.certificateMissing },
    { name: 'an empty file', path: () => join(folder, 'empty'), error: INPUTS.certificateMissing },
    { name: 'a binary file', path: () => join(folder, 'binary'), error: INPUTS.certificateMissing },
    { name: 'a missing file', path: () => '/nonexistent.pem', error: INPUTS.certificateUnreadable('ENOENT') },
    { name: 'a path with NUL', path: () => '/tmp/a%00b', error: INPUTS.certificateUnreadable('ENOENT') },
    { name: 'a path of 10,000 characters', path: () => `/${'x'.repeat(10_000)}`, error: INPUTS.certificateUnreadable('ENAMETOOLONG') },
  ];
  for (const { name, path, error } of ROWS) {
    test(`${name} is an input error at once`, async () => {
      const before = api.requests.length;
      const main = await testEnv.run('main', { inputs: inputs({ ca_certificate: path() }) });
      assert.deepEqual([main.code, main.annotations.map(({ title }) => title)], [1, [TITLES.invalidInputs]], main.stdout);
      assert.ok(main.annotations[0].message.includes('ca_certificate'));
      assert.match(main.annotations[0].message, containing(error.replace(/\.$/, '')));
      assert.ok(main.durationMs < BUSY_MS, `ended after ${main.durationMs} ms`);
      assert.equal(api.requests.length, before);
    });
  }
});
