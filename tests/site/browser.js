// Debian's Chromium with the built page.
import { existsSync } from 'node:fs';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { servePage } from '../../site/serve.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);

/** Why tests in Chromium are skipped; false if they are not. */
export const SKIP = CHROMIUM || process.env.REQUIRE_BROWSER === '1' ? false : 'Chromium is not installed: tests/sandbox/install.sh chromium';

// Without the network, and as root.
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Starts Chromium. */
export const launch = () => chromium.launch({ executablePath: CHROMIUM ?? '/usr/bin/chromium', args: ARGS });

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
export function watch(page, origin) {
  const errors = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && errors.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => errors.push(`error: ${error.message}`));
  page.on('requestfailed', (request) => errors.push(`failed: ${request.url()}`));
  page.on('response', (response) => response.status() >= 400 && errors.push(`${response.status()}: ${response.url()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('blob:')) errors.push(`another origin: ${request.url()}`);
  });
  return errors;
}

/** The fields in the fragment of the page's address. */
export const fragmentOf = async (page) => Object.fromEntries(new URLSearchParams(await page.evaluate(() => location.hash.slice(1))));

/** The workflow that the page shows. */
export const workflowOf = (page) => page.locator('#workflow').textContent();
