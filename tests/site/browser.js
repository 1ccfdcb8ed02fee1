// The built page in Chromium, for the tests of a file.
import { after, before } from 'node:test';
import { servePage } from '../../site/serve.js';
import { launch, SKIP } from '../support/chromium.js';

/**
 * Starts Chromium and serves the page, for the tests of a file. Every page is checked when its test ends: no error and no
 * warning in the console, no request to another origin, none that failed.
 *
 * @returns {(t: import('node:test').TestContext, fragment?: string, options?: object) => Promise<import('playwright-core').Page>}
 *   opens the page; `options` are those of the browser context, and `base` the path below which it is served
 */
export function useBrowser() {
  let browser;
  if (!SKIP) {
    before(async () => (browser = await launch()));
    after(() => browser.close());
  }
  return async (t, fragment = '', { base = '/', ...options } = {}) => {
    const site = await servePage({ base });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'], ...options });
    const page = await context.newPage();
    const errors = watch(page, new URL(site.url).origin);
    t.after(async () => {
      await context.close();
      await site.stop();
      if (errors.length > 0) throw new Error(errors.join('\n'));
    });
    await page.goto(`${site.url}${fragment && `#${fragment}`}`);
    if (options.javaScriptEnabled !== false) await page.waitForSelector('html[data-ready]');
    page.site = site;
    return page;
  };
}

/** What must not happen on a page, as it happens. */
function watch(page, origin) {
  const errors = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && errors.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => errors.push(`error: ${error.message}`));
  // Another page has been opened before the icon was there.
  const isGivenUp = (request) => request.failure()?.errorText === 'net::ERR_ABORTED';
  page.on('requestfailed', (request) => isGivenUp(request) || errors.push(`failed: ${request.url()}`));
  page.on('response', (response) => response.status() >= 400 && errors.push(`${response.status()}: ${response.url()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('blob:')) errors.push(`another origin: ${request.url()}`);
  });
  return errors;
}

/** The fields in the fragment of the page's address, once the field that is edited is left. */
export async function fragmentOf(page) {
  const hash = await page.evaluate(async () => {
    document.activeElement.blur();
    await new Promise((resolve) => setTimeout(resolve));
    return location.hash.slice(1);
  });
  return Object.fromEntries(new URLSearchParams(hash));
}

/** The workflow that the page shows. */
export const workflowOf = (page) => page.locator('#workflow').textContent();
