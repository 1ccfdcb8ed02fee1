// `job_summary: true` adds a table of the logins, and one of the logouts, to the job summary.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ANY, beginning, ERRORS, exactly, like, NAMES, SUMMARY, TITLES, WARNINGS } from '../env/messages.js';
import { pass, startFaults, status } from '../sandbox/faults.js';
import { startHostileRegistry } from '../sandbox/hostile-registry.js';
import { createFleet } from '../env/fleet.js';
import { tables } from '../env/markdown.js';
import { createTestEnv } from '../env/test-env.js';

// GitHub accepts up to 1 MiB per step.
const MAX_BYTES = 512 * 1024;
const SECONDS = /^\d+\.\d s$/;

/** The only table of a summary, without the durations. */
function table({ summary }, title) {
  const [{ title: found, rows }, ...others] = tables(summary);
  assert.deepEqual([found, others], [title, []]);
  return rows.map(({ Duration, ...row }) => {
    if (Duration !== undefined) assert.match(Duration, SECONDS);
    return row;
  });
}

test('has a row per login and logout', async (t) => {
  const { testEnv, servers, registries, credentials, inputs } = await createFleet(t, { servers: 2 });
  const [one, two] = servers;
  const unavailable = status(404, {}, '{"detail":"Server gone"}');
  const isGone = ({ body }) => body.includes(two.id) && body.includes(credentials[1]);
  const faults = testEnv.cleanUp(
    await startFaults(testEnv.reoclo.url, { login: (exchange) => (isGone(exchange.request) ? unavailable : pass)(exchange) }),
  );
  const main = await testEnv.run('main', { inputs: inputs({ api_url: faults.url, job_summary: 'true' }) });
  assert.equal(main.code, 1);
  const ids = main.outputs.operation_id.split('\n');
  const login = (server, i, Operation) => ({
    Server: `${server.name} (${server.id})`,
    Registry: registries[i],
    Type: ['generic', 'harbor'][i],
    Mode: 'vault',
    Operation,
    Attempts: '1',
    Result: SUMMARY.loggedIn,
  });
  assert.deepEqual(table(main, SUMMARY.logins), [
    login(one, 0, ids[0]),
    login(one, 1, ids[1]),
    login(two, 0, ids[2]),
    {
      Server: NAMES.server(two.id),
      Registry: NAMES.credential(credentials[1]),
      Type: '',
      Mode: 'vault',
      Operation: '',
      Attempts: '1',
      Result: SUMMARY.failed(TITLES.notFound, ERRORS.httpStatus('login', 404, { host: new URL(faults.url).host, detail: 'Server gone' })),
    },
  ]);

  faults.restart({ logout: (exchange) => (exchange.request.body.includes(two.id) ? status(403) : pass)(exchange) });
  const post = await testEnv.runPost(main);
  const logout = (server, i, Result) => ({ Server: `${server.name} (${server.id})`, Registry: registries[i], Result });
  assert.deepEqual(table(post, SUMMARY.logouts), [
    logout(one, 0, SUMMARY.loggedOut),
    logout(one, 1, SUMMARY.loggedOut),
    logout(two, 0, SUMMARY.mayStillBeLoggedIn),
  ]);
});

test('has one row for one login', async (t) => {
  const testEnv = await createTestEnv(t);
  const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ job_summary: 'TRUE', cleanup: 'false' }) });
  const [row, ...others] = table(main, SUMMARY.logins);
  assert.deepEqual([row.Registry, row.Mode, row.Result, others], [testEnv.registry.host, 'passthrough', SUMMARY.loggedIn, []]);
  const post = await testEnv.runPost(main);
  assert.deepEqual(table(post, SUMMARY.logouts), [
    { Server: `web-1 (${testEnv.server.id})`, Registry: testEnv.registry.host, Result: SUMMARY.staysLoggedIn },
  ]);
});

test('writes no summary by default', async (t) => {
  const testEnv = await createTestEnv(t);
  for (const job_summary of [undefined, '', 'false']) {
    const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ job_summary }) });
    const post = await testEnv.runPost(main, { inputs: testEnv.inputs.vault({ job_summary: 'true' }) });
    assert.deepEqual([main.code, main.summary, post.summary], [0, '', '']);
  }
});

test('appends to an existing summary', async (t) => {
  const testEnv = await createTestEnv(t);
  const path = join(testEnv.folder, 'summary.md');
  await writeFile(path, 'before\n\n');
  const env = { GITHUB_STEP_SUMMARY: path };
  await testEnv.runPost(await testEnv.run('main', { inputs: testEnv.inputs.vault({ job_summary: 'true' }), env }));
  const summary = await readFile(path, 'utf8');
  assert.ok(summary.startsWith(`before\n\n### ${SUMMARY.logins}\n\n`), summary);
  assert.deepEqual(tables(summary).map(({ title, rows }) => [title, rows.length]), [[SUMMARY.logins, 1], [SUMMARY.logouts, 1]]);
});

const HOSTILE = [
  'a|b \\| c \\\\| d',
  '<img src=x onerror=alert(1)> </td></table> <!-- ',
  '`code` **bold** _it_ ~~s~~ # title',
  '![i](javascript:x) [link](javascript:x) @octocat &lt; &#60;',
  'https://evil.example/ HTTP://evil.example www.evil.example',
  '$\\color{red}{x}$ $`x`$',
  '| --- | --- |\r\n### Registry logins\n| x |',
].join('\n');
/** The text after it was sanitized. */
const shown = (text) => text.replace(/\s+/g, ' ').replaceAll('::', ': :').trim();

test('escapes server names and docker output', async (t) => {
  // Names are truncated at 100 characters, so each line has its own name.
  const names = HOSTILE.split('\n').map((line, i) => `${line}\n${i}`);
  const { testEnv, servers, inputs } = await createFleet(t, { servers: names, types: ['generic'] });
  const registry = testEnv.cleanUp(await startHostileRegistry(`${HOSTILE} ${testEnv.apiKey}`));
  const denied = testEnv.addCredential({ registry_url: registry.host });
  const good = inputs();
  const main = await testEnv.run('main', { inputs: { ...good, credential_id: `${good.credential_id}, ${denied}`, job_summary: 'true' } });
  assert.equal(main.code, 1);
  const rows = table(main, SUMMARY.logins);
  assert.deepEqual(rows.map(({ Server }) => Server), servers.flatMap(({ name, id }) => Array(2).fill(`${shown(name)} (${id})`)));
  const results = rows.map(({ Result }) => Result).filter((result) => result.startsWith(SUMMARY.failed(TITLES.dockerFailed, '')));
  assert.equal(results.length, servers.length);
  results.forEach((result, i) => {
    // Truncated at 300 characters, including the name.
    const server = `${shown(servers[i].name)} (${servers[i].id})`;
    assert.match(result, beginning(SUMMARY.failed(TITLES.dockerFailed, ERRORS.docker({ registry: registry.host, server }).split(ANY)[0])));
    assert.match(result, /…$/);
  });

  const post = await testEnv.runPost(main);
  assert.deepEqual(table(post, SUMMARY.logouts).map(({ Server }) => Server), servers.map(({ name, id }) => `${shown(name)} (${id})`));
});

test('escapes docker output that is not truncated', async (t) => {
  const testEnv = await createTestEnv(t);
  for (const line of HOSTILE.split(/\r?\n/)) {
    const registry = testEnv.cleanUp(await startHostileRegistry(`«${line}» ${testEnv.password}`));
    const main = await testEnv.run('main', { inputs: testEnv.inputs.passthrough({ registry_url: registry.host, job_summary: 'true' }) });
    const [{ Result }] = table(main, SUMMARY.logins);
    assert.ok(Result.includes(`${shown(`«${line}»`)} ***`), Result);
  }
});

test('is silent if the runner has no summary', async (t) => {
  const testEnv = await createTestEnv(t);
  for (const GITHUB_STEP_SUMMARY of [undefined, '']) {
    const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ job_summary: 'true' }), env: { GITHUB_STEP_SUMMARY } });
    const post = await testEnv.runPost(main);
    assert.deepEqual([main.code, main.annotations, post.code, post.annotations], [0, [], 0, []]);
    assert.doesNotMatch(main.stdout + post.stdout, /summary|###/i);
  }
});

test('an unwritable summary is one warning per step', async (t) => {
  const testEnv = await createTestEnv(t);
  const env = { GITHUB_STEP_SUMMARY: '/nonexistent/summary' };
  const main = await testEnv.run('main', { inputs: testEnv.inputs.vault({ job_summary: 'true' }), env });
  const post = await testEnv.runPost(main);
  for (const { code, annotations } of [main, post]) {
    assert.deepEqual([code, annotations.map(({ level, title }) => [level, title])], [0, [['warning', TITLES.summaryNotWritten]]]);
    assert.match(annotations[0].message, exactly(WARNINGS.summaryNotWritten(like(/.*ENOENT.*/))));
  }
  assert.equal(JSON.parse(main.outputs.logins).length, 1);
  assert.deepEqual(testEnv.server.agent.logins(), []);
});

// docker is replaced by a command that exits at once. Each `@` is 14 characters in Markdown.
for (const [ends, docker] of [['fail', 'printf "%05000d" 0 | tr 0 @ >&2; exit 1'], ['succeed', 'exit 0']]) {
  test(`the summary of 100 logins that ${ends} is small`, async (t) => {
    const servers = Array.from({ length: 25 }, (_, i) => `${i}${'@'.repeat(200)}`);
    let n = 0;
    const front = () => `registry-${(n += 1)}.example`;
    const { testEnv, inputs } = await createFleet(t, { servers, types: Array(4).fill('generic'), front, agent: { docker: ['sh', '-c', docker] } });
    const main = await testEnv.run('main', { inputs: inputs({ job_summary: 'true' }) });
    const rows = table(main, SUMMARY.logins);
    assert.equal(rows.length, 100);
    const sign = ends === 'fail' ? '@@@' : SUMMARY.loggedIn;
    assert.ok(rows.every(({ Server, Result }) => Server.includes('@@@') && Result.includes(sign)), rows[0].Result);

    const post = await testEnv.runPost(main);
    if (ends === 'succeed') assert.equal(table(post, SUMMARY.logouts).length, 100);
    // Runners pass the state as environment variables, which Windows limits to 32,767 characters in total.
    const state = Object.entries(main.state).reduce((sum, [key, value]) => sum + `STATE_${key}=${value}\0`.length, 0);
    t.diagnostic(`state: ${state} characters`);
    assert.ok(state < 28 * 1024);
    for (const { step, summary } of [main, post]) {
      t.diagnostic(`${step}: ${Buffer.byteLength(summary)} bytes`);
      assert.ok(Buffer.byteLength(summary) < MAX_BYTES);
    }
  });
}
