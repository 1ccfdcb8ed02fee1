// Status requests whose response is not the one of the API.
import assert from 'node:assert/strict';
import { atLeast, failsWithPossibleLogin, faultTable, logs, STILL_RUNNING, timesOut, whenEnded } from '../../env/fault-table.js';
import { ERRORS, FIX, LOG, TITLES } from '../../env/messages.js';
import { changedBody, emptyBody, halfJson, htmlPage, paddedBody, status, truncatedBody } from '../../sandbox/faults.js';

const MIB = 1024 * 1024;
/** The real operation with another output. */
const withStdout = (stdout) => whenEnded((operation) => ({ ...operation, result: { ...operation.result, stdout } }));
/** The real operation with another status, its end hidden. */
const withStatus = (word) => changedBody(({ result, ...operation }) => ({ ...operation, status: word }));

faultTable('a status request with an odd response', [
  {
    name: 'a response of a million values is read in time',
    main: { poll: [status(200, {}, () => `{"x":[${'[1,1,1,1],'.repeat(250_000)}0],"status":"running"}`)] },
    requests: { poll: atLeast(2) },
    takes: [0, 5_000],
  },
  {
    name: 'a page instead of an operation is not taken for it',
    main: { poll: [htmlPage, htmlPage] },
    requests: { poll: atLeast(3) },
    retries: 2,
  },
  {
    name: 'an operation that breaks off is asked for again',
    main: { poll: [truncatedBody] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'half of the JSON of an operation is asked for again',
    mode: 'passthrough',
    main: { poll: [halfJson] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'an empty response to a poll is asked for again',
    main: { poll: [emptyBody] },
    requests: { poll: atLeast(2) },
    retries: 1,
  },
  {
    name: 'status words that are not known mean that the operation goes on',
    main: { poll: ['queued', 'provisioning', 'COMPLETED', ''].map(withStatus) },
    requests: { login: 1, poll: atLeast(5) },
  },
  {
    name: 'an operation that never ends is an error at `timeout`, and post waits 20 s for it before it logs out',
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
    'with a word for its exit code': (operation) => ({ ...operation, status: 'completed', result: { exit_code: '0' } }),
    'that is a list': (operation) => [operation],
    'that is a list of the right values': ({ server_name }) => [
      server_name,
      'completed',
      { exit_code: 0, stdout: '', stderr: '' },
    ],
    'that is null': () => null,
  }).map(([what, change], i) => ({
    name: `an operation ${what} is an error, and the login is logged out`,
    mode: i % 2 ? 'vault' : 'passthrough',
    main: { poll: changedBody(change) },
    ends: failsWithPossibleLogin(TITLES.unexpectedResponse, ERRORS.unexpectedResponse('status'), FIX.apiUrlBase),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  })),
  {
    name: 'an operation that has completed without a result is no success, and is logged out',
    main: { poll: whenEnded(({ result, ...operation }) => operation) },
    ends: failsWithPossibleLogin(TITLES.dockerFailed, ERRORS.dockerNoExitCode),
    requests: { login: 1 },
  },
  {
    name: 'an operation with 10 MiB of output is a login like any other',
    main: { poll: withStdout('Login Succeeded\n'.repeat((10 * MIB) / 16)) },
    requests: { login: 1 },
    also: [logs(`${LOG.docker}Login Succeeded`, `${LOG.docker}${LOG.moreLines}`), (main) => assert.ok(main.stdout.length < MIB)],
  },
  {
    name: 'an operation with 10 MiB of output in one line is a login like any other',
    mode: 'passthrough',
    main: { poll: withStdout('x'.repeat(10 * MIB)) },
    requests: { login: 1 },
    also: [(main) => assert.ok(main.stdout.length < MIB)],
  },
  {
    name: 'an operation of more than 16 MiB is an error, and the login is logged out',
    main: { poll: paddedBody(17 * MIB) },
    ends: failsWithPossibleLogin(TITLES.unexpectedResponse, ERRORS.tooLarge('status'), FIX.apiUrlBase),
    requests: { login: 1, poll: 1 },
    after: { requests: { poll: atLeast(1), logout: 1 } },
  },
  {
    name: 'an operation that repeats the key and the token, as they are and encoded, shows neither',
    mode: 'passthrough',
    main: ({ testEnv }) => ({
      poll: whenEnded((operation, { headers }) => {
        const user = `${testEnv.username}:${testEnv.password}`;
        const secrets = [headers.authorization, testEnv.password, btoa(unescape(encodeURIComponent(user)))];
        const said = secrets.flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text), `x${text}x`]);
        const hostile = `${said.join('\n')}\n::add-mask::a\n::set-output name=x::y\n##[error]boo\r::stop-commands::t\n`;
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
