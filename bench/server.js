// The API for measurements, in its own process so that it does not slow the measuring process down. /RUN/OPTIONS/api/… is the
// API of one RUN, and /RUN returns the counts of RUN. OPTIONS are those of `startApi().run()`, as a query string.
import { createServer } from 'node:http';

// RUN → what has been counted, and the tokens of its rate limit.
const runs = new Map();
// When each operation ends.
const ends = new Map();

function respond(method, url) {
  const [, run, query, , , , ...call] = url.split('/');
  if (query === undefined) return [200, counts(run)];

  const now = performance.now();
  const options = Object.fromEntries([...new URLSearchParams(query)].map(([name, value]) => [name, Number(value)]));
  const seen = runs.get(run) ?? { at: [], polls: 0, logins: 0, logouts: 0, rejected: 0, tokens: options.tokens ?? options.perMinute, filledAt: now };
  runs.set(run, seen);
  seen.at.push(now);
  if (options.perMinute) {
    const perMs = options.perMinute / 60_000;
    seen.tokens = Math.min(options.perMinute, seen.tokens + (now - seen.filledAt) * perMs);
    seen.filledAt = now;
    if (seen.tokens < 1) {
      seen.rejected += 1;
      return [429, { detail: 'Rate limit exceeded' }, { 'retry-after': String(Math.ceil((1 - seen.tokens) / perMs / 1000)) }];
    }
    seen.tokens -= 1;
  }
  const operation = { operation_id: call[1], status: 'running' };
  switch (`${method} ${call[0]}/${method === 'POST' ? call[1] : ''}`) {
    case 'POST registry-auth/login':
      operation.operation_id = `${run}-${++seen.logins}`;
      ends.set(operation.operation_id, seen.logins <= (options.hanging ?? 0) ? Infinity : now + options.operationMs);
      return [202, { ...operation, registry_url: `r${seen.logins}.example.com`, registry_type: 'generic' }];
    case 'GET operations/':
      if (!ends.has(call[1])) return [404, { detail: 'Operation not found' }];
      seen.polls += 1;
      Object.assign(operation, { operation_type: 'registry_login', server_name: 'web-1', started_at: '2026-01-01T00:00:00Z' });
      if (now < ends.get(call[1])) return [200, operation];
      seen.lateMs ??= now - ends.get(call[1]);
      seen.lastEndAt = now;
      return [200, { ...operation, status: 'completed', result: { exit_code: 0, stdout: 'Login Succeeded\n', stderr: '' } }];
    case 'POST registry-auth/logout':
      seen.logouts += 1;
      return [200, { ...operation, status: 'completed' }];
    default:
      return [404, { detail: `No such route here: ${method} ${url}` }];
  }
}

function counts(run) {
  const { at = [], tokens, filledAt, lastEndAt, ...seen } = runs.get(run) ?? { logins: 0 };
  const inNextSecond = at.map((from, i) => at.slice(i).filter((time) => time < from + 1000).length);
  return { ...seen, requests: at.length, peakPerS: Math.max(0, ...inNextSecond), lastEndMs: lastEndAt - at[0] };
}

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const [status, body, headers] = respond(request.method, request.url);
    const json = JSON.stringify(body);
    response.writeHead(status, { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) });
    response.end(json);
  });
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
