// Status requests whose response is not valid, large or hostile.
import assert from 'node:assert/strict';
import { atLeast, failsWithPossibleLogin, faultTable, logs, STILL_RUNNING, timesOut, whenEnded } from '../../env/fault-table.js';
import { ERRORS, FIX, LOG, TITLES } from '../../env/messages.js';
import { changedBody, emptyBody, halfJson, htmlPage, paddedBody, status, truncatedBody } from '../../sandbox/faults.js';

const MIB = 1024 * 1024;
/** The real operation with another output. */
const withStdout = (stdout) => whenEnded((operation) => ({ ...operation, result: { ...operation.result, stdout } }));
/** The real operation with another status and no result. */
const withStatus = (text) => changedBody(({ result, ...operation }) => ({ ...operation, status: text }));

faultTable('a status request with an invalid response', [
  {
    name: 'reads a response with a million values',
    main: { poll: [status(200, {}, () => `{"x":[${'[1,1,1,1],'.repeat(250_000)}0],"status":"running"}`)] },
    requests: { poll: atLeast(2) },
    takes: [0, 5_000],
  },
  {
    name: 'retries a status request after an HTML page',
    main: { poll: [htmlPage, htmlPage] },
    requests: { poll: atLeast(3) },
    retries: 2,
  },
  {
    name: 'retries after a truncated status response',
    main: { poll: [truncatedBody] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'retries a status request after truncated JSON',
    mode: 'passthrough',
    main: { poll: [halfJson] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'retries after an empty status response',
    main: { poll: [emptyBody] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'an unknown status means still running',
    main: { poll: ['queued', 'provisioning', 'COMPLETED', ''].map(withStatus) },
    requests: { login: 1, poll: atLeast(5) },
  },
  {
    name: 'post waits 20 s for a running operation',
    inputs: { timeout: '30' },
    main: { poll: withStatus('running') },
    post: { poll: withStatus('running') },
    ends: timesOut(),
    requests: { poll: atLeast(2) },
    after: { ...STILL_RUNNING, requests: { poll: atLeast(2) }, takes: [1_990, 3_500] },
  },
  ...Object.entries({
    'without a status': ({ status: _, ...operation }) => operation,
    'with a number for its status': (operation) => ({ ...operation, status: 7 }),
    'with a list for its result': (operation) => ({ ...operation, result: [] }),
    'with text for its exit code': (operation) => ({ ...operation, status: 'completed', result: { exit_code: '0' } }),
    'that is a list': (operation) => [operation],
    'that is a list of values': ({ server_name }) => [
      server_name,
      'completed',
      { exit_code: 0, stdout: '', stderr: '' },
    ],
    'that is null': () => null,
  }).map(([what, change], i) => ({
    name: `fails and logs out: operation ${what}`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { poll: changedBody(change) },
    ends: failsWithPossibleLogin(TITLES.unexpectedResponse, ERRORS.unexpectedResponse('status'), FIX.apiUrlBase),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  })),
  {
    name: 'a completed operation without result is logged out',
    main: { poll: whenEnded(({ result, ...operation }) => operation) },
    ends: failsWithPossibleLogin(TITLES.dockerFailed, ERRORS.dockerNoExitCode),
    requests: { login: 1 },
  },
  {
    name: 'logs in with 10 MiB of docker output',
    main: { poll: withStdout('Login Succeeded\n'.repeat((10 * MIB) / 16)) },
    requests: { login: 1 },
    also: [logs(`${LOG.docker}Login Succeeded`, `${LOG.docker}${LOG.moreLines}`), (main) => assert.ok(main.stdout.length < MIB)],
  },
  {
    name: 'logs in with 10 MiB in one line',
    mode: 'passthrough',
    main: { poll: withStdout('x'.repeat(10 * MIB)) },
    requests: { login: 1 },
    also: [(main) => assert.ok(main.stdout.length < MIB)],
  },
  {
    name: 'fails and logs out: operation over 16 MiB',
    main: { poll: paddedBody(17 * MIB) },
    ends: failsWithPossibleLogin(TITLES.unexpectedResponse, ERRORS.tooLarge('status'), FIX.apiUrlBase),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
  {
    name: 'redacts key and token in docker output',
    mode: 'passthrough',
    main: ({ testEnv }) => ({
      poll: whenEnded((operation, { headers }) => {
        const user = `${testEnv.username}:${testEnv.password}`;
        const secrets = [headers.authorization, testEnv.password, btoa(unescape(encodeURIComponent(user)))];
        const output = secrets.flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text), `x${text}x`]);
        const hostile = `${output.join('\n')}\n::add-mask::a\n::set-output name=x::y\n##[error]boo\r::stop-commands::t\n`;
        return {
          ...operation,
          server_name: `web ${testEnv.password}\n::error::boo`,
          result: { ...operation.result, stdout: hostile, stderr: hostile },
        };
      }),
    }),
    requests: { login: 1 },
    also: [
      (main) => assert.deepEqual([...new Set(main.commands.map(({ command }) => command))], ['add-mask']),
      (main) => assert.deepEqual(Object.keys(main.outputs).sort(), ['logins', 'operation_id', 'registry_type', 'registry_url']),
    ],
  },
]);
