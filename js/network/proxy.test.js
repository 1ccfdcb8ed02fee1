import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor } from './proxy.js';

const proxy = (url, env) => proxyFor(new URL(url), env)?.url.href;

/** Asserts for each pair of URL and `no_proxy` whether the proxy is bypassed. */
function assertDirect(expected, rows) {
  for (const [url, no_proxy] of rows) {
    const isDirect = proxyFor(new URL(url), { all_proxy: 'p', no_proxy }) === undefined;
    assert.equal(isDirect, expected, `${url} ${no_proxy}`);
  }
}

test('scheme variables precede all_proxy, lower case precedes upper', () => {
  const env = { https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:1', HTTP_PROXY: 'http://c:1', all_proxy: '', ALL_PROXY: 'http://d:1' };
  assert.equal(proxy('https://x', env), 'http://a:1/');
  assert.equal(proxy('https://x', { ...env, https_proxy: '' }), 'http://b:1/');
  assert.equal(proxy('http://x', env), 'http://c:1/');
  assert.equal(proxy('http://x', { ALL_PROXY: env.ALL_PROXY }), 'http://d:1/');
  assert.equal(proxy('https://x', { HTTP_PROXY: 'http://c:1' }), undefined);
});

test('scheme and port default as in curl', () => {
  assert.equal(proxy('https://x', { https_proxy: 'proxy:3128' }), 'http://proxy:3128/');
  assert.equal(proxy('https://x', { https_proxy: 'proxy' }), 'http://proxy:1080/');
  assert.equal(proxy('https://x', { https_proxy: 'http://u:p@proxy:80/' }), 'http://u:p@proxy/');
  assert.equal(proxy('https://x', { https_proxy: 'https://proxy' }), 'https://proxy/');
  assert.equal(proxy('https://x', { https_proxy: 'socks5h://[::1]' }), 'socks5h://[::1]:1080');
});

test('no_proxy matches a host and its subdomains', () => {
  assertDirect(true, [
    ['https://api.example.com', 'example.com'],
    ['https://api.example.com', '.example.com'],
    ['https://example.com', '.example.com'],
    ['https://API.example.com.', 'Example.COM.'],
    ['https://api.example.com', 'x,  api.example.com'],
    ['https://api.example.com', '*'],
  ]);
  assertDirect(false, [
    ['https://badexample.com', 'example.com'],
    ['https://example.com', 'api.example.com'],
    ['https://example.com', ''],
    ['https://example.com', '.'],
    ['https://example.com', '*.example.com'],
  ]);
});

test('no_proxy matches ports, addresses and networks', () => {
  assertDirect(true, [
    ['https://a.b', 'a.b:443'],
    ['http://a.b', 'a.b:80'],
    ['https://a.b:8443', 'b:8443'],
    ['https://10.1.2.3', '10.1.2.3'],
    ['https://10.1.2.3', '10.0.0.0/8'],
    ['https://[::1]:4', '::1'],
    ['https://[::1]:4', '[::1]'],
    ['https://[::1]:4', '[::1]:4'],
    ['https://[::1]', '0:0::1'],
    ['https://[fd00::1]', 'fd00::/8'],
    ['https://[fe80::1]', 'localhost,fe80::1%lo0'],
  ]);
  assertDirect(false, [
    ['https://a.b', 'a.b:8443'],
    ['https://110.1.2.3', '10.1.2.3'],
    ['https://10.1.2.3', '2.3'],
    ['https://11.1.2.3', '10.0.0.0/8'],
    ['https://10.1.2.3', '10.0.0.0/99'],
    ['https://10.1.2.3', '10.0.0.0/'],
    ['https://[::1]:4', '[::1]:5'],
    ['https://[::1]', '127.0.0.0/8'],
  ]);
});

test('rejects invalid proxy URLs without showing them', () => {
  for (const value of [
    'ftp://u:hunter22@p',
    'http://',
    'http://u:hunter22@a b',
    'http://u:hunter22@p:99999',
    'http://u:12345/hunter22@p:3128',
    'http://u:12345#hunter22@p:3128',
    'http://p:3128/hunter22',
    'http://u:hunter22%@p:3128',
  ]) {
    assert.throws(
      () => proxyFor(new URL('https://x'), { https_proxy: value }),
      ({ code, message }) => code === 'ERR_PROXY_INVALID' && message.startsWith('https_proxy is not a valid proxy URL') && !message.includes('hunter22'),
      value,
    );
  }
});
