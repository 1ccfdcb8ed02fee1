// The host object of the core: the runner's toolkit, the environment and clocks.
import { appendFileSync, closeSync, constants, existsSync, openSync, statSync } from 'node:fs';
import { EOL } from 'node:os';
import * as core from '@actions/core';
import { abortUnsent, addCaCertificates } from './fetch.js';

// Registered at start, since without a handler a signal ends the process at once. A second signal of the same kind does.
// The post step does not await this promise, so it finishes its logouts. On Windows, GitHub's runner sends Ctrl+C and then
// Ctrl+Break, which is SIGBREAK, instead of SIGTERM (actions/runner, ProcessInvoker.cs).
const cancelled = new Promise((resolve) => ['SIGINT', 'SIGTERM', 'SIGBREAK'].forEach((signal) => process.once(signal, resolve)));

/** Writing to a FIFO waits for its reader, which may not exist. */
function assertWritable(variable) {
  const path = process.env[variable];
  if (!path || !existsSync(path) || !statSync(path).isFIFO()) return;
  closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
}

/** A function that writes to the file in an environment variable. */
const writing =
  (variable, write) =>
  (...values) => {
    assertWritable(variable);
    write(...values);
  };

const INPUT = /^INPUT_(.+)$/;

/** All inputs by name; the runner passes each as an environment variable. */
function inputs() {
  const names = Object.keys(process.env).flatMap((variable) => INPUT.exec(variable)?.[1].toLowerCase() ?? []);
  return Object.fromEntries(names.map((name) => [name, core.getInput(name, { trimWhitespace: false })]));
}

/** The last panic of the core; the process ends with it. */
export let panic;

export const host = {
  inputs,
  env: (name) => process.env[name] ?? '',
  state: core.getState,
  saveState: writing('GITHUB_STATE', core.saveState),
  setOutput: writing('GITHUB_OUTPUT', core.setOutput),
  // Instead of core.summary, which loads fs/promises: 3.5 ms per step.
  appendSummary: writing('GITHUB_STEP_SUMMARY', (markdown) => appendFileSync(process.env.GITHUB_STEP_SUMMARY, markdown)),
  setSecret: core.setSecret,
  addCaCertificates,
  panicked: (description) => (panic = description),
  info: core.info,
  notice: (message, title) => core.notice(message, { title }),
  warning: (message, title) => core.warning(message, { title }),
  error: (message, title) => core.error(message, { title }),
  command: (line) => process.stdout.write(line + EOL),
  // Instead of performance.now(), which takes 2 ms to load.
  monotonicMs: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1e3 + nanoseconds / 1e6;
  },
  // In a later turn, so that the core knows of the cancellation when the requests fail.
  cancelled: () => cancelled.then(() => void setImmediate(abortUnsent)),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  base64: (text) => Buffer.from(text).toString('base64'),
  decodeBase64: (base64) => Buffer.from(base64, 'base64').toString(),
};
