// A login request that never had a connection cannot have logged in: post has nothing to log out and says nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createScriptedEnv } from '../../env/scripted-env.js';
import { printed } from '../../env/fleet.js';
import { LOG, TITLES } from '../../env/messages.js';
import { BUSY_MS, startChild } from '../../support/child.js';
import { serveConnections } from '../../support/serve.js';

// Listens, and never accepts: the kernel takes a few connections and then drops all others.
const BUSY_HOST = `
  const server = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
const FILL = 8;

async function startBusyHost() {
  const { child, ended } = startChild(process.execPath, ['-e', BUSY_HOST]);
  const [port] = await once(child.stdout, 'data');
  const sockets = Array.from({ length: FILL }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
  await once(sockets[0], 'connect');
  const stop = async () => {
    sockets.forEach((socket) => socket.destroy());
    child.kill('SIGKILL');
    await ended;
  };
  return { host: `127.0.0.1:${port}`, stop };
}

/** Accepts connections, reads them and never sends anything. */
const startSilentHost = () => serveConnections((socket) => socket.resume());

// `start` resolves to the host; `to` makes inputs and environment of it.
const HOSTS = [
  { name: 'a host that takes no connection', start: startBusyHost, to: (host) => [{ api_url: `http://${host}` }, {}] },
  { name: 'a host that ends no TLS handshake', start: startSilentHost, to: (host) => [{ api_url: `https://${host}` }, {}] },
  { name: 'a proxy that takes no connection', start: startBusyHost, to: (host) => [{ api_url: 'https://api.reoclo.invalid' }, { https_proxy: `http://${host}` }] },
  { name: 'a proxy that never answers CONNECT', start: startSilentHost, to: (host) => [{ api_url: 'https://api.reoclo.invalid' }, { https_proxy: `http://${host}` }] },
  { name: 'a silent SOCKS proxy', start: startSilentHost, to: (host) => [{ api_url: 'http://192.0.2.1' }, { all_proxy: `socks5://${host}` }] },
];
const ENDS = [
  { how: 'timeout', title: TITLES.timedOut, timeout: '2' },
  { how: 'SIGINT', title: TITLES.cancelled, timeout: '600' },
];


describe('a login that was never sent', { concurrency: 4 }, () => {
  let testEnv;
  before(async () => ({ testEnv } = await createScriptedEnv()));
  after(() => testEnv.close());

  for (const { name, start, to } of HOSTS) {
    for (const { how, title, timeout } of ENDS) {
      for (const mode of ['vault', 'passthrough']) {
        const row = `${how} with ${name} (${mode})`;
        test(row, async (t) => {
          const { host, stop } = await start();
          t.after(stop);
          const [given, env] = to(host);
          const step = testEnv.start('main', { inputs: testEnv.inputs[mode]({ timeout, ...given }), env });
          let limit = 2_000;
          let at = performance.now();
          if (how === 'SIGINT') {
            await printed(step, LOG.start);
            await new Promise((resolve) => setTimeout(resolve, 500));
            at = performance.now();
            limit = 0;
            step.child.kill('SIGINT');
          }
          const main = await step.done;
          const took = performance.now() - at;
          assert.deepEqual(main.annotations.filter(({ level }) => level === 'error').map((error) => error.title), [title], main.stdout);
          assert.ok(took < limit + BUSY_MS, `ended after ${took} ms`);
          assert.deepEqual(main.saved.filter(({ needsLogout }) => needsLogout), [], 'needs a logout');

          const post = await testEnv.runPost(main);
          assert.deepEqual([post.code, post.annotations, post.log], [0, [], [LOG.noLogins]]);
        });
      }
    }
  }
});
