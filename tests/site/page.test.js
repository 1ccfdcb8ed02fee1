// The page in Chromium: what users do, and what they see.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { loadCore } from '../../site/core.js';
import { SKIP } from '../support/chromium.js';
import { serve } from '../support/serve.js';
import { fragmentOf, useBrowser, workflowOf } from './browser.js';

const ID = '0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11';
const OTHER = '1c9e55d0-6f4b-4d7a-8e21-7a1b2c3d4e5f';
const write = await loadCore();

test('the page has the licenses of the software in it', async () => {
  const licenses = await readFile(new URL('../../site/dist/licenses.txt', import.meta.url), 'utf8');
  for (const name of ['base64', 'serde_json', 'serde-wasm-bindgen', 'wasm-bindgen', 'Rust standard library']) {
    assert.match(licenses, new RegExp(`^${name} .*\\(.*(MIT|Apache).*\\)$`, 'm'));
  }
  // The core uses it in the action only.
  assert.doesNotMatch(licenses, /^(gloo|reoclo)/m);
});

describe('page', { skip: SKIP }, () => {
  const open = useBrowser();

  test('shows a complete workflow with nothing typed', async (t) => {
    const page = await open(t);
    assert.equal(await workflowOf(page), write({}).workflow);
    assert.equal(await page.locator('#state').textContent(), 'No problems found');
    assert.equal(await page.locator('#commands').textContent(), write({}).commands);
    assert.deepEqual(await fragmentOf(page), {});
    assert.equal(await page.locator('.problem:not(:empty)').count(), 0);
  });

  test('the example in the page is what the core writes', async (t) => {
    const page = await open(t, '', { javaScriptEnabled: false });
    assert.equal(await workflowOf(page), write({}).workflow);
    assert.ok(await page.locator('noscript p').isVisible());
    assert.ok(!(await page.getByLabel('Server IDs').isVisible()));
    assert.ok(!(await page.locator('#copy').isVisible()));
  });

  test('fills in a vault login on two servers', async (t) => {
    const page = await open(t);
    await page.getByLabel('Server IDs').fill(`${ID} # web-1\n${OTHER}`);
    await page.getByLabel('Credential IDs').fill('GHCR_CREDENTIAL_ID');
    await page.getByLabel('Where it runs').selectOption('Gitea');
    const expected = write({ server_id: `${ID} # web-1\n${OTHER}`, credential_id: 'GHCR_CREDENTIAL_ID', platform: 'gitea' });
    assert.equal(await workflowOf(page), expected.workflow);
    assert.equal(await page.locator('#path').textContent(), '.gitea/workflows/deploy.yml');
    assert.deepEqual(await page.locator('#notices li').allTextContents(), expected.notices);
    assert.match(await page.locator('#commands').textContent(), /tea actions secrets create REOCLO_API_KEY/);
  });

  test('tabs switch the mode and its fields', async (t) => {
    const page = await open(t);
    await page.getByRole('tab', { name: 'Passthrough token' }).click();
    assert.ok(!(await page.getByLabel('Credential IDs').isVisible()));
    assert.equal(await workflowOf(page), write({ mode: 'passthrough' }).workflow);
    await page.getByLabel('Registry', { exact: true }).selectOption('Amazon ECR');
    await page.getByLabel('Token', { exact: true }).selectOption('keys');
    assert.ok(!(await page.getByLabel('Secret with the token').isVisible()));
    assert.equal(await workflowOf(page), write({ mode: 'passthrough', registry: 'ecr', source: 'keys' }).workflow);
    // Another registry has other sources.
    await page.getByLabel('Registry', { exact: true }).selectOption('Docker Hub');
    assert.deepEqual(await page.getByLabel('Token', { exact: true }).locator('option').allTextContents(), ['Stored as a secret']);
    await page.getByLabel('Secret with the token').fill('HUB');
    assert.match(await workflowOf(page), /access_token: \$\{\{ secrets\.HUB \}\}/);
    await page.getByRole('tab', { name: 'Vault credential' }).click();
    assert.equal(await workflowOf(page), write({}).workflow);
  });

  test("shows the action's errors beside their fields", async (t) => {
    const page = await open(t);
    const form = { server_id: 'web-1', timeout: '0', api_url: 'reoclo.example.com' };
    await page.getByText('Logout, timeout, forks, summary').click();
    await page.getByText('API URL, private CA, proxy').click();
    for (const [name, text] of Object.entries(form)) await page.locator(`#${name}`).fill(text);
    await page.locator('#server_id').focus();
    const { problems } = write(form);
    assert.deepEqual(problems.map(({ field }) => field), ['server_id', 'api_url', 'timeout']);
    for (const { field, message } of problems) {
      await page.locator(`#${field}-problem`, { hasText: message }).waitFor();
      assert.equal(await page.locator(`#${field}`).getAttribute('aria-invalid'), 'true');
    }
    assert.equal(await page.locator('#state').textContent(), '3 problems');
    await page.locator('#timeout').fill('900');
    assert.equal(await page.locator('#timeout-problem').textContent(), '');
    assert.equal(await page.locator('#state').textContent(), '2 problems');
  });

  test('a value that is being typed is no problem yet', async (t) => {
    const page = await open(t);
    await page.getByLabel('Server IDs').pressSequentially('0b8f');
    assert.equal(await page.locator('#server_id-problem').textContent(), '');
    await page.keyboard.press('Tab');
    await page.locator('#server_id-problem', { hasText: 'is not a UUID' }).waitFor();
  });

  test('copies the workflow, the commands and the link', async (t) => {
    const page = await open(t, `server_id=${ID}`);
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole('button', { name: 'Copy workflow' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await clipboard(), write({ server_id: ID }).workflow);
    await page.getByRole('button', { name: 'Copy commands' }).click();
    await page.locator('#copy-commands', { hasText: 'Copied' }).waitFor();
    assert.equal(await clipboard(), write({ server_id: ID }).commands);
    await page.getByRole('button', { name: 'Copy link to this form' }).click();
    await page.locator('#link', { hasText: 'Copied' }).waitFor();
    assert.equal(await clipboard(), `${page.site.url}#server_id=${ID}`);
  });

  test('a copy that fails is not reported as done', async (t) => {
    const page = await open(t);
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error());
      document.execCommand = () => false;
    });
    await page.getByRole('button', { name: 'Copy workflow' }).click();
    await page.getByRole('button', { name: 'Copy failed' }).waitFor();
    assert.equal(await page.locator('#alert').textContent(), 'Copy workflow: failed. Select the text and copy it.');
  });

  test('downloads the workflow', async (t) => {
    const page = await open(t);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
    assert.equal(download.suggestedFilename(), 'deploy.yml');
    assert.equal(await readFile(await download.path(), 'utf8'), write({}).workflow);
  });

  test('the address keeps the form', async (t) => {
    const page = await open(t);
    const form = {
      mode: 'passthrough',
      registry: 'ecr',
      source: 'keys',
      registry_url: '123456789012.dkr.ecr.eu-west-1.amazonaws.com\n998877665544.dkr.ecr.eu-west-1.amazonaws.com # base images',
      server_id: `${ID} # web-1`,
      platform: 'ghes',
      timeout: '900',
      cleanup: 'false',
      proxy: 'http://proxy.example.com:3128',
    };
    await page.getByRole('tab', { name: 'Passthrough token' }).click();
    for (const name of ['registry', 'source', 'platform']) await page.locator(`#${name}`).selectOption(form[name]);
    for (const name of ['registry_url', 'server_id']) await page.locator(`#${name}`).fill(form[name]);
    await page.getByText('Logout, timeout, forks, summary').click();
    await page.locator('#timeout').fill(form.timeout);
    await page.locator('#cleanup').selectOption('false');
    await page.getByText('API URL, private CA, proxy').click();
    await page.locator('#proxy').fill(form.proxy);
    assert.deepEqual(await fragmentOf(page), form);
    const before = await workflowOf(page);
    assert.equal(before, write(form).workflow);

    await page.reload();
    await page.waitForSelector('html[data-ready]');
    assert.equal(await workflowOf(page), before);
    assert.deepEqual(await fragmentOf(page), form);
    assert.ok(await page.locator('#timeout').isVisible(), 'options that are set are open');
  });

  test("a dashboard's link fills in the form", async (t) => {
    const page = await open(t, `mode=vault&server_id=${ID}&credential_id=${OTHER}`);
    assert.equal(await page.getByLabel('Server IDs').inputValue(), ID);
    assert.equal(await workflowOf(page), write({ server_id: ID, credential_id: OTHER }).workflow);
    // A link to the page that is already open.
    await page.evaluate(() => (location.hash = 'mode=passthrough&registry=quay'));
    await page.locator('#registry').waitFor();
    assert.equal(await workflowOf(page), write({ mode: 'passthrough', registry: 'quay' }).workflow);
  });

  test('ignores what a link has in addition', async (t) => {
    const page = await open(t, 'mode=x&registry=nothing&platform=%00&commit=0123456789012345678901234567890123456789&pin=commit&x=y&constructor=1');
    assert.deepEqual(await fragmentOf(page), { pin: 'commit' });
    const commit = await page.locator('meta[name=commit]').getAttribute('content');
    assert.equal(await workflowOf(page), write({ pin: 'commit', commit }).workflow);
    assert.match(await workflowOf(page), /docker-auth@[0-9a-f]{40} # v\d+\.\d+\.\d+\n/);
  });

  const SECRETS = {
    'API key': 'rca_0123456789abcdef',
    'access token': 'ghp_0123456789abcdef',
    'JSON Web Token': 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
    'service account key': JSON.stringify({ type: 'service_account', private_key: '-----BEGIN PRIVATE KEY-----\nabcdefgh\n-----END PRIVATE KEY-----\n' }),
    'docker config': '{"auths":{"ghcr.io":{"auth":"Ym9iOmh1bnRlcjIy"}}}',
    'URL with a password': 'http://bob:hunter22@proxy.example.com:3128',
  };
  const FIELDS = ['api_key', 'server_id', 'registry_url', 'username', 'access_token', 'runs_on', 'timeout', 'api_url', 'ca_certificate', 'proxy'];

  test('refuses secrets in every field', async (t) => {
    const page = await open(t, 'mode=passthrough&registry=docker_hub&timeout=1&proxy=PROXY');
    await page.evaluate(() => {
      window.addresses = [];
      const replace = history.replaceState.bind(history);
      history.replaceState = (...args) => {
        window.addresses.push(String(args[2]));
        replace(...args);
      };
    });
    for (const [what, secret] of Object.entries(SECRETS)) {
      for (const field of FIELDS) {
        const control = page.locator(`#${field}`);
        await control.fill(`x ${secret}`);
        assert.equal(await control.inputValue(), '', `${what} in ${field}`);
        const problem = await page.locator(`#${field}-problem`).textContent();
        assert.match(problem, /^This looks like .+ and was removed\. This page needs no secrets: .+\.$/);
        assert.equal(await page.locator('#alert').textContent(), problem);
      }
    }
    const everything = await page.content() + (await page.evaluate(() => location.href)) + JSON.stringify(await page.evaluate(() => [window.addresses, { ...localStorage }, { ...sessionStorage }, document.cookie]));
    for (const secret of [...Object.values(SECRETS), '0123456789abcdef', 'abcdefgh', 'hunter22', 'c2lnbmF0dXJl']) {
      assert.ok(!everything.includes(secret) && !decodeURIComponent(everything.replaceAll('%', '%25')).includes(secret), secret);
    }
    // The refusal stays until the field is edited.
    await page.locator('#username').focus();
    await page.locator('#api_key').fill('MY_KEY');
    assert.equal(await page.locator('#api_key-problem').textContent(), '');
    assert.match(await workflowOf(page), /secrets\.MY_KEY/);
  });

  test('a secret that is typed gets neither into its field nor into the address', async (t) => {
    const page = await open(t);
    await page.evaluate(() => {
      window.addresses = [];
      history.replaceState = (...args) => window.addresses.push(String(args[2]));
    });
    const texts = { api_key: 'rca_0123456789', server_id: 'ghp_0123456789', proxy: 'http://bob:12345@proxy.example.com' };
    await page.getByText('API URL, private CA, proxy').click();
    for (const [field, secret] of Object.entries(texts)) {
      const control = page.locator(`#${field}`);
      await control.pressSequentially(secret);
      assert.equal(await control.inputValue(), '', field);
      assert.match(await page.locator(`#${field}-problem`).textContent(), /^This looks like .+ To type again, leave the field first\.$/);
    }
    assert.equal(await page.locator('#state').textContent(), '3 problems');
    // A password that looks like a name up to its last character.
    await page.locator('#credential_id').focus();
    await page.locator('#api_key').pressSequentially('hunter2!');
    assert.equal(await page.locator('#api_key').inputValue(), '');
    assert.deepEqual(await fragmentOf(page), {});
    assert.deepEqual(await page.evaluate(() => window.addresses), []);
    await page.locator('#api_key').pressSequentially('MY_KEY');
    assert.equal(await page.locator('#state').textContent(), '2 problems');
    await fragmentOf(page);
    assert.deepEqual(await page.evaluate(() => window.addresses), [`${page.site.url}#api_key=MY_KEY`]);
  });

  test('a secret in a link is removed from the address', async (t) => {
    const page = await open(t, `api_key=${SECRETS['API key']}&mode=${SECRETS['access token']}&platform=${SECRETS['access token']}&other=${SECRETS['access token']}&timeout=9`);
    assert.deepEqual(await fragmentOf(page), { timeout: '9' });
    assert.match(await page.locator('#api_key-problem').textContent(), /looks like a Reoclo API key/);
    assert.equal(await page.locator('#state').textContent(), '1 problem');
    assert.ok(!(await page.content()).includes('0123456789abcdef'));
  });

  test('markup in a field is text', async (t) => {
    const page = await open(t);
    const text = '<img src=x onerror=alert(1)></code><script>alert(1)</script>';
    await page.getByLabel('Server IDs').fill(text);
    assert.equal(await workflowOf(page), write({ server_id: text }).workflow);
    assert.equal(await page.locator('#workflow img, #workflow script').count(), 0);
  });

  test('the content security policy stops inline code, eval and other origins', async (t) => {
    const page = await open(t);
    const policy = await page.locator('meta[http-equiv=Content-Security-Policy]').getAttribute('content');
    assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|\*|https?:/);
    assert.equal(await page.locator('script:not([src]), style, [style], [onclick]').count(), 0);
    // On a page of its own, since what is stopped is an error in the console.
    const probe = await page.context().newPage();
    await probe.goto(page.site.url);
    await probe.waitForSelector('html[data-ready]');
    const results = await probe.evaluate(async () => {
      const violations = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violations.push(effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.head.append(script);
      const style = document.createElement('style');
      style.textContent = 'body { display: none }';
      document.head.append(style);
      const fetched = await fetch('https://example.com/').then(() => true, () => false);
      setTimeout('window.ran = true');
      await new Promise((resolve) => setTimeout(resolve, 1));
      return { ran: Boolean(window.ran), fetched, violations: [...new Set(violations)].toSorted() };
    });
    await probe.close();
    assert.deepEqual(results, { ran: false, fetched: false, violations: ['connect-src', 'script-src', 'script-src-elem', 'style-src-elem'] });
  });

  test('works below any path, in a frame of another site', async (t) => {
    const page = await open(t, '', { base: '/some/where/' });
    const inner = page.site.url.replace('127.0.0.1', 'localhost');
    const dashboard = await serve((_, response) => response.setHeader('content-type', 'text/html').end(`<iframe src="${inner}#timeout=9" width="900" height="900"></iframe>`));
    t.after(() => dashboard.stop());
    const outer = await page.context().newPage();
    await outer.goto(`http://${dashboard.host}/`);
    const frame = outer.frameLocator('iframe');
    await frame.locator('html[data-ready]').waitFor();
    assert.equal(await frame.locator('#workflow').textContent(), write({ timeout: '9' }).workflow);
    await frame.getByLabel('Server IDs').fill(ID);
    await frame.getByRole('button', { name: 'Copy workflow' }).click();
    await frame.getByRole('button', { name: 'Copied' }).waitFor();
    await outer.locator('body').focus();
    // The frame has no permission to use the clipboard itself.
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), write({ timeout: '9', server_id: ID }).workflow);
    await outer.close();
  });

  test('200 KB are transferred at most, from this origin alone', async (t) => {
    const page = await open(t);
    const bytes = page.site.requests.reduce((sum, request) => sum + request.bytes, 0);
    const urls = new Set(page.site.requests.map(({ url }) => url));
    assert.deepEqual([...urls].toSorted(), ['/', '/app.js', '/core.wasm', '/icon.svg', '/style.css']);
    t.diagnostic(`${bytes} bytes`);
    assert.ok(bytes <= 200_000, `${bytes} bytes`);
  });
});
