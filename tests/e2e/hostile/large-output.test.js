// Large output of docker does not delay the end of a step.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createScriptedEnv } from '../../env/scripted-env.js';
import { exactly, LOG } from '../../env/messages.js';
import { ended } from '../../sandbox/scripted-api.js';
import { BUSY_MS } from '../../support/child.js';

// A response may have 16 MiB.
const SIZE = 15_000_000;
const SHOWN = 100;

const fill = (text) => text.repeat(Math.floor(SIZE / JSON.stringify(text).length));
const manyLines = (n) => Array.from({ length: n }, (_, i) => `line ${i} of a long token 0123456789`).join('\n');

const [MANY, SHORT] = [fill('denied: requested access\n'), fill('x\n')];
const linesOf = (output) => output.split('\n').length - 1;

// `hidden` is the number of lines that are not shown.
const TOKEN = 'hunter22-hunter22';
const ROWS = [
  { name: 'one line', output: fill('x'), hidden: 0 },
  { name: 'many lines', output: MANY, hidden: linesOf(MANY) - SHOWN },
  { name: 'lines of one character', output: SHORT, hidden: linesOf(SHORT) - SHOWN },
  { name: 'blank lines', output: fill('\n'), hidden: 0 },
  { name: 'one line of percent escapes', output: fill('%2525'), hidden: 0 },
  { name: 'many lines of backslashes', output: fill('\\\\\\n\n'), hidden: undefined },
  { name: 'one line of escape characters', output: fill('\u001b]'), hidden: 0 },
  { name: 'one line of invisible characters', output: fill('\u200b'), hidden: 0 },
  { name: 'a token of 200 lines', output: fill('denied: line 0 of a long tok\n'), access_token: manyLines(200), hidden: undefined },
  { name: 'a token of 200 lines, repeated', output: fill(`${manyLines(200)}\n`), access_token: manyLines(200), hidden: undefined },
  { name: 'long lines, with a token of 18 KB', output: fill(`${'y'.repeat(150_000)}\n`), access_token: 'k0'.repeat(9_000), hidden: 98 },
  { name: 'the token over and over', output: fill('aaaaaaaaaaaaaaaab'), access_token: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab', hidden: 0 },
];

const failed = (stderr) => [200, ended({ exit_code: 1, stderr }, { status: 'failed' })];

describe('large docker output', () => {
  let env;
  before(async () => (env = await createScriptedEnv()));
  after(() => env.testEnv.close());

  const start = (responses, given) => {
    env.api.answer(responses);
    return env.testEnv.start('main', { inputs: env.inputs(given) });
  };
  /** How long a step takes whose docker prints this. */
  const timeOf = async (output, given) => {
    const main = await start({ status: failed(output) }, given).done;
    assert.equal(main.code, 1);
    return main;
  };

  for (const { name, output, access_token = TOKEN, hidden } of ROWS) {
    test(`shows the start of ${name}`, async () => {
      const small = await timeOf('denied', { access_token });
      const large = await timeOf(output, { access_token });
      assert.ok(large.durationMs < small.durationMs + BUSY_MS, `${large.durationMs} ms instead of ${small.durationMs} ms`);
      const lines = large.log.filter((line) => line.startsWith(LOG.docker));
      const more = exactly(`${LOG.docker}${LOG.moreLines}`);
      if (hidden !== undefined) assert.deepEqual(lines.filter((line) => more.test(line)).map((line) => Number(line.match(/\((\d+)/)[1])), hidden ? [hidden] : []);
      assert.ok(lines.length <= SHOWN + 1 && lines.every((line) => line.length < 1_100), `${lines.length} lines`);
    });
  }

  for (const { name, output, access_token = TOKEN } of [ROWS[1], ROWS.at(-2)]) {
    test(`timeout ends the step with ${name}`, async () => {
      // The response begins just before the timeout.
      const main = await start({ status: () => delay(2_700, failed(output)) }, { access_token, timeout: '3' }).done;
      assert.equal(main.code, 1);
      assert.ok(main.durationMs < 3_000 + BUSY_MS, `${main.durationMs} ms`);
    });

    test(`SIGINT ends the step with ${name}`, async () => {
      const step = start({ status: failed(output) }, { access_token });
      await env.api.seen('status');
      const at = performance.now();
      step.child.kill('SIGINT');
      const main = await step.done;
      const took = performance.now() - at;
      assert.equal(main.code, 1);
      assert.ok(took < BUSY_MS, `${took} ms`);
    });
  }
});
