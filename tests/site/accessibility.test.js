// The page for everybody: axe, keyboard, screen readers, contrast, small screens.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import axe from 'axe-core';
import { loadCore } from '../../site/core.js';
import { SKIP } from '../support/chromium.js';
import { fragmentOf, useBrowser, workflowOf } from './browser.js';

const write = await loadCore();

// States of the page: everything that it can show.
const STATES = {
  'nothing typed': '',
  'passthrough with OIDC': 'mode=passthrough&registry=ecr&registry_url=123456789012.dkr.ecr.eu-west-1.amazonaws.com',
  'a stored token': 'mode=passthrough&registry=docker_hub&platform=forgejo',
  problems: 'server_id=web-1&timeout=0&api_url=x&api_key=rca_0123456789&platform=gitea&cleanup=false&ca_certificate=ca.pem&proxy=PROXY',
};

describe('accessibility', { skip: SKIP }, () => {
  const open = useBrowser();

  for (const colorScheme of ['light', 'dark']) {
    for (const [state, fragment] of Object.entries(STATES)) {
      test(`axe finds nothing: ${colorScheme}, ${state}`, async (t) => {
        // The policy of the page would stop axe, too.
        const page = await open(t, fragment, { colorScheme, bypassCSP: true });
        await page.evaluate(axe.source);
        const { violations, incomplete, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations', 'incomplete', 'passes'] }));
        const shown = (results) => results.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`));
        assert.deepEqual(shown(violations), []);
        // What axe cannot decide.
        assert.deepEqual(shown(incomplete), []);
        t.diagnostic(`${passes.length} rules passed`);
      });
    }
  }

  test('every field has a label, help and a place for its problem', async (t) => {
    const page = await open(t);
    const fields = await page.locator('#form [name]').evaluateAll((controls) =>
      controls.map((control) => ({
        label: control.labels[0]?.textContent,
        described: control.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id)?.className),
        help: document.getElementById(`${control.name}-help`).textContent,
      })),
    );
    assert.equal(fields.length, 18);
    for (const { label, described, help } of fields) {
      assert.ok(label && help, label);
      assert.deepEqual(described, ['help', 'problem'], label);
    }
    assert.equal(new Set(fields.map(({ label }) => label)).size, fields.length);
  });

  test('the keyboard alone fills in the form and copies the workflow', async (t) => {
    const page = await open(t);
    const active = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
    const to = async (id) => {
      for (let i = 0; i < 60 && (await active()) !== id; i++) {
        await page.keyboard.press('Tab');
        const { outline, tag } = await page.evaluate(() => ({ outline: getComputedStyle(document.activeElement).outlineStyle, tag: document.activeElement.tagName }));
        if (tag !== 'BODY') assert.equal(outline, 'solid', `the focus is visible on ${await active()}`);
      }
      assert.equal(await active(), id);
    };
    await to('tab-vault');
    await page.keyboard.press('ArrowRight');
    assert.equal(await active(), 'tab-passthrough');
    // The tab that is not selected is not a stop.
    await to('registry');
    await page.keyboard.type('Quay');
    await to('username');
    await page.keyboard.type('acme+ci');
    await to('server_id');
    await page.keyboard.type('WEB_1');
    await page.keyboard.press('Enter');
    await page.keyboard.type('WEB_2');
    const summary = 'OptionsLogout, timeout, forks, summary';
    await to(summary);
    await page.keyboard.press('Enter');
    await to('timeout');
    await page.keyboard.type('900');
    const form = { mode: 'passthrough', registry: 'quay', username: 'acme+ci', server_id: 'WEB_1\nWEB_2', timeout: '900' };
    await to('copy');
    await page.keyboard.press('Enter');
    await page.locator('#copy', { hasText: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), write(form).workflow);
    assert.equal(await workflowOf(page), write(form).workflow);
    await page.keyboard.press('Shift+Tab');
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'PRE', 'a wide workflow can be scrolled');
    assert.deepEqual(await fragmentOf(page), form);
  });

  test('screen readers hear of problems and of refused secrets', async (t) => {
    const page = await open(t);
    assert.equal(await page.locator('#status').getAttribute('role'), 'status');
    assert.equal(await page.locator('#alert').getAttribute('role'), 'alert');
    await page.getByLabel('Server IDs').fill('web-1');
    await page.locator('#status', { hasText: '1 problem. server_id is not a UUID' }).waitFor();
    await page.getByLabel('Server IDs').fill('');
    await page.locator('#status', { hasText: 'No problems found' }).waitFor();
    await page.getByLabel('Secret with the API key').fill('rca_0123456789');
    assert.match(await page.locator('#alert').textContent(), /looks like a Reoclo API key and was removed/);
    await page.locator('#status', { hasText: '1 problem. This looks like a Reoclo API key' }).waitFor();
  });

  for (const width of [320, 375, 768, 1024, 1920]) {
    test(`nothing is cut off at a width of ${width}`, async (t) => {
      for (const fragment of Object.values(STATES)) {
        const page = await open(t, fragment, { viewport: { width, height: 800 } });
        const wide = await page.evaluate(() => {
          const limit = document.documentElement.clientWidth;
          const isScrolled = (element) => element.closest('pre') || element.closest('.hidden');
          const out = [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > limit + 1 && !isScrolled(element));
          return { limit, scroll: document.documentElement.scrollWidth, out: out.map((element) => element.id || element.tagName) };
        });
        assert.deepEqual(wide, { limit: width, scroll: width, out: [] });
      }
    });
  }

  test('controls can be hit with a finger', async (t) => {
    const page = await open(t, STATES.problems, { viewport: { width: 320, height: 800 } });
    const small = await page.locator('button, input, select, textarea, summary').evaluateAll((all) =>
      all.filter((one) => one.offsetParent && one.getBoundingClientRect().height < 40).map((one) => one.id || one.textContent),
    );
    assert.deepEqual(small, []);
  });

  test('the layout does not shift while the page loads', async (t) => {
    for (const [state, fragment] of Object.entries({ 'nothing typed': '', passthrough: STATES['passthrough with OIDC'] })) {
      const page = await open(t, fragment);
      const shift = await page.evaluate(
        () =>
          new Promise((resolve) => {
            let sum = 0;
            const observer = new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => (sum += value)));
            observer.observe({ type: 'layout-shift', buffered: true });
            requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
          }),
      );
      // A link may fill in another form than the example, at its first frame if the core is fast.
      if (state === 'nothing typed') assert.equal(shift, 0, state);
      else assert.ok(shift < 0.1, `${state}: ${shift}`);
    }
  });
});
