// The network between runner and Reoclo where it is not plain: proxies and private CAs. A bundle of its own, loaded
// only where the environment names a proxy or the step a CA: nobody else pays for it.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent as HttpsAgent } from 'node:https';
import * as tls from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { proxyFor, ProxyError } from './proxy.js';

/** What post has to keep of it travels in an environment variable, of which Linux takes 128 KiB. */
const CA_LIMIT_BYTES = 64 * 1024;

/**
 * The agent that leads to a URL; `undefined` where nothing but the connection itself is needed.
 *
 * @param {URL} url
 * @param {{ env: object, ca?: string[], options: object, connectTimeoutMs: number }} given `options` are those of every agent
 */
export function agentFor(url, { env, ca, options, connectTimeoutMs }) {
  const proxy = proxyFor(url, env);
  const trusting = ca ? { ...options, ca } : options;
  if (!proxy) return url.protocol === 'https:' && ca ? new HttpsAgent(trusting) : undefined;
  if (proxy.url.protocol.startsWith('socks')) return new (through(SocksProxyAgent, proxy, connectTimeoutMs))(proxy.url, trusting);
  const Agent = url.protocol === 'https:' ? HttpsProxyAgent : HttpProxyAgent;
  return new (through(Agent, proxy, connectTimeoutMs))(proxy.url, trusting);
}

/** An agent whose failures on the way to and through a proxy name the proxy. */
const through = (Agent, proxy, connectTimeoutMs) =>
  class extends Agent {
    async connect(request, options) {
      let reply;
      request.once('proxyConnect', (connect) => (reply = connect));
      // An address has no name for TLS to ask for, and the agents then verify the certificate against "localhost".
      const checkServerIdentity = (_, certificate) => tls.checkServerIdentity(options.host, certificate);
      const connecting = super.connect(request, { ...options, checkServerIdentity });
      const socket = await within(connectTimeoutMs, connecting).catch((error) => {
        throw failure(proxy, error.errors?.[0] ?? error);
      });
      // The agent would pass a refusal on as if the API had said it.
      const { statusCode = 200 } = reply ?? {};
      if (statusCode === 200) return socket;
      socket.destroy();
      if (!Number.isInteger(statusCode)) throw new ProxyError(proxy, NOT_HTTP);
      throw new ProxyError(proxy, `answered ${statusCode}`, statusCode < 500 ? 'ERR_PROXY_REFUSED' : undefined);
    }
  };

const NOT_HTTP = 'gave an answer that is not HTTP';

/** What a connection failed of. A proxy's own words are left out: one that repeats the request repeats the password. */
function failure(proxy, { code = '', message }) {
  if (message.startsWith('Invalid header from proxy')) return new ProxyError(proxy, NOT_HTTP);
  const isFinal = /CERT|SIGNATURE|ERR_TLS|ERR_SSL|EPROTO/.test(code) || /authentication|NotAllowed/i.test(message);
  return new ProxyError(proxy, `did not connect: ${message}`, isFinal ? 'ERR_PROXY_REFUSED' : undefined);
}

/** The socket of a connection that is being made, unless that takes too long. */
function within(ms, connecting) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // One that comes after all belongs to nobody, and nobody would hear of its errors.
      connecting.then((socket) => socket.on('error', () => {}).destroy(), () => {});
      reject(new Error(`no connection within ${ms / 1000} s`));
    }, ms);
    connecting.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * The certificates that the `ca_certificate` input names, ready to be trusted besides those that Node trusts anyway.
 *
 * @param {string} text PEM, or the path of a PEM file
 * @throws {Error} whose message ends the sentence "ca_certificate …"
 */
export function certificates(text) {
  const pem = text.includes('-----BEGIN') ? text : readPem(text);
  if (pem.includes('PRIVATE KEY-----')) throw new Error('holds a private key: give the CA certificate alone');
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g);
  if (!found) throw new Error('holds no PEM certificate: it begins with -----BEGIN CERTIFICATE----- and has several lines');
  for (const certificate of found) {
    try {
      new X509Certificate(certificate);
    } catch {
      throw new Error('holds a PEM certificate that cannot be read: copy it whole, with its line breaks');
    }
  }
  const certificates = `${found.join('\n')}\n`;
  if (certificates.length > CA_LIMIT_BYTES) {
    throw new Error('holds more than 64 KiB of certificates: give your own CA alone, public ones are trusted anyway');
  }
  return certificates;
}

function readPem(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch ({ code }) {
    throw new Error(`is neither PEM text nor a file that can be read (${code}): give the certificate or its path`);
  }
}

/** All that is to be trusted when a CA is added: Node's option replaces what it trusts otherwise. */
export function trusted(certificates, env) {
  const known = tls.getCACertificates?.('default') ?? [...tls.rootCertificates, ...extra(env)];
  return [...known, certificates];
}

/** On Node 20, which cannot tell. A file that Node itself could not read, it has warned of. */
function extra({ NODE_EXTRA_CA_CERTS: path }) {
  try {
    return path ? [readFileSync(path, 'latin1')] : [];
  } catch {
    return [];
  }
}
