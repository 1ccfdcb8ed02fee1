// The page checks the URL of a proxy in Rust, the action in JavaScript. The page is stricter: it also rejects the port 0, and
// hosts that nobody means, such as 1.2.3, a..b and http:///path.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor } from '../../js/network/proxy.js';
import { loadCore } from '../../site/core.js';

const API = new URL('https://api.example.com');
const VALID = 'valid';

const write = await loadCore();
const onPage = (proxy) => write({ proxy }).problems.find(({ field }) => field === 'proxy')?.message ?? VALID;

function inAction(proxy) {
  try {
    return proxyFor(API, { https_proxy: proxy }) ? VALID : 'not set';
  } catch (error) {
    return error.message;
  }
}

const SCHEMES = ['', 'http://', 'https://', 'HTTP://', 'socks://', 'socks4://', 'socks4a://', 'socks5://', 'socks5h://', 'ftp://', 'socks6://', '://'];
const HOSTS = ['proxy.example.com', 'squid_proxy', 'localhost', '10.0.0.1', '[::1]', '1.2.3', '256.1.1.1', '[::g]', '::1', 'a..b', 'a b', ''];
const PORTS = ['', ':3128', ':0', ':65535', ':65536', ':x', ':-1'];
const ENDS = ['', '/', '//', '/path', '?query', '#hash'];

const urls = SCHEMES.flatMap((scheme) => HOSTS.flatMap((host) => PORTS.flatMap((port) => ENDS.map((end) => `${scheme}${host}${port}${end}`))));

test('the page accepts only proxy URLs that the action accepts', () => {
  const accepted = urls.filter((url) => url && onPage(url) === VALID);
  assert.ok(accepted.length > 100, `${accepted.length} of ${urls.length} URLs`);
  assert.deepEqual(accepted.map(inAction).filter((result) => result !== VALID), []);
});

const NOT_MEANT = /:0\/?$|256\.1|1\.2\.3|a\.\.b|^(http:\/\/|https:\/\/)?\/path$/i;

test('the page rejects only proxy URLs that no proxy has', () => {
  const rejected = urls.filter((url) => url && inAction(url) === VALID && onPage(url) !== VALID);
  assert.deepEqual(rejected.filter((url) => !NOT_MEANT.test(url)), []);
});
