// Steps with many servers.
import { inputs, run, uuids } from './runner.js';

const PER_MINUTE = 120;

/**
 * Runs the main step on so many servers.
 *
 * @param {{ servers: number, operationMs: number, hanging?: number, timeout?: number, preload?: string }} options
 * @returns {Promise<object>} what `run` returns, and the counts of the API
 */
export async function measureFleet(api, node, { name, main, defaults }, { servers, operationMs, hanging = 0, timeout = 600, preload }) {
  const { url, seen } = api.run({ operationMs, hanging });
  const given = { ...defaults, ...inputs(url), server_id: uuids(servers, 'a'), timeout };
  const result = await run(node.path, main, { inputs: given, preload });
  const counts = await seen();
  if (result.code !== Number(hanging > 0) || counts.logins !== servers) {
    throw new Error(`${name} exited with ${result.code} after ${counts.logins} logins:\n${result.output}`);
  }
  return { ...result, ...counts };
}

/** 100 logins with a rate limit, and their logouts when the limit has been used up. */
export async function limitedFleet(api, node, { main, post, defaults }) {
  const operationMs = 3000;
  const login = api.run({ operationMs, perMinute: PER_MINUTE });
  const given = { ...defaults, ...inputs(login.url), server_id: uuids(100, 'a') };
  const { ms, output, state } = await run(node.path, main, { inputs: given });
  const logins = await login.seen();
  // A login and a status request for each server; the first are allowed at once.
  const necessaryMs = ((200 - PER_MINUTE) / PER_MINUTE) * 60_000;

  const logout = api.run({ operationMs, perMinute: PER_MINUTE, tokens: 1 });
  await run(node.path, post, { inputs: { ...given, api_url: logout.url }, state: { ...state, api_url: logout.url } });
  const logouts = await logout.seen();
  return {
    failedLogins: 100 - (output.match(/Logged in to /g) ?? []).length,
    percent: (ms / necessaryMs) * 100,
    rejectedLogins: logins.rejected,
    logouts: logouts.logouts,
    rejectedLogouts: logouts.rejected,
  };
}
