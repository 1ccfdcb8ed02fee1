// Secrets that a registry or the API repeats in some encoding are not shown. The check has a decoder of its own: it reads the
// log as a reader would who decodes everything that looks encoded.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LOG } from '../../env/messages.js';
import { createScriptedEnv } from '../../env/scripted-env.js';
import { ended, REGISTRY, startScriptedApi } from '../../sandbox/scripted-api.js';

// Every encoding changes something of them, and they are long enough to be wrapped. Each ends as it starts, so that two of them
// can overlap. Base64 of the token starts with `b`, which is an escape behind a backslash.
const TOKEN = 'npm_Hunter22/+%"é<&>\'=~k€y🔑9-\\x7:;?@$,!*()zQw8Lm3Rt6Yp1Vb5Nc0Xd4Kf2Jn';
const API_KEY = 'rca_Zt7"Wq<Bv&Nx\'5Ds%Gh+/9Lk>Mj\\Pp=~3Fr6Tc1Yy8Uu4Ii2Oo0Aa-_Ee7Sr';
const USER = 'octo';

// Encodings

const base64 = (text) => Buffer.from(text).toString('base64');
const base64url = (text) => Buffer.from(text).toString('base64url');
const unpadded = (text) => base64(text).replace(/=+$/, '');
const wrapped = (text, columns, end = '\n') => text.match(new RegExp(`.{1,${columns}}`, 'gs')).join(end);
const percentBytes = (text, keep = /[A-Za-z0-9\-._~]/) =>
  [...Buffer.from(text)].map((byte) => (byte < 128 && keep.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`)).join('');
const lowerEscapes = (text) => text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
const json = (text) => JSON.stringify(text).slice(1, -1);
const unicodeEscapes = (text, which) => text.replace(which, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
const jsonOfGo = (text) => unicodeEscapes(json(text), /[<>&\u2028\u2029]/g);
const jsonOfPython = (text) => unicodeEscapes(json(text), /[\u0080-\uffff]/g);
const jsonOfPhp = (text) => jsonOfPython(text).replaceAll('/', '\\/');
const jsonOfRails = (text) => unicodeEscapes(json(text), /[<>&'\u0080-\uffff]/g);
const entities = (text, entity) => [...text].map((c) => (/[A-Za-z0-9]/.test(c) ? c : entity(c.codePointAt(0)))).join('');
const NAMES = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos', é: 'eacute', '€': 'euro' };
const named = (text, which = /[&<>"']/g) => text.replace(which, (c) => `&${NAMES[c]};`);
/** Something after every third character. */
const inside = (between) => (text) => [...text].map((c, i) => (i % 3 === 2 ? c + between : c)).join('');

const PLAIN = [
  ['plain', (text) => text],
  ['in brackets', (text) => `[${text}]`],
  ['twice', (text) => text + text],
  ['complete, then without its first character', (text) => text + text.replace(`${USER}:`, '').slice(1)],
  ['without its last character, then complete', (text) => text.slice(0, -1) + text.replace(`${USER}:`, '')],
];
const BASE64 = [
  ['base64', base64],
  ['base64 without padding', unpadded],
  ['URL-safe base64', base64url],
  ['URL-safe base64 with padding', (text) => base64url(text) + '='.repeat((4 - (base64url(text).length % 4)) % 4)],
  ['base64 of a line', (text) => base64(`${text}\n`)],
  ['base64 of a Windows line', (text) => base64(`${text}\r\n`)],
  ['base64 of it in quotes', (text) => base64(`"${text}"`)],
  ['base64 of it inside text', (text) => base64(`{"auths":{"r":{"password":"${text}"}}}`)],
  ['base64 wrapped at 76 columns', (text) => wrapped(base64(`${text}${text}`), 76)],
  ['base64 wrapped at 64 columns, CRLF', (text) => wrapped(base64(text), 64, '\r\n')],
  ['base64 wrapped at 20 columns', (text) => wrapped(base64(text), 20)],
  ['base64 of base64', (text) => base64(base64(text))],
  ['base64 of the percent form', (text) => base64(encodeURIComponent(text))],
  ['base64 of the JSON form', (text) => base64(JSON.stringify(text))],
  ['percent form of base64', (text) => encodeURIComponent(base64(text))],
  ['base64 in JSON with escaped slashes', (text) => base64(text).replaceAll('/', '\\/')],
  ['base64 behind a backslash', (text) => `C:\\${unpadded(text)}`],
  ['base64 behind a letter', (text) => `x${unpadded(text)}`],
  ['base64 with invisible characters', (text) => inside('\u200b')(base64(text))],
];
const PERCENT = [
  ['encodeURIComponent', encodeURIComponent],
  ['encodeURIComponent in lower case', (text) => lowerEscapes(encodeURIComponent(text))],
  ['encodeURI', encodeURI],
  ['web form', (text) => new URLSearchParams([['', text]]).toString().slice(1)],
  ["Python's quote", (text) => percentBytes(text, /[A-Za-z0-9\-._~/]/)],
  ["Go's PathEscape", (text) => percentBytes(text, /[A-Za-z0-9\-._~$&+=:@]/)],
  ["Go's QueryEscape", (text) => percentBytes(text)],
  ["Go's PathEscape in lower case", (text) => lowerEscapes(percentBytes(text, /[A-Za-z0-9\-._~$&+=:@]/))],
  ['every byte in percent', (text) => percentBytes(text, /^$/)],
  ['percent form twice', (text) => encodeURIComponent(encodeURIComponent(text))],
  ['percent form in a URL', (text) => `https://${USER}:${encodeURIComponent(text)}@registry.example.com/v2/`],
  ['percent form behind a percent sign', (text) => `100%${encodeURIComponent(text)}`],
];
const JSON_FORMS = [
  ['JSON', json],
  ["Go's JSON", jsonOfGo],
  ["Python's JSON", jsonOfPython],
  ["PHP's JSON", jsonOfPhp],
  ["Rails' JSON", jsonOfRails],
  ['JSON with every character escaped', (text) => unicodeEscapes(text, /[^]/g)],
  ['JSON in JSON', (text) => json(json(text))],
  ["PHP's JSON in Go's JSON", (text) => jsonOfGo(jsonOfPhp(text))],
];
const HTML = [
  ['decimal entities', (text) => entities(text, (code) => `&#${code};`)],
  ['hexadecimal entities', (text) => entities(text, (code) => `&#x${code.toString(16)};`)],
  ['hexadecimal entities in upper case', (text) => entities(text, (code) => `&#X${code.toString(16).toUpperCase()};`)],
  ['entities with leading zeros', (text) => entities(text, (code) => `&#${String(code).padStart(7, '0')};`)],
  ['every character as entity', (text) => [...text].map((c) => `&#${c.codePointAt(0)};`).join('')],
  ["Go's HTML", (text) => text.replace(/[&<>"']/g, (c) => ({ '"': '&#34;', "'": '&#39;' })[c] ?? `&${NAMES[c]};`)],
  ['named entities', (text) => named(text)],
  ['entities twice', (text) => named(named(text))],
  ['entities in JSON', (text) => json(named(text))],
];
const INVISIBLE = [
  ['colours inside', inside('\u001b[31m')],
  ['colours around each character', (text) => [...text].map((c) => `\u001b[1;31m${c}\u001b[0m`).join('')],
  ['cursor movements inside', inside('\u001b[2K')],
  ['a private sequence inside', inside('\u001b[?25l')],
  ['a link inside', inside('\u001b]8;;https://example.com\u0007')],
  ['a link that ends with ST inside', inside('\u001b]8;;https://example.com\u001b\\')],
  ['a character set sequence inside', inside('\u001b(B')],
  ['8-bit colours inside', inside('\u009b31m')],
  ['a device control string inside', inside('\u001bP1$r\u001b\\')],
  ['NUL inside', inside('\0')],
  ['backspaces inside', inside('\b')],
  ...[
    0xad, 0x34f, 0x61c, 0x115f, 0x17b4, 0x180b, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x202e, 0x2060, 0x2066, 0x206a, 0x3164, 0xfe00,
    0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0x1d173, 0xe0001, 0xe0041, 0xe0100,
  ].map((code) => [`U+${code.toString(16).toUpperCase().padStart(4, '0')} inside`, inside(String.fromCodePoint(code))]),
  ['invisible characters in the percent form', (text) => inside('\u00ad')(encodeURIComponent(text))],
  ['wrapped at 20 columns', (text) => wrapped(text, 20)],
  ['wrapped by a carriage return', (text) => wrapped(text, 20, '\r')],
];

// Rows that are known to fail, with the reason.
// The decoder

const BASE64_RUN = /[A-Za-z0-9+/_-]{8,}/g;
const INVISIBLES = /\p{Default_Ignorable_Code_Point}|\p{Cc}|[\ufff9-\ufffb]/gu;
const ANSI = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)|\u001b[P^_X].*?\u001b\\|\u001b[ -/]*[0-~]|\u009b[0-?]*[ -/]*[@-~]/g;
const DECODERS = [
  (text) => text.replace(ANSI, '').replace(INVISIBLES, ''),
  // A character set sequence without its escape, as sanitizing leaves it.
  (text) => text.replace(/\(B|\d{2}m|8;;https:\/\/example.com|P1\$r\\?/g, ''),
  (text) => text.replaceAll(LOG.docker, '').replace(/\s/g, ''),
  (text) => text.replaceAll('+', ' '),
  (text) => text.replace(/(%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString()),
  (text) => text.replace(/\\u([0-9A-Fa-f]{4})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
  (text) => text.replace(/\\(["\\/'])/g, '$1'),
  (text) =>
    text
      .replace(/&#(\d{1,8});/g, (_, code) => String.fromCodePoint(Math.min(Number(code), 0x10ffff)))
      .replace(/&#[xX]([0-9A-Fa-f]{1,6});/g, (_, code) => String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff)))
      .replace(/&(\w+);/g, (entity, name) => Object.keys(NAMES).find((c) => NAMES[c] === name) ?? entity),
  // A run can start within a group of four.
  ...[0, 1, 2, 3].map((start) => (text) => [...text.matchAll(BASE64_RUN)].map(([run]) => Buffer.from(run.slice(start), 'base64').toString()).join(' ')),
];
const DEPTH = 3;
const PIECE = 8;

/** Every text that a reader could decode from this one. */
function views(text) {
  const found = new Set([text]);
  let level = [text];
  for (let depth = 0; depth < DEPTH; depth++) {
    level = level.flatMap((view) => DECODERS.map((decode) => decode(view))).filter((view) => !found.has(view) && found.add(view));
    level = [...new Set(level)];
  }
  return found;
}

/** A piece of a secret that a text shows, if any. */
function shown(text) {
  for (const view of views(text)) {
    for (const secret of [TOKEN, API_KEY]) {
      for (let at = 0; at + PIECE <= secret.length; at++) {
        if (view.includes(secret.slice(at, at + PIECE))) return `characters ${at} to ${at + PIECE} of ${secret.slice(0, 4)}…`;
      }
    }
  }
  return undefined;
}

const withoutMasks = (log) => log.replace(/^(::add-mask::|##\[add-mask\]).*\n/gm, '');

/** Asserts that nothing a step has printed or written, except masks and its state, shows a secret. */
function assertHidden({ stdout, stderr, files }, what) {
  for (const [place, text] of Object.entries({ stdout: withoutMasks(stdout), stderr, outputs: files.outputs, summary: files.summary })) {
    const piece = shown(text);
    assert.equal(piece, undefined, `${what} in ${place}: ${piece}\n${text}`);
  }
}

test('the decoder of this test finds every encoding', () => {
  for (const [name, encode] of Object.values(CLASSES).flat()) {
    for (const secret of [TOKEN, API_KEY]) assert.ok(shown(`got ${encode(secret)}.`), `${name} of ${secret.slice(0, 4)}…`);
  }
});

const CLASSES = { plain: PLAIN, base64: BASE64, percent: PERCENT, JSON: JSON_FORMS, HTML, 'invisible characters': INVISIBLE };

for (const [subject, rows] of Object.entries(CLASSES)) {
  describe(`hides secrets echoed with ${subject}`, { concurrency: 3 }, () => {
    let testEnv;
    before(async () => ({ testEnv } = await createScriptedEnv()));
    after(() => testEnv.close());
    for (const [name, encode] of rows) {
      test(name, async (t) => {
        const echo = [TOKEN, API_KEY, `${USER}:${TOKEN}`].map((secret) => `got ${encode(secret)}.`).join('\n');
        const failed = ended({ exit_code: 1, stdout: echo, stderr: echo }, { status: 'failed', server_name: echo });
        const api = await startScriptedApi({ status: [200, failed], logout: [403, { detail: echo }] });
        t.after(() => api.stop());
        const given = { api_url: api.url, api_key: API_KEY, access_token: TOKEN, username: USER, job_summary: 'true' };
        const inputs = testEnv.inputs.passthrough(given);

        const main = await testEnv.run('main', { inputs });
        assert.equal(main.code, 1);
        assertHidden(main, "docker's output and the server's name");
        assert.match(withoutMasks(main.stdout), /\*\*\*/, 'the echo is shown, redacted');

        const state = { login_1: `${testEnv.server.id} 1 ended 0 certain - ${REGISTRY} -` };
        const post = await testEnv.run('post', { inputs, state });
        assertHidden(post, 'the detail of an error');
        assert.match(withoutMasks(post.stdout), /\*\*\*/, 'the echo is shown, redacted');
      });
    }
  });
}
