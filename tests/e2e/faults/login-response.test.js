// Logins whose response is not valid.
import { failsWithoutLogin, failsWithPossibleLogin, faultTable, logs } from '../../env/fault-table.js';
import { ERRORS, FIX, like, LOG, TITLES } from '../../env/messages.js';
import { changedBody, emptyBody, halfJson, htmlPage, paddedBody, redirect, status, truncatedBody } from '../../sandbox/faults.js';

const MIB = 1024 * 1024;

faultTable('a login with an invalid response', [
  {
    name: 'retries a login after an HTML page',
    main: { login: [htmlPage] },
    requests: { login: 2 },
    retries: 1,
  },
  {
    name: 'fails after 6 HTML pages, naming api_url',
    mode: 'passthrough',
    main: { login: htmlPage },
    ends: failsWithPossibleLogin(TITLES.unexpectedResponse, ERRORS.invalidJson('login'), FIX.apiUrlBase),
    requests: { login: 6, poll: 0 },
    retries: 5,
  },
  {
    name: 'retries a login after a truncated response',
    main: { login: [truncatedBody] },
    requests: { login: 2 },
    retries: 1,
    operations: 2,
  },
  {
    name: 'retries a login after truncated JSON',
    mode: 'passthrough',
    main: { login: [halfJson] },
    requests: { login: 2 },
    retries: 1,
    operations: 2,
  },
  {
    name: 'retries a login after an empty response',
    main: { login: [emptyBody] },
    requests: { login: 2 },
    retries: 1,
    operations: 2,
  },
  ...Object.entries({
    'without a registry': ({ registry_url, ...response }) => response,
    'without an operation': ({ operation_id, ...response }) => response,
    'that is a list': (response) => [response],
    'that is null': () => null,
    'that is a list of values': ({ operation_id, registry_url, registry_type }) => [
      operation_id,
      registry_url,
      registry_type,
    ],
    'with a number for its operation': (response) => ({ ...response, operation_id: 7 }),
    'with a path for its operation': (response) => ({ ...response, operation_id: '../../keys' }),
    'with a list for its registry': (response) => ({ ...response, registry_url: [response.registry_url] }),
    'with a line break in its registry': (response) => ({ ...response, registry_url: 'ghcr.io\n::error::boo' }),
  }).map(([what, change]) => ({
    name: `fails and logs out: login response ${what}`,
    mode: 'passthrough',
    main: { login: changedBody(change) },
    ends: failsWithPossibleLogin(TITLES.unexpectedResponse, ERRORS.unexpectedResponse('login'), FIX.apiUrlBase),
    requests: { login: 1, poll: 0 },
    operations: 1,
  })),
  {
    name: 'fails and logs out: login response over 16 MiB',
    mode: 'passthrough',
    main: { login: paddedBody(17 * MIB) },
    ends: failsWithPossibleLogin(TITLES.unexpectedResponse, ERRORS.tooLarge('login'), FIX.apiUrlBase),
    requests: { login: 1, poll: 0 },
    operations: 1,
  },
  ...[301, 307, 308].map((code) => ({
    name: `does not follow HTTP ${code} with a login`,
    mode: code === 307 ? 'passthrough' : 'vault',
    main: ({ redirectTarget }) => ({ login: redirect(`${redirectTarget.url}/api/automation/v1/registry-auth/login`, code) }),
    ends: failsWithoutLogin(TITLES.redirect, ERRORS.redirect('login', code, { to: like(/127\.0\.0\.1.*/) }), FIX.apiUrlFinal),
    requests: { login: 1, poll: 0 },
  })),
  {
    name: 'redacts key and token in an error detail',
    mode: 'passthrough',
    main: {
      login: status(422, {}, ({ headers, body }) =>
        JSON.stringify({ detail: `${headers.authorization} ${JSON.parse(body).access_token} ${body}\n::error::boo` }),
      ),
    },
    ends: failsWithoutLogin(TITLES.invalidRequest, ERRORS.httpStatus('login', 422, { detail: like(/.*\*\*\*.*/) })),
    requests: { login: 1, poll: 0 },
  },
  {
    name: 'redacts the token in a retry line',
    mode: 'passthrough',
    main: { login: [status(503, {}, ({ body }) => JSON.stringify({ detail: JSON.parse(body).access_token }))] },
    requests: { login: 2 },
    retries: 1,
    also: [logs(LOG.retrying('login', { error: ERRORS.httpStatus('login', 503, { detail: '***' }) }))],
  },
]);
