import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumArguments, chromiumPath } from '../demo/chromium.ts';
import { type Demo, serveDemo } from '../demo/serve-demo.ts';
import { digestOf, lineOf, newSecret } from '../src/server/access/token.ts';
import { until } from './until.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'page', 'dist');
const secret = newSecret();
const scriptBytesMax = 120 * 1024;
const firstPaintMsMax = 300;

let demo: Demo;
let browser: Browser;
/** Console errors of the pages that a developer would investigate. */
const complaints: string[] = [];

/** Opens a tab and collects its console errors; only a refused token may cause one. */
async function openTab(options: Parameters<Browser['newContext']>[0] = {}): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.stack ?? error.message}`));
  return { page, context };
}

async function signIn(page: Page): Promise<void> {
  await page.goto(demo.url);
  await page.getByLabel('Token').fill(secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', exact: true }).waitFor();
}

/** Opens a view, and waits until it has loaded its contents. */
async function show(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await page.locator('main h1').waitFor();
  await page.getByRole('main').getByText('Loading', { exact: true }).first().waitFor({ state: 'detached' });
}

async function jumpTo(page: Page, text: string): Promise<void> {
  await page.locator('main').focus();
  await page.keyboard.press('/');
  await page.getByRole('combobox', { name: 'Jump to' }).fill(text);
  await page.getByRole('option', { name: text }).first().waitFor();
  await page.keyboard.press('Enter');
}

/** Presses a button that asks for a reason, gives one, and confirms. */
async function confirm(page: Page, button: string | RegExp, action: string | RegExp): Promise<void> {
  await page.getByRole('main').getByRole('button', { name: button }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('the test does so');
  await page.getByRole('dialog').getByRole('button', { name: action }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** Returns axe's findings on a page. */
async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: { run(): Promise<{ violations: unknown[] }> } }).axe.run();
    return JSON.stringify(violations);
  });
  const violations = JSON.parse(found) as { id: string; nodes: { html: string; failureSummary: string }[] }[];
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
}

/** The reason to skip these tests; false where Chromium is available, or required. */
const withoutChromium =
  existsSync(chromiumPath) || process.env.TEST_SERVERS === 'required' ? false : `needs Chromium at ${chromiumPath}, or where CHROMIUM says`;

describe('the operator’s page', { timeout: 120_000, skip: withoutChromium }, () => {
  before(async () => {
    execFileSync(process.execPath, [join(root, 'page', 'build.ts')]);
    const lines = lineOf({ name: 'ann', role: 'operate', digest: digestOf(secret), pipelines: undefined });
    demo = await serveDemo({ port: 0, database: 'memory:', tokens: { lines, secret } });
    browser = await chromium.launch({ executablePath: chromiumPath, args: [...chromiumArguments] });
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  test('its script is small, and loads nothing from elsewhere', () => {
    const scripts = readdirSync(dist).filter((name) => name.endsWith('.js.br'));
    const bytes = scripts.reduce((sum, name) => sum + statSync(join(dist, name)).size, 0);
    assert.ok(scripts.length > 0 && bytes <= scriptBytesMax, `${bytes} bytes`);
    const html = readFileSync(join(dist, 'index.html'), 'utf8');
    assert.doesNotMatch(html, /(?:src|href)="(?!\/|data:)/);
    assert.doesNotMatch(html, /<script(?![^>]+src=)|<style/);
  });

  test('the first paint is immediate', async () => {
    const { page, context } = await openTab();
    const paints: number[] = [];
    // The first load also starts Chromium; other loads may be slow if tests run beside this one.
    for (let round = 0; round < 4; round += 1) {
      await page.goto(demo.url);
      await page.getByLabel('Token').waitFor();
      const paint = await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
      paints.push(Number(await paint.jsonValue()));
    }
    await context.close();
    assert.ok(Math.min(...paints) <= firstPaintMsMax, `${paints}`);
  });

  test('an operator signs in, sees what happens, and acts', async (t) => {
    const { page, context } = await openTab();
    t.after(() => context.close());

    await page.goto(demo.url);
    await page.getByLabel('Token').fill('millrace_none');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('not known here').waitFor();
    await signIn(page);

    const out = page.locator('[data-figure="rockets.out"]');
    const first = await out.textContent();
    await until(async () => (await out.textContent()) !== first);

    await jumpTo(page, 'inv_00003');
    await page.locator('[data-status="parked"]').waitFor();
    assert.match((await page.locator('main h1').textContent()) ?? '', /invoices\s*\/\s*inv_00003/);
    await page.locator('main').getByText('no exchange rate for TRY').first().waitFor();

    await jumpTo(page, 'acc_1');
    await confirm(page, 'Park…', 'Park');
    await page.locator('[data-status="parked"]').waitFor();
    await confirm(page, 'Resume…', 'Resume');
    await page.locator('[data-status="open"]').waitFor();

    demo.bringRate();
    await show(page, '#/dead-letters?pipeline=invoices');
    await page.locator('.letters tbody input').first().check();
    await page.getByText('Dry run: would redrive').waitFor();
    await confirm(page, /^Redrive \d/, /^Redrive \d/);
    await page.locator('[data-operation="starting"]').waitFor();
    await page.locator('[data-operation="ended"]').waitFor();
    assert.match((await page.locator('[data-operation="ended"]').textContent()) ?? '', /[1-9]\d* letters? redriven/);
    await show(page, '#/pipelines/invoices/keys/inv_00003');
    await page.locator('[data-status="open"]').waitFor();

    await show(page, '#/pipelines/workers');
    await confirm(page, 'Pause…', 'Pause');
    await page.getByRole('button', { name: 'Resume…' }).waitFor();
    await page.locator('main h1').getByText('paused').waitFor();
    await confirm(page, 'Resume…', 'Resume');
    await page.locator('main h1').getByText('flowing').waitFor();

    await show(page, '#/systems/messages');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.locator('[data-scheduler="stopped"]').waitFor();
    await page.getByRole('textbox', { name: 'To' }).fill('+905551234567');
    await page.getByRole('textbox', { name: 'Content' }).fill('The wheel turns');
    await page.getByRole('button', { name: 'Send it with the next batch' }).click();
    await page.getByText('Taken in as').waitFor();
    await page.getByRole('cell', { name: 'The wheel turns' }).first().waitFor();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.locator('[data-scheduler="running"]').waitFor();

    await show(page, '#/audit');
    await page.getByRole('cell', { name: 'the test does so' }).first().waitFor();
    await page.getByRole('rowheader', { name: 'ann' }).first().waitFor();
  });

  test('an operator reads what happened to a key', async (t) => {
    const { page, context } = await openTab();
    t.after(() => context.close());
    await signIn(page);
    const path = '/pipelines/invoices/keys/inv_00003/timeline';
    const answer = await fetch(`${demo.url}${path}`, { headers: { authorization: `Bearer ${secret}` } });
    if (answer.status === 404) return t.skip('this server keeps no timelines');
    await show(page, '#/pipelines/invoices/keys/inv_00003');
    await page.locator('.story li[data-item]').nth(2).waitFor();
    assert.match((await page.locator('.story').textContent()) ?? '', /no exchange rate for TRY/);
    await page.locator('.timeline svg .bad').first().waitFor();
    await page.locator('.timeline').focus();
    await page.keyboard.press('ArrowLeft');
    await page.locator('.story .is-chosen').waitFor();
  });

  test('each view is accessible, in both themes and on a phone', async (t) => {
    const views = [
      ...['#/', '#/dead-letters', '#/pipelines/orders', '#/pipelines/invoices/keys/inv_00003', '#/deliveries?pipeline=orders'],
      ...['#/timers?pipeline=invoices', '#/schedules', '#/fleet', '#/audit', '#/gaps', '#/parked', '#/more', '#/nowhere'],
      ...['#/systems/rockets', '#/systems/accounts', '#/systems/messages', '#/systems/events', '#/systems/workers'],
    ];
    // Views built from the same parts are examined again only where they differ.
    const main = views.slice(0, 5);
    const tabs = [
      { options: { colorScheme: 'light', viewport: { width: 1440, height: 900 } }, shown: views },
      { options: { colorScheme: 'dark', viewport: { width: 1440, height: 900 } }, shown: main },
      {
        options: { colorScheme: 'dark', viewport: { width: 390, height: 844 }, hasTouch: true },
        shown: [...main, '#/fleet', '#/systems/events', '#/more'],
      },
    ] as const;
    const found: string[] = [];
    for (const { options, shown } of tabs) {
      const { page, context } = await openTab(options);
      t.after(() => context.close());
      await signIn(page);
      const what = `${options.colorScheme}, ${options.viewport.width}`;
      for (const view of shown) {
        await show(page, view);
        await page.waitForTimeout(150);
        for (const violation of await violationsOf(page)) found.push(`${view}, ${what}: ${violation}`);
        const isWider = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        if (isWider) found.push(`${view}, ${what}: it scrolls sideways`);
      }
    }
    assert.deepEqual(found, []);
  });

  test('a key toggles the theme, and another lists the keys', async (t) => {
    const { page, context } = await openTab({ colorScheme: 'light' });
    t.after(() => context.close());
    await signIn(page);
    await page.locator('main').focus();
    await page.keyboard.press('t');
    assert.equal(await page.evaluate('document.documentElement.dataset.theme'), 'dark');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await page.getByRole('heading', { name: 'Fleet', exact: true }).first().waitFor();
  });

  test('nothing reported an error', () => {
    assert.deepEqual(complaints, []);
  });
});
