// A faulty network in front of the stand-in: a listener that forwards requests, except for the faults of a plan.
//
// A plan has faults per kind of request. An array is for the first requests, and later ones pass; a single fault is for
// all requests:
//
//   startFaults(testEnv.reoclo.url, { login: [reset, status(503)], logout: noResponse })
//
// In addition to `login`, `poll` and `logout` there is `connections`, for faults before a request is read. Every response
// closes its connection: the n-th connection carries the n-th request.
import { EventEmitter, once } from 'node:events';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';

const SEEN_WITHIN_MS = 30_000;
const DRIP_MS = 1_000;

/**
 * Starts the layer.
 *
 * @param {string} upstream URL of the stand-in
 * @param {Plan} [plan] `{ connections, login, poll, logout }`, see above
 * @param {object} [options]
 * @param {{ key: string, cert: string }} [options.tls] speaks TLS with this certificate
 * @param {number} [options.port] the kernel picks one if it is not given
 * @returns {Promise<Faults>}
 */
export async function startFaults(upstream, plan, { tls, port } = {}) {
  const faults = new Faults(upstream, plan);
  await faults.listen(tls, port);
  return faults;
}

/**
 * Emits `connection` (number) when one was accepted, `request` (exchange) when a
 * request has been read, and `responded` (exchange) when its response has been sent
 * or its connection is gone.
 */
class Faults extends EventEmitter {
  /** Where it listens, as `api_url` takes it. */
  url;
  /** Counts per kind, since the start or `restart`. */
  counts;
  /** Every request, in order: `{ kind, n, at, method, path, headers, body }`; `at` in ms. */
  requests = [];

  #upstream;
  #plan;
  #front;
  #http;
  #sockets = new Set();
  // Requests that are being read or passed on.
  #busy = 0;

  constructor(upstream, plan) {
    super();
    this.#upstream = upstream;
    this.restart(plan);
  }

  /** Replaces the plan and resets the counts. */
  restart(plan = {}) {
    this.#plan = plan;
    this.counts = { connections: 0, login: 0, poll: 0, logout: 0 };
  }

  async listen(tls, port = 0) {
    this.#http = createHttpServer((incoming, response) => this.#serve(incoming, response));
    this.#front = tls
      ? createTlsServer(tls, (socket) => this.#http.emit('connection', socket))
      : // pauseOnConnect: unread bytes stay in the kernel.
        createServer({ pauseOnConnect: true });
    this.#front.on('connection', (socket) => this.#accept(socket, tls));
    this.#front.on('tlsClientError', () => {});
    this.#front.listen(port, '127.0.0.1');
    await once(this.#front, 'listening');
    this.url = `${tls ? 'https' : 'http'}://127.0.0.1:${this.#front.address().port}`;
  }

  /** After a client has exited: resolves when all its requests are read and forwarded. */
  async idle() {
    await Promise.all([...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    while (this.#busy > 0) await once(this, 'done');
  }

  /** Resolves when the n-th request of a kind has been read. */
  async seen(kind, n = 1) {
    const signal = AbortSignal.timeout(SEEN_WITHIN_MS);
    while (this.counts[kind] < n) {
      await once(this, 'request', { signal }).catch((cause) => {
        throw new Error(`no ${kind} ${n}; there were: ${JSON.stringify(this.counts)}`, { cause });
      });
    }
  }

  async stop() {
    const closed = new Promise((resolve) => this.#front.close(resolve));
    this.#sockets.forEach((socket) => socket.destroy());
    await closed;
  }

  #accept(socket, tls) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    const fault = this.#next('connections');
    this.emit('connection', this.counts.connections);
    if (fault !== pass) {
      fault({ socket });
    } else if (!tls) {
      this.#http.emit('connection', socket);
      socket.resume();
    }
  }

  /** Counts one more of a kind and picks its fault. */
  #next(kind) {
    const faults = this.#plan[kind];
    const index = this.counts[kind]++;
    return (Array.isArray(faults) ? faults[index] : faults) ?? pass;
  }

  async #serve(incoming, response) {
    const at = performance.now();
    const { method, url: path, headers } = incoming;
    // A truncated request is not counted.
    const body = await this.#doing(text(incoming)).catch(() => undefined);
    if (body === undefined) return;

    const kind = kindOf(path);
    const fault = this.#next(kind);
    const request = { kind, n: this.counts[kind], at, method, path, headers, body };
    this.requests.push(request);
    response.once('close', () => this.emit('responded', request));
    response.setHeader('connection', 'close');
    this.emit('request', request);
    const exchange = {
      request,
      response,
      socket: incoming.socket,
      relay: () => this.#doing(relay(this.#upstream, request)),
    };
    // The stand-in may have stopped.
    await fault(exchange).catch(() => incoming.socket.destroy());
  }

  /** Counts as busy until the handlers of a promise have run. */
  #doing(promise) {
    this.#busy += 1;
    const done = () => {
      this.#busy -= 1;
      this.emit('done');
    };
    promise.finally(() => setImmediate(done)).catch(() => {});
    return promise;
  }
}

function kindOf(path) {
  if (/\/registry-auth\/login(-direct)?$/.test(path)) return 'login';
  return /\/registry-auth\/logout$/.test(path) ? 'logout' : 'poll';
}

async function relay(upstream, { method, path, headers, body }) {
  const { connection, ...kept } = headers;
  const outgoing = httpRequest(new URL(path, upstream), { method, headers: kept, agent: false });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  return { status: response.statusCode, body: await text(response) };
}

// The faults. Each is called with `{ request, response, socket, relay }`; `relay()` forwards the request to the stand-in and
// resolves to its response.

const JSON_TYPE = { 'content-type': 'application/json' };

/** No fault. */
export async function pass({ response, relay }) {
  const { status, body } = await relay();
  response.writeHead(status, JSON_TYPE).end(body);
}

/** For `connections`: a reset before anything is read. */
export function resetUnread({ socket }) {
  socket.resetAndDestroy();
}

/** A reset after the request is read; it is not forwarded. */
export async function reset({ socket }) {
  socket.resetAndDestroy();
}

/** The request is forwarded, then the connection is reset without a response. */
export async function dropResponse({ socket, relay }) {
  await relay();
  socket.resetAndDestroy();
}

/** The request is read and gets no response; it is not forwarded. */
export async function noResponse() {}

/** The request is forwarded; its response is sent when a promise resolves. */
export function delayResponse(until = new Promise(() => {})) {
  return async ({ response, relay }) => {
    const { status, body } = await relay();
    await until;
    response.writeHead(status, JSON_TYPE).end(body);
  };
}

/** The request is forwarded; only the headers of the response are sent. */
export async function headersOnly({ response, relay }) {
  const { status, body } = await relay();
  response.writeHead(status, { ...JSON_TYPE, 'content-length': Buffer.byteLength(body) });
  response.flushHeaders();
}

/** The request is forwarded; the response body is sent at one byte per second. */
export async function slowBody({ response, relay }) {
  const { status, body } = await relay();
  response.writeHead(status, JSON_TYPE);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for (const byte of Buffer.from(body)) {
    response.write(Buffer.of(byte));
    await delay(DRIP_MS, undefined, { signal: gone.signal });
  }
  response.end();
}

/**
 * A response of a gateway; the request is not forwarded. `body` may be a function of the request; headers that are
 * `undefined` are omitted.
 */
export function status(code, headers = {}, body = '') {
  return async ({ request, response }) => {
    // Node adds a Date header by default.
    if ('date' in headers) response.sendDate = false;
    const sent = Object.entries({ ...JSON_TYPE, ...headers }).filter(([, value]) => value !== undefined);
    response.writeHead(code, Object.fromEntries(sent));
    response.end(typeof body === 'function' ? body(request) : body);
  };
}

/** An HTML page with status 200, such as a proxy's login form. */
export const htmlPage = status(200, { 'content-type': 'text/html' }, '<!doctype html><title>Sign in</title>');

/** A redirect to another URL. */
export function redirect(location, code = 307) {
  return status(code, { location });
}

/** The request is forwarded; the connection closes after half of the response body. */
export async function truncatedBody({ response, relay }) {
  const { status, body } = await relay();
  response.writeHead(status, { ...JSON_TYPE, 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}

/** The request is forwarded; the response body is replaced. */
function replacedBody(change) {
  return async ({ request, response, relay }) => {
    const { status, body } = await relay();
    response.writeHead(status, JSON_TYPE).end(change(body, request));
  };
}

/** Truncated JSON with the matching content-length. */
export const halfJson = replacedBody((body) => body.slice(0, body.length / 2));

/** No body at all. */
export const emptyBody = replacedBody(() => '');

/** The real response after so many bytes of whitespace, which JSON allows. */
export const paddedBody = (bytes) => replacedBody((body) => ' '.repeat(bytes) + body);

/** The real response, changed: `change(json, request)` returns what is sent. */
export const changedBody = (change) => replacedBody((body, request) => JSON.stringify(change(JSON.parse(body), request)));

/** A listener that counts its connections, as the target of redirects. */
export async function startRedirectTarget() {
  const redirectTarget = { connections: 0 };
  const server = createServer((socket) => {
    redirectTarget.connections += 1;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  redirectTarget.url = `http://127.0.0.1:${server.address().port}`;
  redirectTarget.stop = () => new Promise((resolve) => server.close(resolve));
  return redirectTarget;
}
