// A self-hosted Reoclo whose certificate is signed by a CA of its own.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERRORS, exactly, FIX, INPUTS, like, LOG, TITLES, withFix } from '../env/messages.js';
import { createTlsEnv, logInAndOut } from '../env/tls.js';
import { makeCertificate } from '../support/certificate.js';

/** A testEnv whose Reoclo speaks TLS, and a way to write files into the workspace there. */
async function createPrivateEnv(t) {
  const created = await createTlsEnv(t);
  const file = async (text, name = 'ca.pem') => {
    const path = join(created.testEnv.folder, 'workspace', name);
    await writeFile(path, text);
    return path;
  };
  return { ...created, file };
}

test('ca_certificate as PEM text is trusted, in main and in post', async (t) => {
  const { testEnv, tls, inputs } = await createPrivateEnv(t);
  await logInAndOut(testEnv, inputs(`\n  ${tls.cert}`));
});

test('ca_certificate as a path of the workspace is trusted, and post does not need the file any more', async (t) => {
  const { testEnv, tls, inputs, file } = await createPrivateEnv(t);
  const path = await file(`An internal CA\r\n${tls.cert.replaceAll('\n', '\r\n')}`);
  await logInAndOut(testEnv, inputs('ca.pem'), { between: () => rm(path) });
});

test('NODE_EXTRA_CA_CERTS goes on counting beside ca_certificate', async (t) => {
  const { testEnv, tls, inputs, file } = await createPrivateEnv(t);
  const env = { NODE_EXTRA_CA_CERTS: await file(tls.cert) };
  await logInAndOut(testEnv, inputs(undefined), { env });
  await logInAndOut(testEnv, inputs((await makeCertificate('DNS:elsewhere')).cert), { env });
});

test('a wrong CA is one error at once that says which host and why', async (t) => {
  const { testEnv, reoclo, inputs } = await createPrivateEnv(t);
  const main = await testEnv.run('main', { inputs: inputs((await makeCertificate()).cert) });
  assert.deepEqual([main.code, main.annotations.length], [1, 1], main.stdout);
  const host = reoclo.url.slice('https://'.length);
  const error = ERRORS.connection('login', like(/.*[cC]ertificate.*/), { host });
  assert.match(main.annotations[0].message, exactly(withFix(error, FIX.certificate)));
  assert.deepEqual(main.log.filter(LOG.isRetry), []);
  assert.deepEqual([reoclo.counts.login, main.saved[0].needsLogout], [0, false]);
});

test('NODE_TLS_REJECT_UNAUTHORIZED=0 turns no verification off', async (t) => {
  const { testEnv, reoclo, inputs } = await createPrivateEnv(t);
  // Node itself warns of it on stderr.
  const main = await testEnv.run('main', { inputs: inputs(undefined), env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
  assert.deepEqual([main.code, reoclo.counts.login], [1, 0], main.stdout);
});

test('what is no CA certificate is refused before anything is sent', async (t) => {
  const { testEnv, reoclo, tls, inputs, file } = await createPrivateEnv(t);
  const damaged = tls.cert.replace(/^.{8}(?=.*\n-----END)/m, '????????');
  for (const [given, message] of [
    ['no-such.pem', INPUTS.certificateUnreadable('ENOENT')],
    ['.', INPUTS.certificateUnreadable('EISDIR')],
    [await file('hello', 'hello.pem'), INPUTS.certificateMissing],
    [tls.cert.replaceAll('\n', ' '), INPUTS.certificateInvalid],
    [damaged, INPUTS.certificateInvalid],
    [tls.key + tls.cert, INPUTS.certificatePrivateKey],
    [await file(tls.cert.repeat(150), 'many.pem'), INPUTS.certificateTooLarge],
  ]) {
    const main = await testEnv.run('main', { inputs: inputs(given) });
    assert.deepEqual([main.code, main.annotations.length, main.annotations[0]?.title], [1, 1, TITLES.invalidInputs], main.stdout);
    assert.equal(main.annotations[0].message, withFix(message, FIX.inputs));
    assert.ok(!main.stdout.includes(tls.key.split('\n')[1]), 'a private key is not shown');
  }
  assert.equal(reoclo.counts.connections, 0);
});
