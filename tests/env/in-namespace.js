// Runs the action in a network and mount namespace of its own, with name servers, hosts file and resolv.conf of a row.
//
// Usage: unshare -nm bash -c 'mounts; exec node in-namespace.js ROW'; see dns.test.js. ROW is JSON:
//   servers   for each of 127.0.0.2, 127.0.0.3 and 127.0.0.4: `ok`, `silent`, `slow` or `unknown`
//   host      of api_url; `names` are those that the name servers know
//   inputs, env, sigintAfterMs of main
//   state     for post instead of main, `API` in it is the URL
// Prints JSON: main, post, and how many requests the API has received.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createScriptedEnv } from './scripted-env.js';
import { UNDER_CONDITIONS } from './test-env.js';

const SLOW_MS = 5_000;
const HEADER_BYTES = 12;
const TYPE_A = 1;
const NO_SUCH_NAME = 3;

const row = JSON.parse(process.argv[2]);

/** The question of a DNS message: https://datatracker.ietf.org/doc/html/rfc1035#section-4.1.2. */
function questionOf(message) {
  const labels = [];
  let at = HEADER_BYTES;
  while (message[at] !== 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]));
    at += message[at] + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** 127.0.0.1 for known names; no record for other types, NXDOMAIN for other names. */
function answer(message, isKnown) {
  const { type, end } = questionOf(message);
  const header = Buffer.from(message.subarray(0, HEADER_BYTES));
  const found = isKnown && type === TYPE_A;
  header.set([0x81, 0x80 | (isKnown ? 0 : NO_SUCH_NAME), 0, 1, 0, found ? 1 : 0, 0, 0, 0, 0], 2);
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
  return Buffer.concat([header, message.subarray(HEADER_BYTES, end), ...(found ? [record] : [])]);
}

async function startNameServer(address, kind) {
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address: to }) => {
    if (kind === 'silent') return;
    const isKnown = kind !== 'unknown' && row.names.includes(questionOf(message).name);
    setTimeout(() => socket.send(answer(message, isKnown), port, to), kind === 'slow' ? SLOW_MS : 0);
  });
  socket.bind(53, address);
  await once(socket, 'listening');
}

for (const [i, kind] of row.servers.entries()) await startNameServer(`127.0.0.${i + 2}`, kind);
const { testEnv, api } = await createScriptedEnv();
try {
  const url = api.url.replace('127.0.0.1', row.host);
  const inputs = testEnv.inputs[row.mode ?? 'passthrough']({ api_url: url, ...row.inputs });
  const options = { inputs, env: row.env, nodeArgs: row.env && UNDER_CONDITIONS };
  const result = {};
  if (row.login) {
    const state = { api_url: url, login_1: `${testEnv.server.id} ${row.login}` };
    result.post = await testEnv.run('post', { ...options, state });
  } else {
    const step = testEnv.start('main', options);
    let signalledAt;
    if (row.sigintAfterMs) {
      setTimeout(() => {
        signalledAt = performance.now();
        step.child.kill('SIGINT');
      }, row.sigintAfterMs);
    }
    result.main = await step.done;
    if (signalledAt) result.afterSignalMs = performance.now() - signalledAt;
    result.post = await testEnv.runPost(result.main);
  }
  const { main, post } = result;
  const shown = (step) => step && { code: step.code, durationMs: step.durationMs, log: step.log, annotations: step.annotations, saved: step.saved };
  process.stdout.write(JSON.stringify({ ...result, main: shown(main), post: shown(post), requests: api.requests.length }));
} finally {
  await testEnv.close();
}
process.exit();
