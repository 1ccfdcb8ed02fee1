// The Node binaries of tests/nodes/package.json; the Makefile installs them.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {number} major
 * @returns {{ major: number, version: string, path: string } | undefined} what is installed
 *   as `node-MAJOR`, with the version it reports
 */
export function installed(major) {
  const path = join(import.meta.dirname, `../nodes/node_modules/node-${major}/bin/node`);
  if (!existsSync(path)) return undefined;
  const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  if (!version.startsWith(`${major}.`)) throw new Error(`${path} is Node ${version}`);
  return { major, version, path };
}
