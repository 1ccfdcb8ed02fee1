// Selects the proxy for a URL from the environment variables that curl uses: https://everything.curl.dev/usingcurl/proxies/env.html
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Ports of proxies whose URL has none, as in curl. */
const DEFAULT_PORT = 1080;
const DEFAULT_PORT_OF_HTTPS = 443;
const PROTOCOLS = ['http:', 'https:', 'socks:', 'socks4:', 'socks4a:', 'socks5:', 'socks5h:'];

/** An error of the proxy itself. The message never contains the username or the password. */
export class ProxyError extends Error {
  constructor({ name, url }, failure, code = 'ERR_PROXY') {
    super(`the proxy ${url.host} (from ${name}) ${failure}`);
    this.code = code;
  }
}

/**
 * @param {URL} url
 * @param {Record<string, string | undefined>} env
 * @returns {{ name: string, url: URL } | undefined} the proxy URL and the name of its variable
 */
export function proxyFor(url, env) {
  const scheme = url.protocol.slice(0, -1);
  const proxy = readVariable(env, `${scheme}_proxy`) ?? readVariable(env, 'all_proxy');
  if (!proxy || isDirect(url, readVariable(env, 'no_proxy')?.value ?? '')) return undefined;
  return { name: proxy.name, url: parse(proxy) };
}

/** Lower case takes precedence over upper case. An empty variable counts as not set. */
function readVariable(env, lowerName) {
  const name = [lowerName, lowerName.toUpperCase()].find((name) => env[name]);
  return name && { name, value: env[name].trim() };
}

function parse({ name, value }) {
  const text = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !PROTOCOLS.includes(url.protocol) || !url.hostname || !endsAfterPort(url) || !isDecodable(url)) {
    // Never show the value: it may contain a password.
    const examples = 'such as http://proxy.example.com:3128 or socks5h://127.0.0.1:1080; in a password, write / # ? and % as %2F %23 %3F and %25';
    const error = new Error(`${name} is not a valid proxy URL (${examples})`);
    throw Object.assign(error, { code: 'ERR_PROXY_INVALID' });
  }
  const hasPort = /:\d+\/?$/.test(text);
  if (!hasPort) url.port = url.protocol === 'https:' ? DEFAULT_PORT_OF_HTTPS : DEFAULT_PORT;
  return url;
}

/** Text after the port is not part of a proxy URL; it is usually the rest of a password that was not encoded. */
function endsAfterPort({ pathname, search, hash }) {
  return pathname.length <= 1 && !search && !hash;
}

function isDecodable({ username, password }) {
  try {
    return Boolean(decodeURIComponent(`${username}:${password}`));
  } catch {
    return false;
  }
}

/** Whether a list such as `localhost,.example.com,10.0.0.0/8,[::1]:8443` exempts a URL. */
function isDirect(url, list) {
  const host = normalizeHost(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => entry === '*' || matchesEntry(entry.toLowerCase(), host, port));
}

function matchesEntry(entry, host, port) {
  if (entry.includes('/')) return isInNetwork(entry, host);
  const [, name, entryPort] = isIPv6(entry) ? [entry, entry] : (/^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [entry, entry]);
  if (entryPort && entryPort !== port) return false;
  const suffix = normalizeHost(name).replace(/^\./, '');
  return suffix !== '' && (host === suffix || (!isIP(host) && host.endsWith(`.${suffix}`)));
}

/** CIDR notation, as in 192.168.0.0/16. */
function isInNetwork(entry, host) {
  const [address, bits] = entry.split('/');
  const [family, hostFamily] = [isIP(normalizeHost(address)), isIP(host)];
  const maxBits = family === 4 ? 32 : 128;
  if (!family || family !== hostFamily || !/^\d+$/.test(bits) || Number(bits) > maxBits) return false;
  const network = new BlockList();
  network.addSubnet(normalizeHost(address), Number(bits), `ipv${family}`);
  return network.check(host, `ipv${family}`);
}

/** Removes a trailing dot, and the brackets and zone of an IPv6 address; shortens IPv6 addresses to their canonical form. */
function normalizeHost(host) {
  const name = host.replace(/^\[|\]$/g, '').replace(/%.*$|\.$/, '');
  return isIPv6(name) ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name;
}
