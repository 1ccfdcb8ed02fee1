// Every message of the action that a test expects, in one place: a reworded message is one change here.
//
// Messages are strings. `ANY` and `like(…)` stand in them for parts that a test does not fix; `exactly`, `containing` and
// `beginning` make RegExps of such strings.

const OPEN = '\u0000';
const CLOSE = '\u0001';

/** A part of a message that is given by a RegExp. */
export const like = ({ source }) => `${OPEN}${source}${CLOSE}`;
export const ANY = like(/.*/);

const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
const source = (text) =>
  text
    .split(OPEN)
    .map((part, i) => {
      if (i === 0) return escaped(part);
      const [open, literal] = part.split(CLOSE);
      return `(?:${open})${escaped(literal)}`;
    })
    .join('');

/** The whole message and nothing else. */
export const exactly = (message) => new RegExp(`^${source(message)}$`);
export const beginning = (message) => new RegExp(`^${source(message)}`);
/** Any of these RegExps. */
export const oneOf = (...regexps) => new RegExp(regexps.map((regexp) => `(?:${regexp.source})`).join('|'));
/** Each part, in this order. */
export const containing = (...parts) => new RegExp(parts.map(source).join('.*'), 's');
/** An error with its remedy, as annotations show it. */
export const withFix = (error, fix) => `${error} Fix: ${fix}`;

const UUID = like(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/);
const SECONDS = like(/\d+\.\d/);
const NUMBER = like(/\d+/);
const HOST = like(/\S+/);

// The API requests, and how often each is sent at most.
const REQUESTS = { login: 'Login request', status: 'Status request', logout: 'Logout request' };
const ATTEMPTS = { login: 6, logout: 3, docker: 3 };

/** Titles of annotations. */
export const TITLES = {
  invalidInputs: 'Invalid inputs',
  invalidApiKey: 'Invalid API key',
  permissionDenied: 'Permission denied',
  apiNotFound: 'API not found',
  notFound: 'Server or credential not found',
  operationNotFound: 'Operation not found',
  invalidRequest: 'Invalid request',
  rateLimit: 'Rate limit exceeded',
  serverError: 'Reoclo server error',
  requestFailed: 'Request failed',
  redirect: 'Unexpected redirect',
  unexpectedResponse: 'Unexpected response',
  connectionFailed: 'Connection failed',
  timedOut: 'Timed out',
  cancelled: 'Cancelled',
  dockerFailed: 'Docker login failed',
  loginsFailed: 'Logins failed',
  checkCredential: 'Check the credential',
  loginSkipped: 'Login skipped',
  plainHttp: 'API key sent unencrypted',
  cleanupMayFail: 'Cleanup may fail',
  outputsNotSet: 'Outputs not set',
  summaryNotWritten: 'Job summary not written',
  duplicateRegistry: 'Duplicate registry',
  loginNotCleanedUp: 'Login may not be cleaned up',
  loginStillRunning: 'Login may still be running',
  logoutFailed: 'Logout failed',
  internalError: 'Internal error',
  unsupportedNode: 'Unsupported Node.js version',

  /** The title for a response of the API with a detail. */
  ofStatus(request, status) {
    const notFound = request === 'status' ? this.operationNotFound : this.notFound;
    const titles = { 401: this.invalidApiKey, 403: this.permissionDenied, 404: notFound, 422: this.invalidRequest, 429: this.rateLimit };
    return titles[status] ?? (status >= 500 ? this.serverError : this.requestFailed);
  },
};

/** How far a login got, as errors tell it. */
export const PROGRESS = {
  /** An operation that was running, with the last error behind it if there was one. */
  runningOrError: (id = UUID) => `${PROGRESS.running(id)}${like(/(?:\. .+)?/)}`,
  notStarted: like(/the login had not been accepted|there was no response to the login request/),
  notAccepted: 'the login had not been accepted',
  noResponse: 'there was no response to the login request',
  running: (id = UUID) => `operation ${id} was still running`,
  withLastError: (progress, error) => `${progress}. Last error: ${error.replace(/\.$/, '')}`,
};

export const ERRORS = {
  httpStatus: (request, status, { host = HOST, detail } = {}) =>
    `${REQUESTS[request]} to ${host} failed: HTTP ${status}${detail === undefined ? like(/(?:: .*?)?/) : `: ${detail}`}.`,
  redirect: (request, status, { to = ANY } = {}) =>
    `${REQUESTS[request]} to ${HOST} failed: HTTP ${status} redirect to ${to}. Redirects are not followed, so that the API key is not sent elsewhere.`,
  invalidJson: (request) => `${REQUESTS[request]} to ${HOST} returned invalid or truncated JSON.`,
  unexpectedResponse: (request, what = ANY) =>
    `${REQUESTS[request]} to ${HOST} returned an unexpected response: ${what}.`,
  tooLarge: (request) => `${REQUESTS[request]} to ${HOST} returned more than 16 MiB.`,
  connection: (request, cause = ANY, { host = HOST } = {}) => `${REQUESTS[request]} to ${host} failed: ${cause}.`,
  requestTimeout: (request, seconds) => `${REQUESTS[request]} to ${HOST} timed out after ${seconds} s.`,

  dockerLogout: ({ registry = HOST, output, operation = UUID } = {}) =>
    `docker logout ${registry} failed${output === undefined ? '' : `: ${output}`} (operation ${operation}).`,
  dockerLogoutNotFinished: ({ registry = HOST, operation = UUID } = {}) => `docker logout ${registry} did not finish in time (operation ${operation}).`,
  dockerLogoutRejected: (registry) => `docker logout ${registry} failed.`,

  skippedAfterError: 'Skipped: another login failed with an error that affects all logins.',
  skippedAfterTimeout: 'Skipped: the timeout passed before this login was started.',
  loginTimeout: (seconds, progress = ANY) => `The login did not finish within ${seconds} s: ${progress}.`,
  docker: ({ registry = HOST, server = ANY, exitCode = 1, output = ANY, operation = UUID } = {}) =>
    `docker login ${registry} on ${server} failed with exit code ${exitCode}: ${output} (operation ${operation}).`,
  dockerNoExitCode: `docker login ${HOST} on ${ANY} returned no exit code (operation ${UUID}).`,
  dockerTimeout: `docker login ${HOST} on ${ANY} timed out on the server (operation ${UUID}).`,

  /** The errors of several logins, line by line. */
  failed: (failed, all) => `${failed} of ${all} logins failed:`,
  same: (n, error, names = ANY) => `${n} logins: ${error} (${names})`,
  sameFix: (n, fix) => `Fix for these ${n}: ${fix}`,
  fix: (fix) => `Fix: ${fix}`,

  unsupportedNode: (version) =>
    withFix(`This action requires Node.js 20 or newer; the runner used ${version}.`, 'update Node.js on the runner.'),
  // A panic of the core, or an error of JavaScript.
  internal: `${like(/panicked at src\/[\w/]+\.rs:\d+:\d+: .+|(?!panicked).+/)}. Please report this with the log above: https://github.com/reoclo/docker-auth/issues`,
};

/** Why a connection failed; the `cause` of ERRORS.connection. */
export const CAUSES = {
  connectTimeout: 'no connection within 10 s',
  connectionLost: (code) => `ECONNRESET: the connection was lost (${code})`,
  proxyStatus: (host, variable, status) => `the proxy ${host} (from ${variable}) returned HTTP ${status}`,
  proxyConnection: (host, variable, cause) => `the proxy ${host} (from ${variable}) could not connect: ${cause}`,
  proxyNotHttp: (host, variable) => `the proxy ${host} (from ${variable}) returned an invalid HTTP response`,
  proxyUrl: (variable) => `${variable} is not a valid proxy URL${ANY}`,
};

/** What a user can do about an error. */
export const FIX = {
  inputs: 'correct the inputs above. No request was sent.',
  apiUrlFinal: 'set api_url to the final URL of the API.',
  apiUrlBase: 'check that api_url is the base URL of a Reoclo instance and that no proxy or login page responds instead of it.',
  apiUrlNoApi: 'check api_url: there is no automation API at this address.',
  timeout: 'check that the server is online in Reoclo, or raise the timeout input.',
  skippedAfterError: 'correct the error above and re-run the job.',
  skippedAfterTimeout: "check that the servers are online in Reoclo, or raise the timeout input or the key's rate limit.",
  rateLimitTimeout: "raise the key's rate limit in the dashboard, raise the timeout input, or log in on fewer servers.",
  serverNetwork: 'check that the server can reach the registry (DNS, firewall, proxy), then re-run the job.',
  logoutByHand: (registry) => `run docker logout ${registry} on the server.`,
  apiKey: 'check api_key: it must be an active automation key of the instance in api_url (dashboard: API Keys, Automation Keys).',
  vaultPermission:
    'open the key in the dashboard. It must allow the operation registry_login, this server_id and this credential_id; an IP allow-list must include this runner.',
  passthroughPermission:
    'open the key in the dashboard. It must allow the operation registry_login and this server_id, and have allow_registry_passthrough enabled; an IP allow-list must include this runner.',
  logoutPermission: 'open the key in the dashboard. It must allow the operation registry_logout.',
  serverAndCredential:
    'check server_id and credential_id: copy both UUIDs from the dashboard of the tenant that api_key belongs to.',
  server: 'check server_id: copy the UUID from the dashboard of the tenant that api_key belongs to.',
  proxyAuthentication: 'add the proxy username and password to the proxy URL, or add the host of api_url to no_proxy.',
  serverError: 're-run the job. If it fails again, check the status of your Reoclo instance.',
  proxyVariable: 'correct or unset this variable. No request was sent.',
  proxy: 'check the proxy address, username and password, or add the host of api_url to no_proxy.',
  dns: 'check the host name in api_url and the DNS of this runner.',
  noTls: 'check the scheme and port in api_url: the server does not use TLS on this port.',
  hostAndPort: 'check the host and port in api_url, and that Reoclo is running there.',
  certificate:
    'set ca_certificate or NODE_EXTRA_CA_CERTS to the CA of a private certificate, or correct the host in api_url. Verification cannot be turned off.',
  credential: 'check the username and the token or password of this credential, and that the token has not expired.',

  // By registry
  ghcr: 'use GITHUB_TOKEN in a job with the permission `packages: read` (`write` to push), or an active classic token with read:packages (write:packages to push), authorized for single sign-on if the organization requires it.',
  dockerHub:
    'use an active personal access token (passwords do not work with two-factor authentication or single sign-on), or an organization access token with the organization name as username.',
  dockerHubLockout: 'check the username and token, and wait before the next attempt: Docker Hub has locked this account or IP address.',
  ecrRegion:
    'use the complete output of `aws ecr get-login-password` as token, run with `--region` set to the region in the registry host: ECR does not accept a token of another region.',
  google:
    'check that the account has roles/artifactregistry.reader (writer to push) and that its key still exists; an access token (username oauth2accesstoken) expires after one hour.',
  gitlab:
    'use an active deploy or access token with read_registry (write_registry to push): passwords do not work with two-factor authentication.',
};

/** Texts of warnings and notices. */
export const WARNINGS = {
  loginSkipped: (input) =>
    `${input} is empty and if_missing is 'skip': no request was sent. Secrets are empty in runs started from a fork or by Dependabot.`,
  plainHttp: (host) => withFix(`api_url uses plain HTTP to ${host}, so the API key can be read on the network.`, 'use https.'),
  summaryNotWritten: (reason) => `The runner could not write the job summary: ${reason}.`,
  duplicateRegistry: (replaced, credential, registry) =>
    withFix(
      `Credentials ${replaced} and ${credential} are both for ${registry}. docker stores one login per registry, so the later one replaced the earlier one.`,
      'keep one of them in credential_id.',
    ),
  loginNotCleanedUp: (server) =>
    withFix(
      `Reoclo returned no registry for the login on server ${server}, so the post step cannot log it out.`,
      'run docker logout for that registry on the server.',
    ),
  loginStillRunning: ({ server, registry = HOST, operation = UUID }) =>
    withFix(
      `Operation ${operation} did not finish within 20 s. If it succeeds after this logout, server ${server} stays logged in to ${registry}.`,
      'check the operation in the Reoclo dashboard.',
    ),
  logoutFailed: (server, { registry = HOST, why = ANY } = {}) => `Server ${server} may still be logged in to ${registry}. ${why}`,
};

/** Names of servers, credentials and registries in labels and lists. */
export const NAMES = {
  server: (id) => `server ${id}`,
  credential: (id) => `credential ${id}`,
  unknownRegistry: 'unknown registry',
};

/** The start of each line of a step with several logins. */
export const label = (server, registry) => `[${server}, ${registry}] `;

/** Lines of the log. */
export const LOG = {
  // How the first line begins, whatever the login.
  start: 'Logging in ',
  vault: (server, credential) => `Logging in on server ${server} with credential ${credential} (vault mode)`,
  vaultMany: (servers, credentials) => `Logging in on ${servers} servers with ${credentials} credentials (vault mode)`,
  passthrough: (server, registry, type) => `Logging in to ${registry} on server ${server} (passthrough mode, ${type})`,
  passthroughRegistries: (registries, servers) => `Logging in to ${registries} registries on ${servers} (passthrough mode)`,
  passthroughMany: (servers, registry, type) => `Logging in to ${registry} on ${servers} servers (passthrough mode, ${type})`,

  operationStart: 'Operation ',
  operation: (id, registry, type) => `Operation ${id}: docker login ${registry} (${type})`,
  operationOf: (id, registry, type, credential) => `Operation ${id}: docker login ${registry} (${type}) with credential ${credential}`,
  docker: '  docker | ',
  moreLines: like(/\(\d+ more lines not shown\)/),

  loggedIn: (server, registry) => `Logged in to ${registry} on ${server}; the post step will log out`,
  mayBeLoggedIn: (then) => `The server may be logged in; the post step ${then}`,
  byHand: 'cannot log out: run docker logout for this registry on the server',
  // The end of a line that promises the logout.
  willLogOut: 'the post step will log out',
  loggedInStart: (server, registry) => `Logged in to ${registry} on ${server} `,
  loggedInForGood: (server, registry) => `Logged in to ${registry} on ${server}; the post step will not log out (cleanup: false)`,
  /** The last line of a step with several logins. */
  finishedStart: (succeeded, all) => `${succeeded} of ${all} logins succeeded in `,
  finished: (succeeded, all) => `${succeeded} of ${all} logins succeeded in ${SECONDS} s; the post step will log out`,
  finishedForGood: (succeeded, all) => `${succeeded} of ${all} logins succeeded in ${SECONDS} s; the post step will not log out (cleanup: false)`,
  finishedWithoutLogin: (all) => `0 of ${all} logins succeeded in ${SECONDS} s`,
  stillWaitingStart: 'Still waiting',
  stillWaiting: (seconds) => `Still waiting after ${seconds} s`,
  stillWaitingFor: (seconds, names) => `Still waiting after ${seconds} s: ${names}`,
  stillWaitingForSome: (seconds, { finished, all, running, waiting }, names) =>
    `Still waiting after ${seconds} s (${finished} of ${all} logins finished, ${running} running, ${waiting} waiting): ${names}`,

  // Post
  noLogins: 'No logins to clean up',
  staysLoggedIn: (server, registry) => `cleanup is false: server ${server} stays logged in to ${registry}`,
  waitingStart: 'Waiting ',
  waitingForOperation: (id = UUID) => `Waiting for operation ${id} to finish before logging out`,
  waitingForUnknownLogin: 'Waiting up to 20 s for a login with unknown operation',
  loggedOutOf: (registry, server) => `Logged out of ${registry} on server ${server}`,
  logoutRequested: (registry, server) => `Logout of ${registry} on server ${server} requested; its result cannot be read`,
  loggedOut: 'Logged out',

  /** A line that says that a request, or with `docker` a login, is sent again. */
  retrying: (what, { error = `${REQUESTS[what] ? `${REQUESTS[what]} to ` : 'docker login '}${ANY}`, seconds = SECONDS, attempt = NUMBER } = {}) =>
    `${error} Retrying${what === 'docker' ? ' the login' : ''} in ${seconds} s (attempt ${attempt}${ATTEMPTS[what] ? ` of ${ATTEMPTS[what]}` : ''}).`,
  /** The one line of a step that the API slows down. */
  slowingDown: (what, { error = `${REQUESTS[what]} to ${ANY}`, seconds = SECONDS } = {}) =>
    `${error} Pausing all requests for ${seconds} s; after that they are sent more slowly.`,
  isSlowingDown: (line) => line.includes(' Pausing all requests for '),
  // How the line begins; before the first retry, no other line does.
  retryingStart: (what) => `${REQUESTS[what]} to `,
  isRetry: (line) => / Retrying (the login )?in \d+\.\d s \(attempt \d+( of \d+)?\)\.$/.test(line),
  /** Which attempt a line of a request with limited attempts announces. */
  attemptOf: (line) => line.match(/\(attempt (\d) of/)?.[1],
};

export const SUMMARY = {
  logins: 'Registry logins',
  logouts: 'Registry logouts',
  loggedIn: '✅ logged in',
  loggedOut: '✅ logged out',
  failed: (title, error) => `❌ ${title}: ${error}`,
  logoutRequested: 'logout requested, result unknown',
  mayStillBeLoggedIn: '⚠️ may still be logged in',
  staysLoggedIn: 'stays logged in (cleanup: false)',
};

const IDS = 'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx';
const COPY_ID = 'copy the ID, not the name, from the Reoclo dashboard';
const LIST_FORMAT = 'write one per line or separate them by commas, without quotes, dashes or brackets';
const EMPTY_SECRETS = "Secrets are empty in runs started from a fork or by Dependabot; set if_missing to 'skip' to pass without a login";

/** Errors of inputs, each behind the name of its input. */
export const INPUTS = {
  emptySecrets: EMPTY_SECRETS,
  /** Names an input that is empty, whatever else is missing. */
  isEmpty: (input) => like(new RegExp(`\\b${input} is (?:required|missing)|and ${input} are empty`)),
  apiKeyRequired: `api_key is required: set it to a Reoclo automation key, stored as a secret. ${EMPTY_SECRETS}.`,
  apiKeyOfIntegration: 'api_key is an integration key (rk_t_), which the automation API does not accept: create an automation key.',
  apiKeyOfMachineUser: 'api_key is a machine user key (rk_m_), which the automation API does not accept: create an automation key.',
  apiKeyOther: 'api_key is not an automation key (rca_, rss_ or rk_a_): create one in the dashboard under API Keys.',
  apiKeyTruncated: 'api_key is truncated or contains whitespace: copy the complete automation key.',
  serverRequired: 'server_id is required: copy the UUID from the Reoclo dashboard.',
  notUuid: (input) => `${input} is not a UUID (${IDS}): ${COPY_ID}.`,
  entryNotUuid: (input, entry) => `${input} entry ${entry} is not a UUID (${IDS}): ${COPY_ID}.`,
  entriesNotUuids: (input, entries) => `${input} entries ${entries} are not UUIDs (${IDS}): ${COPY_ID}.`,
  notOneUuid: (input) => `${input} is not a UUID (${IDS}): ${LIST_FORMAT}.`,
  entriesNotSingleUuids: (input, entries) => `${input} entries ${entries} are not UUIDs (${IDS}): ${LIST_FORMAT}.`,
  tooManyLogins: (logins, factors = '', input = 'server_id') =>
    `${input} results in ${logins} logins${factors}, more than the 100 that one step can log out in time: use several steps.`,
  exclusive: (inputs) =>
    `credential_id and ${inputs} are mutually exclusive: keep credential_id for a credential in Reoclo's vault, or remove it to pass username, access_token and registry_url.`,
  noMode:
    'credential_id is missing: set either credential_id (vault mode), or username, access_token and registry_url (passthrough mode).',
  missing: (input, empty) => `${input} is missing: passthrough mode needs username, access_token and registry_url, and ${empty} empty`,
  registryUrl: (flaw) => `registry_url ${flaw}: set it to the registry host, such as ghcr.io or registry.example.com:5000.`,
  registryEntry: (entry, flaw) => INPUTS.registryUrl(`entry ${entry} ${flaw}`),
  registryEntries: (entries) => `registry_url entries ${entries} are not registry hosts: ${LIST_FORMAT}.`,
  apiUrl: (flaw) => `api_url ${flaw}: set it to the base URL of your Reoclo instance, such as https://api.reoclo.com.`,
  flaws: {
    noHost: 'has no host',
    whitespace: 'contains whitespace',
    credentials: 'contains a username or password, which would be shown in logs',
    port: 'has an invalid port (not a number from 1 to 65535)',
    hyphen: 'has a host name label that starts or ends with a hyphen',
    notIpv4: 'has a host that ends in a number but is not an IPv4 address',
    notAbsolute: 'is not an absolute http(s) URL',
    query: 'has a query or fragment, which a base URL cannot have',
  },
  ifMissing: "if_missing must be 'fail' or 'skip': use 'skip' to pass without a login when secrets are empty.",
  timeout: "timeout must be a whole number of seconds from 1 to 86400, such as '600'.",
  cleanup: "cleanup must be 'true' (log out when the job ends) or 'false'.",
  jobSummary: "job_summary must be 'true' (write a table of the logins) or 'false'.",

  certificatePrivateKey: 'ca_certificate contains a private key: set it to the CA certificate only.',
  certificateMissing: 'ca_certificate contains no PEM certificate: it starts with -----BEGIN CERTIFICATE----- and has several lines.',
  certificateInvalid: 'ca_certificate contains an invalid PEM certificate: copy it completely, with its line breaks.',
  certificateTooLarge:
    'ca_certificate contains more than 64 KiB of certificates: set it to your own CA only; public CAs are already trusted.',
  certificateUnreadable: (code) =>
    `ca_certificate is neither PEM text nor a readable file (${code}): set it to the certificate or its path.`,
};

/** What is noticed of a passthrough credential before it is sent. */
export const PREFLIGHT = {
  // Errors
  ecrUsername:
    "username must be AWS (upper case) for ECR: set it to AWS and access_token to the output of `aws ecr get-login-password`, or store AWS keys in Reoclo's vault and use credential_id.",
  awsKey:
    "access_token looks like an AWS access key, not an ECR token: set it to the output of `aws ecr get-login-password`, or store the keys in Reoclo's vault and use credential_id.",
  authorizationToken:
    'access_token is an authorizationToken (base64 of username and password): set it to the output of `aws ecr get-login-password`.',
  pastedPair: 'access_token is username:token: set it to the token only.',
  pastedAuth: "access_token is base64 of username:token, as in docker's config.json: decode it and set access_token to the token only.",
  pastedConfig: 'access_token is a docker config.json: set it to the token only; auth in this file is base64 of username:token.',
  keyInBase64: 'access_token is a base64-encoded service account key: set username to _json_key_base64.',
  keyTruncated: 'access_token is not a service account key: paste the complete JSON key file.',
  keyNotBase64: 'access_token is JSON, not base64: set username to _json_key.',
  notKeyInBase64: 'access_token is not a base64-encoded service account key: encode the complete JSON key file.',
  keyWithoutPrivateKey: 'access_token has no private_key: paste the complete JSON key file of a service account.',
  keyAsAccessToken: 'access_token is JSON, not an access token: for a service account key set username to _json_key.',
  // Notices
  dockerHubHost:
    'docker may store this login under the host in registry_url, where it is not found for Docker Hub images. Set registry_url to docker.io.',
  password:
    'access_token looks like a password, which does not work with two-factor authentication or single sign-on. Use a Docker Hub personal access token.',
  tokenOfOtherService: 'access_token looks like a token of another service than registry_url. Check that they match.',
  differentServices:
    'registry_url has registries of different services or ECR regions, which rarely accept the same token. Use one step per token.',
  fineGrainedToken:
    "access_token is a fine-grained token, which GitHub's container registry does not support. Use GITHUB_TOKEN or a classic token.",
  port: 'docker stores this login under registry_url as written, and it is not found for images without that port or trailing dot. Remove the port or dot.',
  ecrPublicUsername: 'username should be AWS (upper case) for ECR Public.',
  googleUsername:
    "username is not one that Google's registries use. Use oauth2accesstoken with an access token, or _json_key or _json_key_base64 with a service account key.",
  keyInvalidJson:
    'The service account key in access_token is not valid JSON. Store the key file as downloaded, with line breaks in private_key written as \\n.',
  azureZeros:
    'On Azure, the all-zero username works only with a token from `az acr login --expose-token`, and that token only with this username. Check both.',
  quayDollar:
    "Quay's token usernames start with a dollar sign, and username has none: a shell may have expanded it. Write $oauthtoken, $app or $token in single quotes.",
};
