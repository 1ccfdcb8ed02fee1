// `fetch` on node:http, limited to what the core uses. Node's own fetch takes longer to load than the rest of a login, and
// so do the libraries that replace it: see docs/performance.md.
//
// Redirects are never followed. Header names are lower case, as in node:http.
import { lookup } from './lookup.js';

class Headers extends Map {}

class Request {
  constructor(url, { method = 'GET', headers = new Headers(), body, signal } = {}) {
    Object.assign(this, { url, method, headers, body, signal });
  }
}

class Response {
  constructor(message) {
    // The reader reports errors. Without this listener, an error before the first read would end the process.
    message.on('error', () => {});
    this.status = message.statusCode;
    this.headers = new Headers(Object.entries(message.headers));
    this.body = { getReader: () => new Reader(message) };
  }
}

/** Reads a body in chunks. Uses events, because an async iterator takes 2 ms to set up. */
class Reader {
  #message;
  #wake = () => {};

  constructor(message) {
    this.#message = message;
    for (const event of ['readable', 'end', 'close']) message.on(event, () => this.#wake());
  }

  async read() {
    for (;;) {
      const value = this.#message.read();
      if (value || this.#message.readableEnded) return { value };
      if (this.#message.destroyed) throw asConnectionReset(this.#message.errored ?? new Error('aborted'));
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }
}

const AGENT_OPTIONS = {
  keepAlive: true,
  lookup,
  // For the connection to a SOCKS proxy.
  socketOptions: { lookup },
  // Overrides NODE_TLS_REJECT_UNAUTHORIZED: verification cannot be turned off.
  rejectUnauthorized: true,
};
const PROXY_VARIABLE = /^(https?|all)_proxy$/i;
/** Limit for connecting, including the TLS handshake. No request has been sent when it passes. */
const CONNECT_TIMEOUT_MS = 10_000;

const agents = new Map();
let ca;

// `require`, because `import()` reads every export of a module, and one export of node:http loads Node's own fetch.
// Loaded on first use, because a step with invalid inputs needs none of them.
const http = () => require('node:http');
const https = () => require('node:https');
const network = () => require('./network.cjs');

/**
 * Trusts the certificates of a PEM text or file, in addition to the default CAs, for all later connections.
 *
 * @param {string} pemOrPath
 * @returns {string} the certificates, as PEM text
 * @throws {Error} if there are none; its message completes the sentence "ca_certificate …"
 */
export function addCaCertificates(pemOrPath) {
  const { readCertificates, withDefaultCAs } = network();
  const pem = readCertificates(pemOrPath);
  ca = withDefaultCAs(pem, process.env);
  return pem;
}

/** The agent that keeps the connections to an origin alive. */
function agentFor(url, { Agent }) {
  const { env } = process;
  if (!agents.has(url.origin)) {
    const isPlain = !ca && !Object.keys(env).some((name) => PROXY_VARIABLE.test(name) && env[name]);
    const options = { env, ca, options: AGENT_OPTIONS, connectTimeoutMs: CONNECT_TIMEOUT_MS };
    const networkAgent = isPlain ? undefined : network().agentFor(url, options);
    agents.set(url.origin, networkAgent ?? new Agent(AGENT_OPTIONS));
  }
  return agents.get(url.origin);
}

/** How to abort each request that has no connection yet. */
const unsent = new Set();

/** Aborts all requests without a connection: the API cannot have received them. */
export const abortUnsent = () => unsent.forEach((abort) => abort());

function fetch({ url: address, method, headers, body, signal }) {
  return new Promise((resolve, reject) => {
    const url = new URL(address);
    const transport = url.protocol === 'https:' ? https() : http();
    // The TLS options are repeated here: connections through a proxy take them from the request.
    const options = { ...AGENT_OPTIONS, ca, agent: agentFor(url, transport), method, headers: Object.fromEntries(headers) };
    const request = transport.request(url, options);
    let isConnected = false;
    const abort = () => {
      if (!request.res?.complete) request.destroy();
      // A request that still waits for its agent emits no error.
      reject(isConnected ? new Error('aborted') : Object.assign(new Error('no connection'), { code: 'ERR_NOT_SENT' }));
    };
    // Not the `signal` option: it would close the connection when the core aborts a completed request.
    signal.addEventListener('abort', abort);
    unsent.add(abort);
    const connected = () => {
      isConnected = true;
      unsent.delete(abort);
    };
    request
      .on('socket', (socket) => onceConnected(socket, connected))
      .on('response', (message) => resolve(new Response(message)))
      // When several addresses failed, report the error of the first.
      .on('error', (error) => reject(isConnected ? asConnectionReset(error) : (error.errors?.[0] ?? error)))
      // A response with status 101 closes the request without an error event.
      .on('close', () => {
        unsent.delete(abort);
        reject(connectionReset('the connection was closed without a response'));
      })
      .end(body);
  });
}

/** Calls `onConnected` when the socket can send a request. Destroys the socket if connecting times out. */
function onceConnected(socket, onConnected) {
  if (!socket.connecting && !socket.secureConnecting) return onConnected();
  const timeout = Object.assign(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`), { code: 'ERR_CONNECT_TIMEOUT' });
  const timer = setTimeout(() => socket.destroy(timeout), CONNECT_TIMEOUT_MS);
  const connectEvent = socket.encrypted ? 'secureConnect' : 'connect';
  socket.once(connectEvent, onConnected);
  for (const event of [connectEvent, 'close']) socket.once(event, () => clearTimeout(timer));
}

/** Errors after connecting are reported as ECONNRESET, since the request may have arrived. */
function asConnectionReset(error) {
  const looksUnsent = /^(ERR_SSL|ERR_TLS|EPROTO|EHOSTUNREACH|ENETUNREACH)/.test(error.code);
  return looksUnsent ? connectionReset(`the connection was lost (${error.code})`) : error;
}

const connectionReset = (message) => Object.assign(new Error(message), { code: 'ECONNRESET' });

/** The core finds these as globals, so they must be set before it is loaded. */
export const web = { fetch, Headers, Request, Response };
