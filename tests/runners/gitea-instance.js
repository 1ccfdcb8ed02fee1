// A stand-in for a Gitea instance: the API that a runner needs for one job. Its protocol is Connect's unary one
// with protobuf; the numbers of the fields are those of `runner/v1/messages.proto` in code.gitea.io/actions-proto-go.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

const SERVICE = '/api/actions/runner.v1.RunnerService/';
const SUCCESS = 1;
const CANCELLED = 3;

/**
 * Starts an instance with one job.
 *
 * @param {{ workflow: string, context: Record<string, string>, secrets: Record<string, string>, vars: Record<string, string> }} job
 *   the text of the workflow, and its contexts
 * @returns {Promise<Instance>}
 */
export async function startInstance(job) {
  const instance = new Instance(job);
  await instance.listen();
  return instance;
}

class Instance {
  /** Where it listens. */
  url;
  /** The job's log as the instance would show it: what the runner has sent, one entry per line. */
  log = [];
  /** Whether the job has ended well; `undefined` until it has ended. */
  succeeded;

  #job;
  #cancelled = false;
  #http = createServer((request, response) => this.#serve(request, response));

  constructor(job) {
    this.#job = job;
  }

  async listen() {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    this.url = `http://127.0.0.1:${this.#http.address().port}`;
  }

  /** Cancels the job: the runner gets it in the response to its next report. */
  cancel() {
    this.#cancelled = true;
  }

  async stop() {
    this.#http.close();
    this.#http.closeAllConnections();
  }

  async #serve(request, response) {
    const method = request.url.startsWith(SERVICE) ? this.#methods[request.url.slice(SERVICE.length)] : undefined;
    const message = await buffer(request);
    if (method) {
      response.writeHead(200, { 'content-type': 'application/proto' });
      response.end(method(decode(message)));
    } else {
      response.writeHead(501, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 'unimplemented', message: `No such route here: ${request.url}` }));
    }
  }

  #methods = {
    Declare: () => encode([[1, encode([[4, 'runner-1']])]]),

    FetchTask: () => {
      const { workflow, context, secrets, vars } = this.#job;
      const task = encode([
        [1, 1],
        [2, workflow],
        [3, encode(map(1, context, (text) => encode([[3, text]])))],
        ...map(4, secrets),
        ...map(7, vars),
      ]);
      return encode([[1, task]]);
    },

    UpdateLog: ({ 2: [index = 0] = [], 3: rows = [] }) => {
      // The runner resends rows that were not acknowledged.
      this.log.splice(index, Infinity, ...rows.map((row) => decode(row)[2]?.toString() ?? ''));
      return encode([[1, this.log.length]]);
    },

    UpdateTask: ({ 1: [state] }) => {
      const { 2: [result] = [] } = decode(state);
      // A cancelled job has not succeeded, even if the runner reports success.
      if (result !== undefined) this.succeeded = result === SUCCESS && !this.#cancelled;
      return encode(this.#cancelled ? [[1, encode([[2, CANCELLED]])]] : []);
    },
  };
}

/** The fields of a map from text to text, or to what `value` makes of it. */
function map(field, entries, value = (text) => text) {
  return Object.entries(entries).map(([key, text]) => [field, encode([[1, key], [2, value(text)]])]);
}

/** A message of `[number, value]` fields; a value is an integer, text or a message. */
function encode(fields) {
  return Buffer.concat(
    fields.flatMap(([number, value]) =>
      typeof value === 'number'
        ? [varint(number << 3), varint(value)]
        : [varint((number << 3) | 2), varint(Buffer.byteLength(value)), Buffer.from(value)],
    ),
  );
}

/** A message as field number → its values; other than integers they remain bytes. */
function decode(bytes) {
  const message = {};
  let at = 0;
  const next = () => {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * weight;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = next();
    const value = next();
    const isInteger = (tag & 7) === 0;
    (message[tag >> 3] ??= []).push(isInteger ? value : bytes.subarray(at, at + value));
    if (!isInteger) at += value;
  }
  return message;
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}
