// Responses that break HTTP: each ends with a login or with one error, within the timeout, without a crash and without a secret.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createScriptedEnv } from '../../env/scripted-env.js';
import { UNDER_CONDITIONS } from '../../env/test-env.js';
import { TITLES } from '../../env/messages.js';
import { ended, LOGIN_OPERATION, LOGOUT_OPERATION, REGISTRY } from '../../sandbox/scripted-api.js';
import { BUSY_MS } from '../../support/child.js';
import { serveConnections } from '../../support/serve.js';

const ACCEPTED = JSON.stringify({ operation_id: LOGIN_OPERATION, status: 'running', registry_url: REGISTRY, registry_type: 'generic' });
const FORGED = ACCEPTED.replace(REGISTRY, 'evil.example.com');
const head = (status, ...headers) => `HTTP/1.1 ${status}\r\n${['content-type: application/json', ...headers].join('\r\n')}\r\n\r\n`;
const reply = (body, status = '200 OK') => head(status, `content-length: ${Buffer.byteLength(body)}`) + body;
const chunked = (body) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const LOGIN_REPLY = reply(ACCEPTED, '202 Accepted');

const GOOD = {
  login: LOGIN_REPLY,
  status: reply(JSON.stringify(ended())),
  logout: reply(JSON.stringify({ operation_id: LOGOUT_OPERATION, status: 'completed' })),
};

/** Sends a text again and again until the client closes the connection. */
const endless = (start, more) => (socket) => {
  socket.write(start);
  const send = () => {
    while (!socket.destroyed && socket.write(more));
    if (!socket.destroyed) socket.once('drain', send);
  };
  send();
};
const closing = (text) => (socket) => socket.end(text);

// What is sent as the first response to the login request, as text or by a function of the socket; or to the request in `to`.
// `ends` is `in` for a login, `fails` for an error, undefined for either.
const ROWS = [
  { name: 'a flood of 100 Continue', sends: endless('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)), always: true, ends: 'fails' },
  { name: 'a flood of 103 Early Hints', sends: endless('', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(100)), always: true, ends: 'fails' },
  { name: '100 Continue, then a login', sends: `HTTP/1.1 100 Continue\r\n\r\n${LOGIN_REPLY}`, ends: 'in' },
  { name: 'status 101', sends: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n' },
  { name: 'status 101 without upgrade', sends: 'HTTP/1.1 101 Switching Protocols\r\n\r\n' },
  { name: 'status 101 always', sends: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', always: true, ends: 'fails' },
  { name: 'two different lengths', sends: head('202 Accepted', `content-length: ${ACCEPTED.length}`, 'content-length: 5') + ACCEPTED },
  { name: 'a length list', sends: head('202 Accepted', `content-length: ${ACCEPTED.length}, ${ACCEPTED.length}`) + ACCEPTED },
  { name: 'a negative length', sends: head('202 Accepted', 'content-length: -1') + ACCEPTED },
  { name: 'a huge length', sends: closing(head('202 Accepted', 'content-length: 99999999999999999999') + ACCEPTED) },
  { name: 'a length in hexadecimal', sends: head('202 Accepted', 'content-length: 0x90') + ACCEPTED },
  { name: 'a length that is too long', sends: closing(head('202 Accepted', `content-length: ${ACCEPTED.length + 9}`) + ACCEPTED) },
  { name: 'a length that is too short', sends: head('202 Accepted', `content-length: ${ACCEPTED.length - 9}`) + ACCEPTED, always: true },
  { name: 'Transfer-Encoding and Content-Length', sends: head('202 Accepted', 'content-length: 5', 'transfer-encoding: chunked') + chunked(ACCEPTED) },
  { name: 'an unknown Transfer-Encoding', sends: closing(head('202 Accepted', 'transfer-encoding: xchunked') + ACCEPTED) },
  { name: 'a second response with another registry', sends: LOGIN_REPLY + reply(FORGED, '202 Accepted'), neverShows: 'evil' },
  { name: 'a second response that ends the operation', sends: LOGIN_REPLY + reply(JSON.stringify(ended({}, { server_name: 'evil' }))), neverShows: 'evil' },
  { name: 'a response to the status before it is requested', to: 'status', sends: GOOD.status + reply(JSON.stringify({ status: 'evil' })), neverShows: 'evil', ends: 'in' },
  { name: 'a connection that closes after the login', sends: closing(LOGIN_REPLY), ends: 'in' },
  { name: 'a connection half-closed after the login', sends: (socket) => socket.end(LOGIN_REPLY), ends: 'in' },
  { name: 'a reset right after the login', sends: (socket) => socket.write(LOGIN_REPLY, () => setTimeout(() => socket.resetAndDestroy(), 20)), ends: 'in' },
  { name: 'keep-alive of 0 s', sends: head('202 Accepted', 'connection: keep-alive', 'keep-alive: timeout=0', `content-length: ${ACCEPTED.length}`) + ACCEPTED, ends: 'in' },
  { name: 'keep-alive garbage', sends: head('202 Accepted', 'connection: keep-alive', 'keep-alive: timeout=99999999999999999', `content-length: ${ACCEPTED.length}`) + ACCEPTED, ends: 'in' },
  { name: 'a header of 20 KB', sends: head('202 Accepted', `x: ${'y'.repeat(20_000)}`, `content-length: ${ACCEPTED.length}`) + ACCEPTED },
  { name: '3,000 headers', sends: head('202 Accepted', ...Array.from({ length: 3_000 }, (_, i) => `x${i}: y`), `content-length: ${ACCEPTED.length}`) + ACCEPTED },
  { name: '2,000 short headers', sends: head('202 Accepted', ...Array.from({ length: 2_000 }, () => `x: y`), `content-length: ${ACCEPTED.length}`) + ACCEPTED },
  { name: 'endless headers', sends: endless('HTTP/1.1 202 Accepted\r\n', 'x: y\r\n'.repeat(1_000)), always: true, ends: 'fails' },
  { name: 'one endless header', sends: endless('HTTP/1.1 202 Accepted\r\nx: ', 'y'.repeat(10_000)), always: true, ends: 'fails' },
  { name: 'a header without a colon', sends: head('202 Accepted', 'nonsense', `content-length: ${ACCEPTED.length}`) + ACCEPTED },
  { name: 'a header with NUL', sends: head('202 Accepted', 'x: a\0b', `content-length: ${ACCEPTED.length}`) + ACCEPTED },
  { name: 'header names of Object.prototype', sends: head('202 Accepted', '__proto__: x', 'constructor: y', 'hasOwnProperty: z', `content-length: ${ACCEPTED.length}`) + ACCEPTED, ends: 'in' },
  { name: 'gzip that nobody asked for', sends: (socket) => socket.end(Buffer.concat([Buffer.from(head('202 Accepted', 'content-encoding: gzip')), gzipSync(ACCEPTED)])) },
  { name: 'a gzip bomb', sends: (socket) => socket.end(Buffer.concat([Buffer.from(head('202 Accepted', 'content-encoding: gzip')), gzipSync(Buffer.alloc(50_000_000))])) },
  { name: 'endless chunk extensions', sends: endless(`${head('202 Accepted', 'transfer-encoding: chunked')}5;x=`, 'y'.repeat(10_000)), always: true, ends: 'fails' },
  { name: 'endless chunks of one byte', sends: endless(head('202 Accepted', 'transfer-encoding: chunked'), '1\r\n \r\n'.repeat(1_000)), always: true, ends: 'fails' },
  { name: 'endless trailers', sends: endless(`${head('202 Accepted', 'transfer-encoding: chunked')}0\r\n`, 'x: y\r\n'.repeat(1_000)), always: true, ends: 'fails' },
  { name: 'a chunk size that is no number', sends: `${head('202 Accepted', 'transfer-encoding: chunked')}zz\r\n${ACCEPTED}\r\n0\r\n\r\n` },
  { name: 'a huge chunk size', sends: closing(`${head('202 Accepted', 'transfer-encoding: chunked')}ffffffffffffffffff\r\n${ACCEPTED}`) },
  { name: 'a status line of garbage', sends: closing('SSH-2.0-OpenSSH_9.2\r\n'), always: true, ends: 'fails' },
  { name: 'a status of 999', sends: reply(ACCEPTED, '999 Odd'), always: true, ends: 'fails' },
  { name: 'a status of 099', sends: closing('HTTP/1.1 099 Odd\r\n\r\n'), always: true, ends: 'fails' },
  { name: 'HTTP/0.9', sends: closing(ACCEPTED), always: true, ends: 'fails' },
  { name: 'HTTP/9.9', sends: closing(LOGIN_REPLY.replace('HTTP/1.1', 'HTTP/9.9')) },
  { name: 'HTTP/1.0 until the end of the connection', sends: closing(`HTTP/1.0 202 Accepted\r\n\r\n${ACCEPTED}`), ends: 'in' },
  { name: 'line feeds only', sends: closing(LOGIN_REPLY.replaceAll('\r\n', '\n')) },
  { name: 'a redirect to itself with a fragment of commands', sends: 'HTTP/1.1 307 X\r\nlocation: /::error::evil%0A::add-mask::x\r\ncontent-length: 0\r\n\r\n', always: true, ends: 'fails' },
  { name: 'a reason phrase with commands', sends: closing('HTTP/1.1 500 ::error::evil\r\ncontent-length: 0\r\n\r\n') },
  { name: 'status 204 with a body', sends: 'HTTP/1.1 204 No Content\r\n\r\n' + ACCEPTED },
  { name: 'a login response in UTF-16', sends: (socket) => socket.end(Buffer.concat([Buffer.from(head('202 Accepted')), Buffer.from(`\ufeff${ACCEPTED}`, 'utf16le')])) },
  { name: 'JSON of a million brackets', sends: closing(head('202 Accepted') + '['.repeat(1_000_000)), always: true, ends: 'fails' },
  { name: 'a status response of a million brackets', to: 'status', sends: closing(head('200 OK') + '{"result":'.repeat(100_000)), always: true, ends: 'fails' },
];

const TIMEOUT_S = 4;
const MAIN_MS = TIMEOUT_S * 1000 + BUSY_MS;

/** An API on raw sockets: reads requests, and sends what the row says to the first of its kind, or with `always` to each. */
async function startRawApi({ to = 'login', sends, always }) {
  const bodies = [];
  let sent = 0;
  const accept = (socket) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (data) => {
      text += data;
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        const length = Number(text.match(/content-length: (\d+)/i)?.[1] ?? 0);
        if (end < 0 || text.length < end + 4 + length) return;
        const path = text.split(' ')[1];
        const kind = /login(-direct)?$/.test(path) ? 'login' : path.endsWith('/logout') ? 'logout' : 'status';
        bodies.push({ kind, body: text.slice(end + 4, end + 4 + length) });
        text = text.slice(end + 4 + length);
        if (kind !== to || (sent++ > 0 && !always)) socket.write(GOOD[kind]);
        else if (typeof sends === 'function') sends(socket);
        else socket.write(sends);
      }
    });
  };
  const { host, stop } = await serveConnections(accept);
  return { url: `http://${host}`, stop, bodies: (kind) => bodies.filter((request) => request.kind === kind).map(({ body }) => body) };
}

describe('responses that break HTTP', { concurrency: 3 }, () => {
  let testEnv;
  before(async () => ({ testEnv } = await createScriptedEnv()));
  after(() => testEnv.close());

  for (const { name, ends, neverShows, ...row } of ROWS) {
    test(name, async (t) => {
      const api = await startRawApi(row);
      t.after(api.stop);
      const inputs = testEnv.inputs.passthrough({ api_url: api.url, timeout: String(TIMEOUT_S) });
      const main = await testEnv.run('main', { inputs, env: { TEST_RANDOM: '0' }, nodeArgs: UNDER_CONDITIONS });
      assert.ok(main.durationMs < MAIN_MS, `ended after ${main.durationMs} ms`);
      assert.equal(main.stderr, '');
      const titles = main.annotations.map(({ title }) => title);
      assert.ok(!titles.includes(TITLES.internalError), main.stdout);
      assert.equal(main.annotations.length, main.code, main.stdout);
      if (ends) assert.equal(main.code, ends === 'in' ? 0 : 1, main.stdout);
      if (neverShows) assert.ok(!main.stdout.includes(neverShows), main.stdout);
      const { needsLogout } = main.saved[0];
      if (main.code === 0) assert.equal(needsLogout, true);

      // Post meets an API that works again.
      const before = api.bodies('logout').length;
      const good = await startRawApi({ to: 'none' });
      t.after(good.stop);
      const post = await testEnv.runPost(main, {
        state: { ...main.state, api_url: good.url },
        env: { TEST_RANDOM: '0', TEST_SPEED: '20' },
        nodeArgs: UNDER_CONDITIONS,
      });
      assert.deepEqual([post.code, post.annotations, post.stderr], [0, [], ''], post.stdout);
      const logouts = good.bodies('logout').map((body) => JSON.parse(body).registry_url);
      assert.deepEqual([before, logouts], [0, needsLogout ? [REGISTRY] : []], post.stdout);
    });
  }
});
