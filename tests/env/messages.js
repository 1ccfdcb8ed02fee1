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
const REQUESTS = { login: 'the login request', status: 'the question how the operation is doing', logout: 'the logout request' };
const ATTEMPTS = { login: 6, logout: 3, docker: 3 };

/** Titles of annotations. */
export const TITLES = {
  invalidInputs: 'Bad input',
  invalidApiKey: 'Reoclo does not accept the API key',
  permissionDenied: 'The API key is not allowed to do this',
  apiNotFound: 'No automation API answers here',
  notFound: 'Reoclo does not know this id',
  operationNotFound: 'Reoclo does not know this id',
  invalidRequest: 'Reoclo does not accept the request',
  rateLimit: 'Too many requests',
  serverError: 'Reoclo had an error',
  requestFailed: 'Reoclo refused the request',
  redirect: 'Redirect refused',
  unexpectedResponse: 'Unexpected answer from the API',
  connectionFailed: 'Reoclo cannot be reached',
  timedOut: 'Timed out',
  cancelled: 'Cancelled',
  dockerFailed: 'Docker login failed',
  loginsFailed: 'Logins failed',
  checkCredential: 'The credential looks odd',
  loginSkipped: 'Login skipped',
  plainHttp: 'The API key travels unencrypted',
  cleanupMayFail: 'Cleanup is not certain',
  outputsNotSet: 'Outputs are missing',
  summaryNotWritten: 'The job summary is missing',
  duplicateRegistry: 'Two credentials for one registry',
  loginNotCleanedUp: 'A login may be left behind',
  loginStillRunning: 'The login may still run',
  logoutFailed: 'Logout failed',
  internalError: 'Internal error',
  unsupportedNode: 'Node is too old',

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
  notStarted: like(/Reoclo had not (?:accepted the login|answered the login request)/),
  noResponse: 'Reoclo had not answered the login request',
  running: (id = UUID) => `operation ${id} still ran on the server`,
  withLastError: (progress, error) => `${progress}. Last failure: ${error.replace(/\.$/, '')}`,
};

export const ERRORS = {
  httpStatus: (request, status, { host = HOST, detail } = {}) =>
    `Reoclo at ${host} answered ${status} to ${REQUESTS[request]}${detail === undefined ? like(/(?:: .*?)?/) : `: ${detail}`}.`,
  redirect: (request, status, { to = ANY } = {}) =>
    `Reoclo at ${HOST} answered ${REQUESTS[request]} with a redirect (${status}) to ${to}, and the API key must not follow one.`,
  invalidJson: (request) => `${HOST} answered ${REQUESTS[request]} with something that is not JSON, or only half of it.`,
  unexpectedResponse: (request, what = ANY) =>
    `${HOST} answered ${REQUESTS[request]} with JSON that the automation API does not promise: ${what}.`,
  tooLarge: (request) => `${HOST} answered ${REQUESTS[request]} with more than 16 MiB.`,
  connection: (request, cause = ANY, { host = HOST } = {}) => `${host} could not be reached for ${REQUESTS[request]}: ${cause}.`,
  requestTimeout: (request, seconds) => `${HOST} did not answer ${REQUESTS[request]} within ${seconds} s.`,

  skippedAfterError: 'Reoclo was not asked for it: what is wrong with another login is wrong with this one, too.',
  skippedAfterTimeout: 'Reoclo was not asked for it: the time was up before its turn came.',
  loginTimeout: (seconds, progress = ANY) => `The login did not end within ${seconds} s: ${progress}.`,
  docker: ({ registry = HOST, server = ANY, exitCode = 1, output = ANY, operation = UUID } = {}) =>
    `docker login ${registry} on ${server} ended with exit code ${exitCode}: ${output} (operation ${operation}).`,
  dockerNoExitCode: `docker login ${HOST} on ${ANY} ended without an exit code (operation ${UUID}).`,
  dockerTimeout: `docker login ${HOST} on ${ANY} took longer than Reoclo allows (operation ${UUID}).`,

  /** The errors of several logins, line by line. */
  failed: (failed, all) => `${failed} of ${all} logins failed:`,
  same: (n, error, names = ANY) => `${n} logins: ${error} (${names})`,
  sameFix: (n, fix) => `Fix for these ${n}: ${fix}`,
  fix: (fix) => `Fix: ${fix}`,

  unsupportedNode: (version) =>
    withFix(`This action needs Node 20 or newer, and this runner started it with Node ${version}.`, 'let this runner use Node 20 or newer.'),
  internal: `${like(/.+/)}. Please report this, with the lines above, at https://github.com/reoclo/docker-auth/issues`,
};

/** Why a connection failed; the `cause` of ERRORS.connection. */
export const CAUSES = {
  connectTimeout: 'no connection within 10 s',
  connectionLost: (code) => `ECONNRESET: the connection broke (${code})`,
  proxyStatus: (host, variable, status) => `the proxy ${host} that ${variable} names answered ${status}`,
  proxyConnection: (host, variable, cause) => `the proxy ${host} that ${variable} names did not connect: ${cause}`,
  proxyNotHttp: (host, variable) => `the proxy ${host} that ${variable} names gave an answer that is not HTTP`,
  proxyUrl: (variable) => `${variable} is not the URL of a proxy, such as ${ANY}`,
};

/** What a user can do about an error. */
export const FIX = {
  inputs: "correct the step's `with:` block; nothing was sent.",
  apiUrlFinal: 'set api_url to the address that the API itself answers at.',
  apiUrlBase: 'check that api_url is the base URL of a Reoclo instance and that no proxy or login page answers in its place.',
  apiUrlNoApi: 'check api_url: no automation API answers at this address.',
  timeout: 'see whether the server is online in Reoclo, or raise the timeout input; the post step says what becomes of the login.',
  skippedAfterError: 'mend what is named above, and run the job again.',
  skippedAfterTimeout: 'see whether the servers of the other logins are online in Reoclo, or raise the timeout input.',
  serverNetwork: 'check that the server can reach the registry (DNS, firewall, proxy), then run the job again.',
  apiKey: 'check api_key: it must be a current automation key, made on the instance that api_url names (dashboard: API Keys, Automation Keys).',
  vaultPermission:
    'open the key in the dashboard: Allowed Operations must include registry_login, Allowed Servers this server_id, and its allowed credentials this credential_id; an IP allow-list must include this runner.',
  passthroughPermission:
    'open the key in the dashboard: Allowed Operations must include registry_login, Allowed Servers this server_id, and allow_registry_passthrough must be on; an IP allow-list must include this runner.',
  logoutPermission: 'open the key in the dashboard: Allowed Operations must include registry_logout.',
  serverAndCredential:
    'check server_id and credential_id: copy both UUIDs again from the dashboard of the tenant that api_key belongs to.',
  server: 'check server_id: copy the UUID again from the dashboard of the tenant that api_key belongs to.',
  proxyAuthentication: "put the proxy's user name and password into http_proxy, or add the host of api_url to no_proxy.",
  serverError: 'run the job again; if it stays, look at the status of your Reoclo instance.',
  proxyVariable: 'correct or unset this variable; nothing was sent.',
  proxy: "check the proxy's address, user name and password, or add the host of api_url to no_proxy.",
  dns: "check the host in api_url and this runner's DNS.",
  noTls: 'check scheme and port in api_url: what answers there speaks no TLS.',
  hostAndPort: 'check host and port in api_url, and that Reoclo is running there.',
  certificate:
    'give the CA of a private certificate in ca_certificate or NODE_EXTRA_CA_CERTS, or correct the host in api_url; verification is never turned off.',
  credential: 'check the user name and the token or password of this credential, and that the token has not expired.',

  // By registry
  ghcr: 'use GITHUB_TOKEN in a job with the permission `packages: read` (`write` to push), or a current classic token with read:packages (write:packages), authorized for single sign-on where the organization enforces it.',
  dockerHub:
    "use a current personal access token (with two-factor or single sign-on no password works), or an organization access token with the organization's name as user name.",
  dockerHubLockout: 'check user name and token, and wait a while before the next try: Docker Hub has locked this account or address out.',
  ecrRegion:
    "use the whole output of `aws ecr get-login-password` as token, run with `--region` and the region in the registry's host: ECR takes no token of another region.",
  google:
    'check that the account has roles/artifactregistry.reader (writer to push) and that its key still exists; an access token (user name oauth2accesstoken) is good for an hour.',
  gitlab:
    'use a current deploy or access token with read_registry (and write_registry to push): with two-factor authentication no password works.',
};

/** Texts of warnings and notices. */
export const WARNINGS = {
  loginSkipped: (input) =>
    `${input} is empty, as secrets are in runs that a fork or Dependabot has started, and if_missing is 'skip': nothing was sent.`,
  plainHttp: (host) => `api_url is plain http to ${host}: use https, or anybody on the way can read the key.`,
  summaryNotWritten: (reason) => `The runner could not take it: ${reason}.`,
  duplicateRegistry: (replaced, credential, registry) =>
    withFix(
      `Credentials ${replaced} and ${credential} are both for ${registry}, and docker keeps one login a registry: the later one replaced the earlier.`,
      'keep one of them in credential_id.',
    ),
  loginNotCleanedUp: (server) =>
    withFix(
      `The login request for server ${server} was cut off before Reoclo named the registry, so the login may have happened and cannot be undone from here.`,
      'run docker logout with that registry on this server.',
    ),
  loginStillRunning: ({ server, registry = HOST, operation = UUID }) =>
    withFix(
      `Operation ${operation} was not seen to end within 20 s. If it ends in a login after this logout, server ${server} stays logged in to ${registry}.`,
      'look at the operation in the Reoclo dashboard.',
    ),
  logoutFailed: (server, { registry = HOST, why = ANY } = {}) => `Server ${server} may still be logged in to ${registry}. ${why}`,
};

/** Names of servers, credentials and registries in labels and lists. */
export const NAMES = {
  server: (id) => `server ${id}`,
  credential: (id) => `credential ${id}`,
  unknownRegistry: 'a registry that was not named',
};

/** The start of each line of a step with several logins. */
export const label = (server, registry) => `[${server}, ${registry}] `;

/** Lines of the log. */
export const LOG = {
  // How the first line begins, whatever the login.
  start: 'Asking Reoclo to log ',
  vault: (server, credential) => `Asking Reoclo to log server ${server} in with credential ${credential} (vault mode)`,
  vaultMany: (servers, credentials) => `Asking Reoclo to log ${servers} servers in with ${credentials} credentials (vault mode)`,
  passthrough: (server, registry, type) => `Asking Reoclo to log server ${server} in to ${registry} (passthrough mode, ${type})`,
  passthroughMany: (servers, registry, type) => `Asking Reoclo to log ${servers} servers in to ${registry} (passthrough mode, ${type})`,

  operationStart: 'Operation ',
  operation: (id, registry, type) => `Operation ${id}: docker login ${registry} (${type})`,
  operationOf: (id, registry, type, credential) => `Operation ${id}: docker login ${registry} (${type}) with credential ${credential}`,
  docker: '  docker | ',
  moreLines: like(/\(\d+ more lines not shown\)/),

  loggedIn: (server, registry) => `Logged ${server} in to ${registry}; the post step logs it out`,
  loggedInStart: (server, registry) => `Logged ${server} `,
  loggedInForGood: (server, registry) => `Logged ${server} in to ${registry}; it stays logged in (cleanup: false)`,
  /** The last line of a step with several logins. */
  finishedStart: (succeeded, all) => `${succeeded} of ${all} logins done in `,
  finished: (succeeded, all) => `${succeeded} of ${all} logins done in ${SECONDS} s; the post step logs them out`,
  finishedForGood: (succeeded, all) => `${succeeded} of ${all} logins done in ${SECONDS} s; they stay logged in (cleanup: false)`,
  finishedWithoutLogin: (all) => `0 of ${all} logins done in ${SECONDS} s`,
  stillWaitingStart: 'Still waiting',
  stillWaiting: (seconds) => `Still waiting after ${seconds} s`,
  stillWaitingFor: (seconds, names) => `Still waiting after ${seconds} s: ${names}`,
  stillWaitingForSome: (seconds, finished, all, names) => `Still waiting after ${seconds} s (${finished} of ${all} logins done): ${names}`,

  // Post
  noLogins: 'No login to clean up.',
  staysLoggedIn: (server, registry) => `cleanup is false: server ${server} stays logged in to ${registry}.`,
  waitingStart: 'Waiting for the end of',
  waitingForOperation: (id = UUID) => `Waiting for the end of operation ${id} before logging out`,
  waitingForInterruptedLogin: 'Waiting for the end of a login that was cut off',
  loggedOutOf: (registry, server) => `Logged out of ${registry} on server ${server}`,
  loggedOut: 'Logged out',

  /** A line that says that a request, or with `docker` a login, is sent again. */
  retrying: (what, { error = ANY, seconds = SECONDS, attempt = NUMBER } = {}) =>
    `Retrying ${REQUESTS[what] ?? 'the login'} in ${seconds} s (attempt ${attempt}${ATTEMPTS[what] ? ` of ${ATTEMPTS[what]}` : ''}): ${error}`,
  retryingStart: (what) => `Retrying ${REQUESTS[what]}`,
  isRetry: (line) => /(^|\] )Retrying /.test(line),
  /** Which attempt a line of a request with limited attempts announces. */
  attemptOf: (line) => line.match(/\(attempt (\d) of/)?.[1],
};

export const SUMMARY = {
  logins: 'Registry logins',
  logouts: 'Registry logouts',
  loggedIn: '✅ logged in',
  loggedOut: '✅ logged out',
  failed: (title, error) => `❌ ${title}: ${error}`,
  mayStillBeLoggedIn: '⚠️ may still be logged in',
  staysLoggedIn: 'stays logged in (cleanup: false)',
};

const IDS = 'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx';
const COPY_ID = 'copy the id, not the name, from the Reoclo dashboard';
const LIST_IDS = 'put each id on a line of its own or commas between them, without quotes, dashes or brackets';
const EMPTY_SECRETS = "Secrets are empty in workflows started from a fork or by Dependabot; if_missing: 'skip' lets those pass";

/** Errors of inputs, each behind the name of its input. */
export const INPUTS = {
  emptySecrets: EMPTY_SECRETS,
  /** Names an input that is empty, whatever else is missing. */
  isEmpty: (input) => like(new RegExp(`\\b${input} is (?:required|missing)|and ${input} are empty`)),
  apiKeyRequired: `api_key is required: set it to a Reoclo automation key, kept as a secret. ${EMPTY_SECRETS}.`,
  apiKeyOfIntegration: 'api_key is an integration key (rk_t_), which the automation API never accepts: create an automation key.',
  apiKeyOfMachineUser: "api_key is a machine user's key (rk_m_), which the automation API never accepts: create an automation key.",
  apiKeyOther: 'api_key is not an automation key, which begins with rca_, rss_ or rk_a_: create one in the dashboard under API Keys.',
  apiKeyTruncated: 'api_key is cut off or has white space inside: copy the whole automation key.',
  serverRequired: 'server_id is required: copy the UUID from the Reoclo dashboard.',
  notUuid: (input) => `${input} is not a UUID (${IDS}): ${COPY_ID}.`,
  entryNotUuid: (input, entry) => `${input} entry ${entry} is not a UUID (${IDS}): ${COPY_ID}.`,
  entriesNotUuids: (input, entries) => `${input} entries ${entries} are not UUIDs (${IDS}): ${COPY_ID}.`,
  notOneUuid: (input) => `${input} is not a UUID (${IDS}): ${LIST_IDS}.`,
  entriesNotSingleUuids: (input, entries) => `${input} entries ${entries} are not UUIDs (${IDS}): ${LIST_IDS}.`,
  tooManyLogins: (logins, factors = '') =>
    `server_id asks for ${logins} logins${factors}, and one step takes 100 at most, so that its post step can log all of them out within 45 s: use several steps.`,
  exclusive: (inputs) =>
    `credential_id and ${inputs} are mutually exclusive: keep credential_id for a credential in Reoclo's vault, or remove it to pass username, access_token and registry_url.`,
  noMode:
    "credential_id is missing: give either credential_id (a credential in Reoclo's vault), or username, access_token and registry_url together (passthrough).",
  missing: (input, empty) => `${input} is missing: passthrough mode needs username, access_token and registry_url together, and ${empty} empty`,
  registryUrl: (flaw) => `registry_url ${flaw}: give the registry's host, such as ghcr.io or registry.example.com:5000.`,
  apiUrl: (flaw) => `api_url ${flaw}: give the base URL of your Reoclo instance, such as https://api.reoclo.com.`,
  flaws: {
    noHost: 'has no host',
    whitespace: 'has white space inside',
    credentials: 'carries a user name or password before the host, which would end up in logs',
    port: 'has a port that is not a number from 1 to 65535',
    hyphen: 'has a host name with a part that begins or ends with a hyphen',
    notIpv4: 'has a host that ends in a number and is not an IPv4 address',
    notAbsolute: 'is not an absolute http(s) URL',
    query: 'has a query or fragment, which a base URL cannot have',
  },
  ifMissing: "if_missing is neither 'fail' nor 'skip': write 'skip' where a run without secrets is to pass.",
  timeout: "timeout is not a whole number of seconds from 1 to 86400: write for example '600'.",
  cleanup: "cleanup is not a YAML boolean: write 'true' to log out when the job ends, or 'false'.",
  jobSummary: "job_summary is not a YAML boolean: write 'true' to get a table of the logins, or 'false'.",

  certificatePrivateKey: 'ca_certificate holds a private key: give the CA certificate alone.',
  certificateMissing: 'ca_certificate holds no PEM certificate: it begins with -----BEGIN CERTIFICATE----- and has several lines.',
  certificateInvalid: 'ca_certificate holds a PEM certificate that cannot be read: copy it whole, with its line breaks.',
  certificateTooLarge:
    'ca_certificate holds more than 64 KiB of certificates: give your own CA alone, public ones are trusted anyway.',
  certificateUnreadable: (code) =>
    `ca_certificate is neither PEM text nor a file that can be read (${code}): give the certificate or its path.`,
};

/** What is noticed of a passthrough credential before it is sent. */
export const PREFLIGHT = {
  // Errors
  ecrUsername:
    "username is not AWS, in capitals, as ECR wants it: set it to AWS and access_token to the output of `aws ecr get-login-password`, or keep AWS keys in Reoclo's vault and give credential_id.",
  awsKey:
    "access_token is an AWS key by its length: set it to the output of `aws ecr get-login-password`, or keep the keys in Reoclo's vault and give credential_id.",
  authorizationToken:
    'access_token is an authorizationToken, the base64 of user name and password: set it to the output of `aws ecr get-login-password`.',
  keyInBase64: 'access_token is the base64 of a service account key: set username to _json_key_base64.',
  keyTruncated: 'access_token is not a service account key: paste the whole JSON key file.',
  keyNotBase64: 'access_token is JSON and not its base64: set username to _json_key.',
  notKeyInBase64: 'access_token is not the base64 of a service account key: encode the whole JSON key file.',
  keyWithoutPrivateKey: 'access_token is JSON without private_key: paste the whole JSON key file of a service account.',
  keyAsAccessToken: 'access_token is JSON and no access token: with a service account key, set username to _json_key.',
  // Notices
  dockerHubHost:
    'docker may keep this login under the host in registry_url, where images of Docker Hub, named as usual, do not look for it. Set registry_url to docker.io.',
  password:
    'access_token looks like a password, which works only without two-factor authentication and single sign-on. Use a personal access token of Docker Hub.',
  tokenOfOtherService: 'access_token begins like a token of another service than registry_url names. Check that they belong together.',
  fineGrainedToken:
    "access_token is a fine-grained token, which GitHub's container registry does not support. Use GITHUB_TOKEN or a classic token.",
  port: 'docker keeps this login under registry_url as written, and images without that port or final dot do not find it. Leave it out.',
  ecrPublicUsername: "ECR's user name is AWS, in capitals, and username is another. Set it to AWS.",
  googleUsername:
    "username is none of Google's: oauth2accesstoken with an access token, _json_key or _json_key_base64 with a service account key. Set it to the one that fits access_token.",
  keyInvalidJson:
    'The service account key in access_token is not valid JSON. Store the key file as it was downloaded; line breaks in private_key are written as \\n.',
  azureZeros:
    'On Azure, the user name of zeros and a token of `az acr login --expose-token` go together, and only one of the two is given. Check both.',
  quayDollar:
    "Quay's user names for tokens begin with a dollar sign, and username has none: a shell may have taken it. Write $oauthtoken, $app or $token in single quotes.",
};
