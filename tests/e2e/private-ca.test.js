// A self-hosted Reoclo with a certificate of a private CA.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERRORS, exactly, FIX, INPUTS, like, LOG, TITLES, withFix } from '../env/messages.js';
import { createTlsEnv, logInAndOut } from '../env/tls.js';
import { makeCertificate } from '../support/certificate.js';

/** A test environment with Reoclo on TLS, and a function that writes files to its workspace. */
async function createPrivateEnv(t) {
  const created = await createTlsEnv(t);
  const file = async (text, name = 'ca.pem') => {
    const path = join(created.testEnv.folder, 'workspace', name);
    await writeFile(path, text);
    return path;
  };
  return { ...created, file };
}

test('trusts ca_certificate given as PEM text', async (t) => {
  const { testEnv, tls, inputs } = await createPrivateEnv(t);
  await logInAndOut(testEnv, inputs(`\n  ${tls.cert}`));
});

test('trusts ca_certificate given as a path', async (t) => {
  const { testEnv, tls, inputs, file } = await createPrivateEnv(t);
  const path = await file(`An internal CA\r\n${tls.cert.replaceAll('\n', '\r\n')}`);
  await logInAndOut(testEnv, inputs('ca.pem'), { between: () => rm(path) });
});

test('trusts NODE_EXTRA_CA_CERTS in addition to ca_certificate', async (t) => {
  const { testEnv, tls, inputs, file } = await createPrivateEnv(t);
  const env = { NODE_EXTRA_CA_CERTS: await file(tls.cert) };
  await logInAndOut(testEnv, inputs(undefined), { env });
  await logInAndOut(testEnv, inputs((await makeCertificate('DNS:elsewhere')).cert), { env });
});

test('a wrong CA is one error without retries', async (t) => {
  const { testEnv, reoclo, inputs } = await createPrivateEnv(t);
  const main = await testEnv.run('main', { inputs: inputs((await makeCertificate()).cert) });
  assert.deepEqual([main.code, main.annotations.length], [1, 1], main.stdout);
  const host = reoclo.url.slice('https://'.length);
  const error = ERRORS.connection('login', like(/.*[cC]ertificate.*/), { host });
  assert.match(main.annotations[0].message, exactly(withFix(error, FIX.certificate)));
  assert.deepEqual(main.log.filter(LOG.isRetry), []);
  assert.deepEqual([reoclo.counts.login, main.saved[0].needsLogout], [0, false]);
});

test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not turn verification off', async (t) => {
  const { testEnv, reoclo, inputs } = await createPrivateEnv(t);
  // Node itself prints a warning to stderr.
  const main = await testEnv.run('main', { inputs: inputs(undefined), env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
  assert.deepEqual([main.code, reoclo.counts.login], [1, 0], main.stdout);
});

test('an invalid ca_certificate is an error before any request', async (t) => {
  const { testEnv, reoclo, tls, inputs, file } = await createPrivateEnv(t);
  const damaged = tls.cert.replace(/^.{8}(?=.*\n-----END)/m, '????????');
  for (const [given, message] of [
    ['no-such.pem', INPUTS.certificateUnreadable('ENOENT')],
    ['.', INPUTS.certificateUnreadable('not a regular file')],
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
