// Looks up host names without delaying the end of a step.
//
// Node's own lookup runs getaddrinfo in a thread that cannot be cancelled, and the process cannot exit before it returns:
// with three silent name servers, up to 56 s after an error. So names in DNS are queried by Node's resolver, which can be
// cancelled. Whatever it cannot answer is left to getaddrinfo in a process that is killed at exit: names in the hosts file,
// search domains, mDNS and other sources of the system.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** After this time the system is asked too. */
const DNS_TIMEOUT_MS = 1_000;
const DNS_TRIES = 2;
/** How long the second address family is waited for: https://datatracker.ietf.org/doc/html/rfc8305#section-3 recommends 50 ms. */
const SECOND_FAMILY_MS = 200;
/** getaddrinfo with three silent name servers takes 28 s. */
const SYSTEM_TIMEOUT_MS = 35_000;

const HOSTS_FILE =
  process.platform === 'win32' ? join(process.env.SystemRoot ?? 'C:\\Windows', 'System32/drivers/etc/hosts') : '/etc/hosts';
const LOOPBACK = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

const pending = new Map();

/** The `lookup` option of `net.connect`. */
export function lookup(hostname, options, callback) {
  // A retry uses the lookup of the attempt before it.
  if (!pending.has(hostname)) {
    const finish = () => pending.delete(hostname);
    const addresses = find(hostname);
    pending.set(hostname, addresses);
    addresses.then(finish, finish);
  }
  pending.get(hostname).then(
    (addresses) => (options.all ? callback(null, addresses) : callback(null, addresses[0].address, addresses[0].family)),
    (error) => callback(error),
  );
}

async function find(hostname) {
  // The agent of SOCKS proxies looks IP addresses up, too.
  const family = require('node:net').isIP(hostname);
  if (family) return [{ address: hostname, family }];
  const name = hostname.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost') return LOOPBACK;
  if (!name.includes('.') || name.endsWith('.local') || isInHostsFile(name)) return askSystem(hostname);
  if (name.endsWith('.localhost')) return LOOPBACK;
  const answer = askDns(name);
  const late = new Promise((resolve, reject) => setTimeout(reject, DNS_TIMEOUT_MS).unref());
  const inTime = await Promise.race([answer, late]).catch(() => undefined);
  if (inTime) return inTime;
  const system = askSystem(hostname);
  // Why the system found nothing says more.
  return Promise.any([answer, system]).catch(() => system);
}

function isInHostsFile(name) {
  try {
    const lines = readFileSync(HOSTS_FILE, 'utf8').toLowerCase().split('\n');
    return lines.some((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1).includes(name));
  } catch {
    return false;
  }
}

async function askDns(name) {
  const { Resolver } = require('node:dns').promises;
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  const ask = async (family) => (await resolver[`resolve${family}`](name)).map((address) => ({ address, family }));
  const [v4, v6] = [ask(4), ask(6)];
  const first = await Promise.any([v4, v6]);
  const both = Promise.allSettled([v4, v6]).then((answers) => answers.flatMap(({ value = [] }) => value));
  const late = new Promise((resolve) => setTimeout(resolve, SECOND_FAMILY_MS, first).unref());
  return Promise.race([both, late]);
}

const SYSTEM_LOOKUP = `
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
  require('dns').lookup(process.argv[1], { all: true }, (error, addresses) => {
    process.stdout.write(JSON.stringify(error ? { code: error.code } : { addresses }), () => process.kill(process.pid, 'SIGKILL'));
  });`;

/** getaddrinfo in a process of its own. */
function askSystem(hostname) {
  const { execFile } = require('node:child_process');
  const { NODE_OPTIONS, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, ['-e', SYSTEM_LOOKUP, hostname], { env, timeout: SYSTEM_TIMEOUT_MS, windowsHide: true }, (_, stdout) => {
      process.off('exit', kill);
      const { addresses, code = 'EAI_AGAIN' } = parse(stdout);
      if (addresses?.length > 0) return resolve(addresses);
      reject(Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code }));
    });
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
  });
}

/** What the process has printed; nothing if it was killed. */
function parse(stdout) {
  try {
    return JSON.parse(stdout);
  } catch {
    return {};
  }
}
