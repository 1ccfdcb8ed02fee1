// `fetch` on node:http: as much of the standard as the core asks for. Node's own is slower than all the rest of a login
// together, and so are the libraries that stand in for it: docs/performance.md has the figures.
//
// Redirects are never followed, and names of headers are lower-case, as node:http has them.

class Headers extends Map {}

class Request {
  constructor(url, { method = 'GET', headers = new Headers(), body, signal } = {}) {
    Object.assign(this, { url, method, headers, body, signal });
  }
}

class Response {
  constructor(message) {
    // What breaks off is told to the reader; without this a break before anyone reads would end the process.
    message.on('error', () => {});
    this.status = message.statusCode;
    this.headers = new Headers(Object.entries(message.headers));
    this.body = { getReader: () => new Reader(message) };
  }
}

/** Gives the chunks of a body. By its events, since an async iterator takes 2 ms to set up. */
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
      if (this.#message.destroyed) throw broken(this.#message.errored ?? new Error('aborted'));
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }
}

const AGENT = {
  keepAlive: true,
  // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: there is no switch that turns this off.
  rejectUnauthorized: true,
};
const PROXY_VARIABLE = /^(https?|all)_proxy$/i;
/** A host that takes no connection for so long is not there; nothing was sent to it. */
const CONNECT_TIMEOUT_MS = 10_000;

const agents = new Map();
let ca;

// By `require`, since `import()` reads every export of a module, and one of http's loads Node's own fetch; and only once
// asked for: a refused input needs none of these.
const http = () => require('node:http');
const https = () => require('node:https');
const network = () => require('./network.cjs');

/** Trusts, from now on, the certificates in a PEM text or file, too; returns them. Throws where there are none. */
export function trust(text) {
  const { certificates, trusted } = network();
  const pem = certificates(text);
  ca = trusted(pem, process.env);
  return pem;
}

/** The agent that keeps the connections to an origin. */
function agentFor(url, { Agent }) {
  const { env } = process;
  if (!agents.has(url.origin)) {
    const isPlain = !ca && !Object.keys(env).some((name) => PROXY_VARIABLE.test(name) && env[name]);
    const given = isPlain ? undefined : network().agentFor(url, { env, ca, options: AGENT, connectTimeoutMs: CONNECT_TIMEOUT_MS });
    agents.set(url.origin, given ?? new Agent(AGENT));
  }
  return agents.get(url.origin);
}

function fetch({ url: address, method, headers, body, signal }) {
  return new Promise((resolve, reject) => {
    const url = new URL(address);
    const transport = url.protocol === 'https:' ? https() : http();
    // Options of TLS go with the request, too: behind a proxy it is there that they count.
    const options = { ...AGENT, ca, agent: agentFor(url, transport), method, headers: Object.fromEntries(headers) };
    const call = transport.request(url, options);
    // Not as an option: the core aborts what it is done with, and then the connection is still good.
    signal.addEventListener('abort', () => {
      if (!call.res?.complete) call.destroy();
      // A call that still waits for its agent ends without a word.
      reject(new Error('aborted'));
    });
    let isConnected = false;
    call
      .on('socket', (socket) => whenConnected(socket, () => (isConnected = true)))
      .on('response', (message) => resolve(new Response(message)))
      // Of all addresses that were tried in vain, the first says enough.
      .on('error', (error) => reject(isConnected ? broken(error) : (error.errors?.[0] ?? error)))
      // A server that changes the protocol (101) ends a call without a word, too.
      .on('close', () => reject(Object.assign(new Error('the connection was closed without a reply'), { code: 'ECONNRESET' })))
      .end(body);
  });
}

function whenConnected(socket, connected) {
  if (!socket.connecting && !socket.secureConnecting) return connected();
  const late = Object.assign(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`), { code: 'ERR_CONNECT_TIMEOUT' });
  const timer = setTimeout(() => socket.destroy(late), CONNECT_TIMEOUT_MS);
  const event = socket.encrypted ? 'secureConnect' : 'connect';
  socket.once(event, connected);
  for (const over of [event, 'close']) socket.once(over, () => clearTimeout(timer));
}

/** What befalls a connection that stood must not look like one that never did: the request may have arrived. */
function broken(error) {
  if (!/^(ERR_SSL|ERR_TLS|EPROTO|EHOSTUNREACH|ENETUNREACH)/.test(error.code)) return error;
  return Object.assign(new Error(`the connection broke (${error.code})`), { code: 'ECONNRESET' });
}

/** To be set as globals before the core loads: it finds them there. */
export const web = { fetch, Headers, Request, Response };
