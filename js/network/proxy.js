// Which proxy leads to a URL, by the environment variables that curl knows: https://everything.curl.dev/usingcurl/proxies/env.html
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Ports where the variable names none, as curl has them. */
const DEFAULT_PORT = 1080;
const DEFAULT_PORT_OF_HTTPS = 443;
const PROTOCOLS = ['http:', 'https:', 'socks:', 'socks4:', 'socks4a:', 'socks5:', 'socks5h:'];

/** A failure of the proxy and not of what is behind it. Its message shows neither user nor password. */
export class ProxyError extends Error {
  constructor({ name, url }, what, code = 'ERR_PROXY') {
    super(`the proxy ${url.host} that ${name} names ${what}`);
    this.code = code;
  }
}

/**
 * @param {URL} url
 * @param {Record<string, string | undefined>} env
 * @returns {{ name: string, url: URL } | undefined} the proxy and the variable that names it
 */
export function proxyFor(url, env) {
  const scheme = url.protocol.slice(0, -1);
  const proxy = variable(env, `${scheme}_proxy`) ?? variable(env, 'all_proxy');
  if (!proxy || isDirect(url, variable(env, 'no_proxy')?.value ?? '')) return undefined;
  return { name: proxy.name, url: parse(proxy) };
}

/** Lower case goes before upper case, and what is empty is not set. */
function variable(env, lower) {
  const name = [lower, lower.toUpperCase()].find((name) => env[name]);
  return name && { name, value: env[name].trim() };
}

function parse({ name, value }) {
  const text = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !PROTOCOLS.includes(url.protocol) || !url.hostname || !hasNothingBehind(url) || !isDecodable(url)) {
    // The value is not shown: it may hold a password.
    const example = 'such as http://proxy.example.com:3128 or socks5h://127.0.0.1:1080; in a password, / # ? and % are written %2F %23 %3F and %25';
    const error = new Error(`${name} is not the URL of a proxy, ${example}`);
    throw Object.assign(error, { code: 'ERR_PROXY_INVALID' });
  }
  const hasPort = /:\d+\/?$/.test(text);
  if (!hasPort) url.port = url.protocol === 'https:' ? DEFAULT_PORT_OF_HTTPS : DEFAULT_PORT;
  return url;
}

/** What stands behind the port is no part of a proxy; mostly it is the rest of a password that was not encoded. */
function hasNothingBehind({ pathname, search, hash }) {
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
  const host = bare(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => entry === '*' || matches(entry.toLowerCase(), host, port));
}

function matches(entry, host, port) {
  if (entry.includes('/')) return isInNetwork(entry, host);
  const [, name, itsPort] = isIPv6(entry) ? [entry, entry] : (/^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [entry, entry]);
  if (itsPort && itsPort !== port) return false;
  const suffix = bare(name).replace(/^\./, '');
  return suffix !== '' && (host === suffix || (!isIP(host) && host.endsWith(`.${suffix}`)));
}

/** CIDR notation, as in 192.168.0.0/16. */
function isInNetwork(entry, host) {
  const [address, bits] = entry.split('/');
  const [family, hostFamily] = [isIP(bare(address)), isIP(host)];
  const most = family === 4 ? 32 : 128;
  if (!family || family !== hostFamily || !/^\d+$/.test(bits) || Number(bits) > most) return false;
  const network = new BlockList();
  network.addSubnet(bare(address), Number(bits), `ipv${family}`);
  return network.check(host, `ipv${family}`);
}

/** Without the brackets and the zone of an IPv6 address, and without the dot that ends a full name; IPv6 in its one shortest form. */
function bare(host) {
  const name = host.replace(/^\[|\]$/g, '').replace(/%.*$|\.$/, '');
  return isIPv6(name) ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name;
}
