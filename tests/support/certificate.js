// Certificates, created by openssl.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * A self-signed certificate, created for one test.
 *
 * @param {string} name a subjectAltName, such as `IP:127.0.0.1`
 * @returns {Promise<{ key: string, cert: string }>}
 */
export async function makeCertificate(name = 'IP:127.0.0.1') {
  const { stdout } = await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '1', '-subj', '/CN=docker-auth-test', '-addext', `subjectAltName=${name}`],
    ...['-keyout', '-', '-out', '-'],
  ]);
  const [key, cert] = ['PRIVATE KEY', 'CERTIFICATE'].map(
    (label) => stdout.match(new RegExp(`-----BEGIN ${label}-----.*?-----END ${label}-----\n`, 's'))[0],
  );
  return { key, cert };
}
