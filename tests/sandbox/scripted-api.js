// A stand-in for Reoclo whose responses a test writes: no docker, no registry. For responses that the real stand-in would never
// send.
import { EventEmitter, once } from 'node:events';
import { text } from 'node:stream/consumers';
import { serve } from '../support/serve.js';

const SEEN_WITHIN_MS = 30_000;

export const LOGIN_OPERATION = '11111111-1111-4111-8111-111111111111';
export const LOGOUT_OPERATION = '22222222-2222-4222-8222-222222222222';
export const REGISTRY = 'registry.example.com';

const accepted = { operation_id: LOGIN_OPERATION, status: 'running', registry_url: REGISTRY, registry_type: 'generic' };
/** A status response: docker ended with this result. */
export const ended = (result = {}, different = {}) => ({ status: 'completed', result: { exit_code: 0, ...result }, ...different });

// Responses by request; `status` is of a login, `logoutStatus` of a logout.
const DEFAULTS = {
  login: [202, accepted],
  status: [200, ended()],
  logout: [200, { operation_id: LOGOUT_OPERATION, status: 'completed' }],
  logoutStatus: [200, ended()],
};

/** The default responses, changed: `[code, body]`, `[code, body, headers]`, a function of the request's number that returns one or a promise of it, or
 * `null` for none. An object is sent as JSON. */
export async function startScriptedApi(responses = {}) {
  const api = new ScriptedApi();
  await api.start(responses);
  return api;
}

/** Emits `request` when one was read. */
class ScriptedApi extends EventEmitter {
  /** Where it listens, as `api_url` takes it. */
  url;
  stop;
  /** All requests: `{ kind, body }`. */
  requests = [];
  #responses;

  async start(responses) {
    this.answer(responses);
    const { host, stop } = await serve((request, response) => this.#respond(request, response));
    Object.assign(this, { url: `http://${host}`, stop });
  }

  /** Changes the responses, and forgets the requests. */
  answer(responses) {
    this.#responses = { ...DEFAULTS, ...responses };
    this.requests.length = 0;
  }

  count(kind) {
    return this.requests.filter((request) => request.kind === kind).length;
  }

  /** Resolves when a request of a kind has been read; rejects after 30 s. */
  async seen(kind) {
    const signal = AbortSignal.timeout(SEEN_WITHIN_MS);
    while (this.count(kind) === 0) await once(this, 'request', { signal });
  }

  /** The bodies of the requests of a kind. */
  bodies(kind) {
    return this.requests.filter((request) => request.kind === kind).map(({ body }) => body);
  }

  async #respond(request, response) {
    const sent = await text(request).catch(() => undefined);
    if (sent === undefined) return;
    const kind = kindOf(request.url);
    this.requests.push({ kind, path: request.url, body: sent && JSON.parse(sent) });
    this.emit('request', kind);
    const scripted = this.#responses[kind];
    const answer = await (typeof scripted === 'function' ? scripted(this.count(kind)) : scripted);
    if (!answer) return;
    const [code, body, headers] = answer;
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : body);
  }
}

function kindOf(path) {
  if (/\/registry-auth\/login(-direct)?$/.test(path)) return 'login';
  if (/\/registry-auth\/logout$/.test(path)) return 'logout';
  return path.includes(LOGOUT_OPERATION) ? 'logoutStatus' : 'status';
}
