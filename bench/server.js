// The API for measurements, in its own process so that it does not slow the measuring process down. With /RUN/MS/api/… the
// operation of RUN ends MS milliseconds after its login, and /RUN returns the counts of RUN.
import { createServer } from 'node:http';

// RUN → its number of requests and logins, and the delay of the first status request after an operation's end.
const runs = new Map();
// When each operation ends.
const ends = new Map();

function respond(method, url) {
  const [, run, ms, , , , ...call] = url.split('/');
  const seen = runs.get(run) ?? { requests: 0, logins: 0 };
  if (ms === undefined) return [200, seen];

  const now = performance.now();
  runs.set(run, seen);
  seen.requests += 1;
  const operation = { operation_id: call[1], status: 'running' };
  switch (`${method} ${call[0]}/${method === 'POST' ? call[1] : ''}`) {
    case 'POST registry-auth/login':
      operation.operation_id = `${run}-${++seen.logins}`;
      ends.set(operation.operation_id, now + Number(ms));
      return [202, { ...operation, registry_url: `r${seen.logins}.example.com`, registry_type: 'generic' }];
    case 'GET operations/':
      if (!ends.has(call[1])) return [404, { detail: 'Operation not found' }];
      Object.assign(operation, {
        operation_type: 'registry_login',
        server_id: '00000000-0000-4000-8000-000000000000',
        server_name: 'web-1',
        started_at: '2026-01-01T00:00:00Z',
      });
      if (now < ends.get(call[1])) return [200, operation];
      seen.lateMs ??= now - ends.get(call[1]);
      return [200, { ...operation, status: 'completed', result: { exit_code: 0, stdout: 'Login Succeeded\n', stderr: '' } }];
    case 'POST registry-auth/logout':
      return [200, { ...operation, status: 'completed' }];
    default:
      return [404, { detail: `No such route here: ${method} ${url}` }];
  }
}

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const [status, body] = respond(request.method, request.url);
    const json = JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) });
    response.end(json);
  });
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
