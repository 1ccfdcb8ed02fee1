// The requests of a vault login with node:http and one connection: the least that a script on Node.js can take.
const http = require('node:http');

const { INPUT_API_URL, INPUT_API_KEY, INPUT_SERVER_ID, INPUT_CREDENTIAL_ID, GITHUB_RUN_ID } = process.env;
const agent = new http.Agent({ keepAlive: true });

function call(path, method, body) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${INPUT_API_KEY}`, 'content-type': 'application/json' };
    const request = http.request(`${INPUT_API_URL}/api/automation/v1${path}`, { method, agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('end', () => (response.statusCode < 300 ? resolve(JSON.parse(text)) : reject(new Error(`${path}: ${response.statusCode}`))));
    });
    request.on('error', reject).end(body && JSON.stringify(body));
  });
}

(async () => {
  const body = { server_id: INPUT_SERVER_ID, credential_id: INPUT_CREDENTIAL_ID, run_id: GITHUB_RUN_ID };
  const { operation_id } = await call('/registry-auth/login', 'POST', body);
  const { status } = await call(`/operations/${operation_id}`, 'GET');
  process.exit(status === 'completed' ? 0 : 1);
})();
