// Proxies and private CAs. A separate bundle, loaded only if the environment sets a proxy or the step sets a CA, so that
// other steps do not load it.
import { X509Certificate } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { Agent as HttpsAgent } from 'node:https';
import * as tls from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { proxyFor, ProxyError } from './proxy.js';

/** A file of CA certificates with comments; the bundles of systems have 200 KB. */
const MAX_PEM_FILE_BYTES = 1024 * 1024;
/** The certificates reach the post step in an environment variable, which Linux limits to 128 KiB. */
const MAX_CA_BYTES = 64 * 1024;

/**
 * The agent for a URL, or `undefined` if it needs neither a proxy nor a private CA.
 *
 * @param {URL} url
 * @param {{ env: object, ca?: string[], options: object, connectTimeoutMs: number }} settings `options` apply to every agent
 */
export function agentFor(url, { env, ca, options, connectTimeoutMs }) {
  const proxy = proxyFor(url, env);
  const agentOptions = ca ? { ...options, ca } : options;
  if (!proxy) return url.protocol === 'https:' && ca ? new HttpsAgent(agentOptions) : undefined;
  if (proxy.url.protocol.startsWith('socks')) return new (proxied(SocksProxyAgent, proxy, connectTimeoutMs))(proxy.url, agentOptions);
  const Agent = url.protocol === 'https:' ? HttpsProxyAgent : HttpProxyAgent;
  return new (proxied(Agent, proxy, connectTimeoutMs))(proxy.url, agentOptions);
}

/** An agent class whose connection errors name the proxy. */
const proxied = (Agent, proxy, connectTimeoutMs) =>
  class extends Agent {
    async connect(request, options) {
      let response;
      request.once('proxyConnect', (connect) => (response = connect));
      // For an IP address there is no TLS server name, and the agents would verify the certificate against "localhost".
      const checkServerIdentity = (_, certificate) => tls.checkServerIdentity(options.host, certificate);
      const connecting = super.connect(request, { ...options, checkServerIdentity });
      const socket = await withTimeout(connectTimeoutMs, connecting).catch((error) => {
        throw connectError(proxy, error.errors?.[0] ?? error);
      });
      // The agent would return an error response of the proxy as a response of the API.
      const { statusCode = 200 } = response ?? {};
      if (statusCode === 200) return socket;
      socket.destroy();
      if (!Number.isInteger(statusCode)) throw new ProxyError(proxy, INVALID_RESPONSE);
      throw new ProxyError(proxy, `returned HTTP ${statusCode}`, statusCode < 500 ? 'ERR_PROXY_REFUSED' : undefined);
    }
  };

const INVALID_RESPONSE = 'returned an invalid HTTP response';

/** The error of a failed connection. Never shows the proxy's response: it could repeat the request with the password. */
function connectError(proxy, { code = '', message }) {
  if (message.startsWith('Invalid header from proxy')) return new ProxyError(proxy, INVALID_RESPONSE);
  const isFinal = /CERT|SIGNATURE|ERR_TLS|ERR_SSL|EPROTO/.test(code) || /authentication|NotAllowed/i.test(message);
  return new ProxyError(proxy, `could not connect: ${message}`, isFinal ? 'ERR_PROXY_REFUSED' : undefined);
}

/** Resolves to the socket, or rejects if connecting takes longer than `ms`. */
function withTimeout(ms, connecting) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // Close a socket that connects later; without a listener its errors would end the process.
      connecting.then((socket) => socket.on('error', () => {}).destroy(), () => {});
      reject(new Error(`no connection within ${ms / 1000} s`));
    }, ms);
    connecting.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * Reads and checks the certificates of the `ca_certificate` input.
 *
 * @param {string} pemOrPath PEM text, or the path of a PEM file
 * @returns {string} the certificates, as PEM text
 * @throws {Error} if they are not valid; its message completes the sentence "ca_certificate …"
 */
export function readCertificates(pemOrPath) {
  const pem = pemOrPath.includes('-----BEGIN') ? pemOrPath : readPem(pemOrPath);
  if (pem.includes('PRIVATE KEY-----')) throw new Error('contains a private key: set it to the CA certificate only');
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g);
  if (!found) throw new Error('contains no PEM certificate: it starts with -----BEGIN CERTIFICATE----- and has several lines');
  for (const certificate of found) {
    try {
      new X509Certificate(certificate);
    } catch {
      throw new Error('contains an invalid PEM certificate: copy it completely, with its line breaks');
    }
  }
  const certificates = `${found.join('\n')}\n`;
  if (certificates.length > MAX_CA_BYTES) {
    throw new Error('contains more than 64 KiB of certificates: set it to your own CA only; public CAs are already trusted');
  }
  return certificates;
}

function readPem(path) {
  try {
    return readRegularFile(path);
  } catch ({ code }) {
    throw new Error(`is neither PEM text nor a readable file (${code}): set it to the certificate or its path`);
  }
}

/** Reads a file without waiting: a FIFO or device could block for ever. */
function readRegularFile(path) {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(file);
    const reject = (code) => {
      throw Object.assign(new Error(code), { code });
    };
    if (!stats.isFile()) reject('not a regular file');
    // Not the size in `stats`: files in /proc have none, and some of them never end.
    const bytes = Buffer.alloc(MAX_PEM_FILE_BYTES + 4096);
    let length = 0;
    for (let read = 1; read > 0 && length <= MAX_PEM_FILE_BYTES; length += read) read = readSync(file, bytes, length, bytes.length - length, null);
    if (length > MAX_PEM_FILE_BYTES) reject('larger than 1 MiB');
    return bytes.latin1Slice(0, length);
  } finally {
    closeSync(file);
  }
}

/** The default CAs and these certificates: Node's `ca` option replaces its default CAs. */
export function withDefaultCAs(certificates, env) {
  const defaults = tls.getCACertificates?.('default') ?? [...tls.rootCertificates, ...extraCAs(env)];
  return [...defaults, certificates];
}

/** For Node 20, which has no `getCACertificates`. Node itself has already warned of a file that it could not read. */
function extraCAs({ NODE_EXTRA_CA_CERTS: path }) {
  try {
    return path ? [readFileSync(path, 'latin1')] : [];
  } catch {
    return [];
  }
}
