// A substitute for the real registry, for the demo on machines that cannot install one. It checks users on /v2/ and stores
// no images.
import { serve } from '../../support/serve.js';

/**
 * @param {{ users?: Record<string, string> }} [options] usernames to passwords
 * @returns {Promise<{ host: string, users: Record<string, string>, stop(): Promise<void> }>}
 *   as `startRegistry` of ../registry.js
 */
export async function startSubstituteRegistry({ users = { robot: 'robot-password' } } = {}) {
  const accepted = new Set(
    Object.entries(users).map(
      ([name, password]) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
    ),
  );
  const server = await serve((request, response) => {
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    if (!accepted.has(request.headers.authorization)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="sandbox"' });
    } else {
      response.writeHead(request.url === '/v2/' ? 200 : 404, {
        'content-type': 'application/json',
      });
    }
    response.end('{}');
  });
  return { ...server, users };
}
