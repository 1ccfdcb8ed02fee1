// Compares what the stand-in has seen with what the action promises: check.js logged-in URL. Exits with 1 if they differ.
import { fileURLToPath } from 'node:url';

const CHECKS = {
  /** Both servers are logged in: one in vault mode, one in passthrough mode. */
  'logged-in': ({ audit, logins }) => {
    const modes = audit.filter(({ outcome }) => outcome === 'completed').map(({ action, auth_mode }) => `${action} ${auth_mode}`);
    const servers = Object.values(logins);
    return modes.join() === 'registry_login vault,registry_login passthrough' && servers.every((registries) => registries.length === 1);
  },
  /** Every login has been logged out by a request, and no server is logged in. */
  'logged-out': ({ audit, logins }) => {
    const done = (wanted) => audit.filter(({ action, outcome }) => action === wanted && outcome === 'completed').map(({ server }) => server);
    const loggedIn = done('registry_login');
    const loggedOut = done('registry_logout');
    return loggedIn.toSorted().join() === loggedOut.toSorted().join() && Object.values(logins).flat().length === 0;
  },
};

/**
 * @param {'logged-in' | 'logged-out'} expected
 * @param {string} url the stand-in's `control_url`
 * @returns {Promise<string>} what it has seen
 * @throws if that is not what is expected
 */
export async function check(expected, url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const seen = await response.json();
  const shown = [
    ...seen.audit.map((entry) => `${entry.action} ${entry.registry_url} on ${entry.server}: ${entry.outcome}`),
    ...Object.entries(seen.logins).map(([server, registries]) => `${server} is logged in to ${registries.join(' and ') || 'no registry'}`),
  ].join('\n');
  if (!CHECKS[expected](seen)) throw new Error(`Expected: ${expected}. The stand-in has seen:\n${shown}`);
  return shown;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [expected, url] = process.argv.slice(2);
  console.log(await check(expected, url));
}
