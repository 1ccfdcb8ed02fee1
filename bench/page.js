// The page that writes workflows, in Chromium: a cold start, and keystrokes.
import { servePage } from '../site/serve.js';
import { launch, SKIP } from '../tests/support/chromium.js';
import { BUDGETS } from './budgets.js';
import { uuids } from './runner.js';

// What a keystroke is measured in: a field, and the form around it.
const KEYSTROKES = {
  'keystroke in an empty form': { field: 'api_key', fragment: '' },
  // A stored username and token: the checks try the most samples.
  'keystroke in a passthrough form': { field: 'api_key', fragment: 'mode=passthrough&registry=docker_hub&registry_url=registry-1.docker.io' },
  'keystroke with 100 servers': { field: 'api_key', fragment: new URLSearchParams({ server_id: uuids(100, 'a') }).toString() },
};

/**
 * @param {number} rounds
 * @returns {Promise<{ what: string, budget: number, values: number[] }[]>} times in ms; none without Chromium
 */
export async function measurePage(rounds) {
  if (SKIP) {
    console.log(`The page is not measured: ${SKIP}`);
    return [];
  }
  const site = await servePage();
  const browser = await launch();
  try {
    const starts = [];
    // The first one also starts the renderer.
    for (let round = -1; round < rounds; round++) {
      const ms = await withPage(browser, site.url, (page) => page.evaluate(() => performance.getEntriesByName('ready')[0].startTime));
      if (round >= 0) starts.push(ms);
    }
    const rows = [{ what: 'first workflow, cold cache', budget: BUDGETS.page.firstWorkflowMs, values: starts }];
    for (const [what, { field, fragment }] of Object.entries(KEYSTROKES)) {
      const values = await withPage(browser, `${site.url}#${fragment}`, (page) => page.evaluate(typeInto, { field, count: Math.max(rounds, 50) }));
      rows.push({ what, budget: BUDGETS.page.keystrokeMs, values });
    }
    return rows;
  } finally {
    await browser.close();
    await site.stop();
  }
}

async function withPage(browser, url, measure) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector('html[data-ready]');
  const result = await measure(page);
  await context.close();
  return result;
}

/** In the page: the times of keystrokes, with the layout after each. */
async function typeInto({ field, count }) {
  const control = document.getElementById(field);
  const times = [];
  for (let i = 0; i < count + 10; i++) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const start = performance.now();
    control.value = 'KEY_'.repeat(1 + (i % 5));
    control.dispatchEvent(new Event('input', { bubbles: true }));
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return times.slice(10);
}
