// Debian's Chromium, driven by Playwright.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PATH = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);

/** Why tests in Chromium are skipped; false if they are not. */
export const SKIP = PATH || process.env.REQUIRE_BROWSER === '1' ? false : 'Chromium is not installed: tests/sandbox/install.sh chromium';

// As root, and without requests of its own.
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Starts it without a window, with an empty profile. */
export const launch = () => chromium.launch({ executablePath: PATH ?? '/usr/bin/chromium', args: ARGS });
