// Limits for what a runner downloads and loads.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BUDGETS } from './budgets.js';
import { sizes } from './sizes.js';

let measured;
before(async () => (measured = await sizes(fileURLToPath(new URL('../', import.meta.url)))));

for (const [what, most] of Object.entries(BUDGETS.sizes)) {
  test(`${what}: at most ${most} bytes`, () => {
    assert.ok(measured[what] > 0 && measured[what] <= most, `${measured[what]} bytes`);
  });
}
