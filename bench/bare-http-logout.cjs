// The request of a logout with node:http: the least that a script on Node.js can take.
const http = require('node:http');

const { INPUT_API_URL, INPUT_API_KEY, INPUT_SERVER_ID, GITHUB_RUN_ID } = process.env;
const headers = { authorization: `Bearer ${INPUT_API_KEY}`, 'content-type': 'application/json' };
const body = { server_id: INPUT_SERVER_ID, registry_url: 'registry.example.com', run_id: GITHUB_RUN_ID };
const url = `${INPUT_API_URL}/api/automation/v1/registry-auth/logout`;
const request = http.request(url, { method: 'POST', headers }, (response) => {
  let text = '';
  response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  response.on('end', () => {
    JSON.parse(text);
    process.exit(response.statusCode < 300 ? 0 : 1);
  });
});
request.end(JSON.stringify(body));
