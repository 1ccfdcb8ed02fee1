// `make screenshot`: the picture of the page in README.md.
import { servePage } from '../../site/serve.js';
import { launch, SKIP } from '../support/chromium.js';

const FORM = {
  mode: 'passthrough',
  server_id: '0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11 # web-1\n1c9e55d0-6f4b-4d7a-8e21-7a1b2c3d4e5f # web-2',
};

if (SKIP) throw new Error(SKIP);
const site = await servePage();
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1120, height: 760 }, colorScheme: 'light', reducedMotion: 'reduce' });
await page.goto(`${site.url}#${new URLSearchParams(FORM)}`);
await page.waitForSelector('html[data-ready]');
await page.screenshot({ path: process.argv[2] });
await browser.close();
await site.stop();
console.log(`${process.argv[2]}: written`);
