// A registry that makes the real docker CLI print text of an attacker's choice.
//
// What docker 28.2.2 prints of a registry's response to `docker login`:
// - with a Basic challenge nothing but the status:
//     login attempt to http://HOST/v2/ failed with status: 401 Unauthorized
// - with a Bearer challenge it sends a request to the token server in `realm`, and
//   prints the `message` of that server's JSON error unchanged:
//     Get "http://HOST/v2/": denied: TEXT
//   LF, CR, ESC, BEL, NUL, `::error::` and `##[error]` are all printed, so TEXT
//   can start new lines. The same goes for a token server's plain-text
//   401 body and for the reason phrase of its 5xx status line.
// - most errors are printed twice: first inside a line
//   `time=… level=info … error="…"`, where Go's %q has quoted them.
// - in URLs (a realm that cannot be reached, a redirect) `::` is printed,
//   control characters, `#` and `[` are not.
import { serve } from '../support/serve.js';

/**
 * @param {string} text what docker is to print
 * @returns {Promise<{ host: string, stop(): Promise<void> }>}
 */
export async function startHostileRegistry(text) {
  return serve((request, response) => {
    if (request.url.startsWith('/token')) {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'DENIED', message: text }] }));
    } else {
      response.writeHead(401, {
        'www-authenticate': `Bearer realm="http://${request.headers.host}/token",service="hostile"`,
      });
      response.end();
    }
  });
}
