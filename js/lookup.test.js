// The lookup of addresses that need none. tests/e2e/hostile/dns.test.js has the names.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { lookup } from './lookup.js';

// The bundle is a CommonJS script. These lookups need neither a resolver nor a process.
const load = createRequire(import.meta.url);
globalThis.require = (name) => (name === 'node:net' ? load(name) : assert.fail(`loads ${name}`));

for (const [address, family] of [['127.0.0.1', 4], ['203.0.113.7', 4], ['::1', 6], ['2001:db8::1', 6]]) {
  test(`${address} is its own address`, async () => {
    const all = await new Promise((resolve, reject) => lookup(address, { all: true }, (error, found) => (error ? reject(error) : resolve(found))));
    assert.deepEqual(all, [{ address, family }]);
    assert.deepEqual(await new Promise((resolve) => lookup(address, {}, (...found) => resolve(found))), [null, address, family]);
  });
}
