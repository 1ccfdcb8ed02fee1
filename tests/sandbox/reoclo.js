// A stand-in for Reoclo: the automation API of openapi.yaml in front of agents
// that run the real docker CLI. Its responses follow from its keys, its vault and the result of docker, not from a script.
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { OpenAPIBackend } from 'openapi-backend';
import { createAgent } from './agent.js';

const DOCUMENT = fileURLToPath(new URL('./openapi.yaml', import.meta.url));
// As in the document's `servers`.
const BASE_PATH = '/api/automation/v1';

const SEEN_WITHIN_MS = 30_000;

const FORMATS = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  'date-time': (value) => !Number.isNaN(Date.parse(value)),
};

const REGISTRY_TYPES = [
  [/^(index\.)?docker\.io$/, 'docker_hub'],
  [/^ghcr\.io$/, 'ghcr'],
  [/\.dkr\.ecr\..*\.amazonaws\.com(\.cn)?$/, 'aws_ecr'],
  [/(\.pkg\.dev|(^|\.)gcr\.io)$/, 'google_artifact_registry'],
  [/\.azurecr\.io$/, 'azure_acr'],
];

/**
 * Starts the stand-in.
 *
 * @param {object} [options]
 * @param {string} [options.host] address to listen on; the kernel picks the port
 * @param {{ id: string, name: string }[]} [options.servers] the managed servers
 * @param {object[]} [options.keys] `{ key, allowed_operations, allowed_servers,
 *   allowed_credentials, allow_registry_passthrough }`; what is absent is not allowed. With
 *   `rate_limit: { requests, per_s }` a key may send so many requests at once, and then so many per second
 * @param {object[]} [options.credentials] the vault:
 *   `{ id, registry_url, registry_type, username, password }`
 * @param {object} [options.agent] options of `createAgent`, for every server
 * @returns {Promise<Reoclo>}
 */
export async function startReoclo({
  host = '127.0.0.1',
  servers = [],
  keys = [],
  credentials = [],
  agent,
} = {}) {
  const reoclo = new Reoclo();
  await reoclo.listen(host);
  for (const { id, name } of servers) {
    reoclo.servers.set(id, { id, name, agent: await createAgent(agent) });
  }
  keys.forEach((scope) => reoclo.keys.set(scope.key, scope));
  credentials.forEach((credential) => reoclo.credentials.set(credential.id, credential));
  return reoclo;
}

/** An error response; thrown where the reason is found. */
class HttpError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/**
 * Emits `request` (request) when a request has arrived, `operation` (operation)
 * when an operation has started or ended, and `responded` (request) when a response
 * has been sent or its connection is gone; `request.response` then holds it.
 */
class Reoclo extends EventEmitter {
  /** Where it listens, as `api_url` takes it. */
  url;
  /** id → `{ id, name, agent }` */
  servers = new Map();
  /** key → its scope */
  keys = new Map();
  /** id → a credential in the vault */
  credentials = new Map();
  /** id → an operation, as the API shows it */
  operations = new Map();
  /** The audit log in order, without secrets. */
  audit = [];
  /** Every request, in order: `{ method, path, headers, body, at, response }`; `at` in ms. */
  requests = [];

  #api;
  #http;
  #running = new Set();
  #buckets = new Map();
  #stopping = new AbortController();
  #errors = [];

  async listen(host) {
    this.#api = await new OpenAPIBackend({
      definition: DOCUMENT,
      apiRoot: BASE_PATH,
      strict: true,
      ajvOpts: { allErrors: true, formats: FORMATS },
      securityHandlers: { automationKey: (context) => this.#scope(context) },
      handlers: {
        login: (context) => this.#login(context),
        loginDirect: (context) => this.#loginDirect(context),
        logout: (context) => this.#logout(context),
        getOperation: (context) => this.#getOperation(context),
        unauthorizedHandler: () => throwHttp(401, 'Invalid API key'),
        validationFail: ({ validation }) => ({
          status: 422,
          body: { detail: validation.errors.map(invalid) },
        }),
        notFound: ({ request }) => this.#unknownRoute(request),
        methodNotAllowed: ({ request }) => this.#unknownRoute(request),
      },
    }).init();

    this.#http = createServer((request, response) => this.#serve(request, response));
    this.#http.listen(0, host);
    await once(this.#http, 'listening');
    const { address, family, port } = this.#http.address();
    this.url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /**
   * Resolves to the request for which `predicate` holds, the `count`-th of them;
   * at once if it has arrived already. Rejects if the stand-in stops first, and
   * after 30 s.
   */
  async seen(predicate, count = 1) {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(SEEN_WITHIN_MS)]);
    for (;;) {
      const matches = this.requests.filter(predicate);
      if (matches.length >= count) return matches[count - 1];
      await once(this, 'request', { signal }).catch((cause) => {
        const arrived = this.requests.map(({ method, path }) => `${method} ${path}`).join(', ');
        throw new Error(`no such request; there were: ${arrived || 'none'}`, { cause });
      });
    }
  }

  /** Resolves when no server runs docker. */
  async idle() {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * Closes all connections, kills the commands of the agents and removes the servers.
   * Rejects if any response did not match openapi.yaml.
   */
  async stop() {
    this.#stopping.abort();
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeAllConnections();
    await closed;
    await Promise.all([...this.servers.values()].map(({ agent }) => agent.stop()));
    await this.idle();
    const errors = this.#errors.splice(0);
    if (errors.length > 0) throw new AggregateError(errors, errors[0].message);
  }

  // From a request to its response

  async #serve(incoming, response) {
    const { method, url: path, headers } = incoming;
    // A truncated request is ignored.
    const raw = await text(incoming).catch(() => undefined);
    if (raw === undefined) return;

    const request = { method, path, headers, body: parsed(raw), at: performance.now() };
    this.requests.push(request);
    response.once('close', () => this.emit('responded', request));
    this.emit('request', request);

    // Without a JSON content type there is no body, as in FastAPI.
    const isJson = /^application\/json\b/i.test(headers['content-type'] ?? '');
    const body = isJson && raw !== '' ? raw : undefined;
    request.response = this.#overLimit(headers) ?? (await this.#respond({ method, path, headers, body }));
    response.writeHead(request.response.status, { 'content-type': 'application/json', ...request.response.headers });
    response.end(JSON.stringify(request.response.body));
  }

  /** The response to a request above its key's rate limit, which is a bucket of tokens. */
  #overLimit(headers) {
    const key = this.#scope({ request: { headers } });
    if (!key?.rate_limit) return;
    const { requests, per_s } = key.rate_limit;
    const now = performance.now();
    const { tokens, filledAt } = this.#buckets.get(key) ?? { tokens: requests, filledAt: now };
    const filled = Math.min(requests, tokens + ((now - filledAt) / 1000) * per_s);
    this.#buckets.set(key, { tokens: filled < 1 ? filled : filled - 1, filledAt: now });
    if (filled >= 1) return;
    const retryAfter = Math.ceil((1 - filled) / per_s);
    return { status: 429, headers: { 'retry-after': String(retryAfter) }, body: { detail: 'Rate limit exceeded' } };
  }

  async #respond(message) {
    try {
      const response = await this.#api.handleRequest(message).catch((error) => {
        if (!(error instanceof HttpError)) throw error;
        return { status: error.status, body: { detail: error.message } };
      });
      this.#check(response, this.#api.matchOperation(message));
      return response;
    } catch (error) {
      this.#errors.push(error);
      return { status: 500, body: { detail: `error in the stand-in: ${error.message}` } };
    }
  }

  /** Throws if the response to a known operation does not match the document. */
  #check({ status, body }, operation) {
    if (!operation) return;
    const sent = JSON.parse(JSON.stringify(body));
    const errors = operation.responses[status]
      ? this.#api.validateResponse(sent, operation, status).errors
      : [{ message: 'this status is not in the document' }];
    if (errors) {
      throw new Error(
        `${operation.operationId} ${status} does not match openapi.yaml: ${JSON.stringify(errors)}`,
      );
    }
  }

  // What the API does

  #login({ request: { requestBody: body }, security: { automationKey: key } }) {
    const server = this.#server(key, 'registry_login', body.server_id);
    const credential = this.credentials.get(body.credential_id.toLowerCase());
    if (!credential) throwHttp(404, `Registry credential ${body.credential_id} not found`);
    if (!key.allowed_credentials?.includes(credential.id)) {
      throwHttp(403, `API key is not scoped to registry credential ${credential.id}`);
    }
    return this.#startLogin(server, body, credential, { auth_mode: 'vault' });
  }

  #loginDirect({ request: { requestBody: body }, security: { automationKey: key } }) {
    const server = this.#server(key, 'registry_login', body.server_id);
    if (!key.allow_registry_passthrough) {
      throwHttp(
        403,
        'API key does not allow registry passthrough (allow_registry_passthrough is off)',
      );
    }
    const { registry_url, username, access_token: password } = body;
    const login = { registry_url, registry_type: registryType(registry_url), username, password };
    return this.#startLogin(server, body, login, { auth_mode: 'passthrough', username });
  }

  #startLogin(server, body, login, audited) {
    const { registry_url, registry_type } = login;
    const { operation } = this.#start(
      { operation_type: 'registry_login', server, body },
      { registry_url, ...audited },
      server.agent.login(login),
    );
    const { operation_id, status } = operation;
    return { status: 202, body: { operation_id, status, registry_url, registry_type } };
  }

  async #logout({ request: { requestBody: body }, security: { automationKey: key } }) {
    const server = this.#server(key, 'registry_logout', body.server_id);
    const { registry_url } = body;
    const { operation, ended } = this.#start(
      { operation_type: 'registry_logout', server, body },
      { registry_url },
      server.agent.logout({ registry_url }),
    );
    await ended;
    const { operation_id, status } = operation;
    return { status: 200, body: { operation_id, status } };
  }

  #getOperation({ request: { params }, security: { automationKey: key } }) {
    const operation = this.operations.get(params.operation_id.toLowerCase());
    if (!operation) throwHttp(404, `Operation ${params.operation_id} not found`);
    allowServer(key, operation.server_id);
    return { status: 200, body: operation };
  }

  #unknownRoute({ method, path }) {
    return { status: 501, body: { detail: `No such route here: ${method.toUpperCase()} ${path}` } };
  }

  /** The scope of the request's key, if there is such a key. */
  #scope({ request: { headers } }) {
    return this.keys.get(headers.authorization?.match(/^Bearer (.+)$/)?.[1]);
  }

  /** The server, if the key may do `operation` on it. */
  #server(key, operation, id) {
    if (!key.allowed_operations?.includes(operation)) {
      throwHttp(403, `API key does not allow the operation ${operation}`);
    }
    const server = this.servers.get(id.toLowerCase());
    if (!server) throwHttp(404, `Server ${id} not found`);
    allowServer(key, server.id);
    return server;
  }

  /** Records an operation and its audit entry, and follows `work` to its end. */
  #start({ operation_type, server, body: { run_id, run_context } }, audited, work) {
    const operation = {
      operation_id: randomUUID(),
      operation_type,
      server_id: server.id,
      server_name: server.name,
      status: 'running',
      run_id,
      run_context,
      started_at: new Date().toISOString(),
    };
    const entry = {
      action: operation_type,
      operation_id: operation.operation_id,
      server_id: server.id,
      ...audited,
      run_id,
      provider: run_context?.provider,
      repository: run_context?.repository,
      workflow: run_context?.workflow,
      actor: run_context?.actor,
      outcome: 'running',
    };
    this.operations.set(operation.operation_id, operation);
    this.audit.push(entry);
    this.emit('operation', operation);

    const ended = work.then(({ status, result }) => {
      Object.assign(operation, { status, result, completed_at: new Date().toISOString() });
      entry.outcome = status;
      this.#running.delete(ended);
      this.emit('operation', operation);
    });
    this.#running.add(ended);
    return { operation, ended };
  }
}

function throwHttp(status, detail) {
  throw new HttpError(status, detail);
}

function allowServer(key, id) {
  if (!key.allowed_servers?.includes(id)) throwHttp(403, `API key is not scoped to server ${id}`);
}

function registryType(registryUrl) {
  return REGISTRY_TYPES.find(([host]) => host.test(registryUrl))?.[1] ?? 'generic';
}

function parsed(raw) {
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}

/** A validation error of the library in the shape of FastAPI's. */
function invalid({ instancePath, keyword, message, params }) {
  const [source = 'requestBody', ...path] = instancePath.split('/').slice(1);
  const member = params.missingProperty ?? params.additionalProperty;
  // A missing body is a missing member of the request.
  const inside = member && member !== 'requestBody' ? [...path, member] : path;
  return {
    loc: [source === 'requestBody' ? 'body' : source, ...inside],
    msg: message,
    type: keyword,
  };
}
