// What the core asks of its surroundings: the runner's toolkit, the environment, a clock.
import { appendFileSync } from 'node:fs';
import { EOL } from 'node:os';
import * as core from '@actions/core';
import { trust } from './fetch.js';

// Listened for from the very start: until then a signal ends the process where it stands. Runners interrupt first and
// terminate later; a second signal of a kind ends the process at once. Post does not ask, and so goes on with its logout.
const stopped = new Promise((resolve) => ['SIGINT', 'SIGTERM'].forEach((signal) => process.once(signal, resolve)));

export const host = {
  input: (name) => core.getInput(name, { trimWhitespace: false }),
  env: (name) => process.env[name] ?? '',
  state: core.getState,
  saveState: core.saveState,
  setOutput: core.setOutput,
  // Not core.summary: loading its fs/promises takes 3.5 ms of every step.
  appendSummary: (markdown) => appendFileSync(process.env.GITHUB_STEP_SUMMARY, markdown),
  setSecret: core.setSecret,
  trust,
  info: core.info,
  notice: (message, title) => core.notice(message, { title }),
  warning: (message, title) => core.warning(message, { title }),
  error: (message, title) => core.error(message, { title }),
  command: (line) => process.stdout.write(line + EOL),
  // Not performance.now(): loading that takes 2 ms.
  now: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1e3 + nanoseconds / 1e6;
  },
  cancelled: () => stopped,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  base64: (text) => Buffer.from(text).toString('base64'),
  decodeBase64: (base64) => Buffer.from(base64, 'base64').toString(),
};
