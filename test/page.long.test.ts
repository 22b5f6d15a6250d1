import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import axe from 'axe-core';
import { pino } from 'pino';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import * as z from 'zod';
import { chromiumArguments, chromiumPath } from '../demo/chromium.ts';
import { type Demo, serveDemo } from '../demo/serve-demo.ts';
import { type Mill, millrace } from '../src/engine/mill.ts';
import type { MillOptions } from '../src/engine/mill-options.ts';
import { MemoryTopic } from '../src/inlets/memory-inlet.fixture.test.ts';
import { pipeline } from '../src/pipeline/pipeline.ts';
import { digestOf, lineOf, newSecret } from '../src/server/access/token.ts';
import { createServer } from '../src/server/create-server.ts';
import { memory } from '../src/store/memory/memory-store.ts';
import { VirtualClock } from '../src/testing/virtual-clock.ts';
import { until } from './until.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'page', 'dist');
const secret = newSecret();
const scriptBytesMax = 120 * 1024;

const views = [
  ...['#/', '#/dead-letters', '#/pipelines/orders', '#/pipelines/invoices/keys/inv_00003', '#/deliveries?pipeline=orders'],
  ...['#/timers?pipeline=invoices', '#/schedules', '#/fleet', '#/audit', '#/gaps', '#/parked', '#/more', '#/nowhere'],
  ...['#/systems/rockets', '#/systems/accounts', '#/systems/messages', '#/systems/events', '#/systems/workers'],
];

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

/** Serves an engine in this process, without tokens, until the test ends. */
async function serve(t: TestContext, options: Omit<MillOptions, 'store'>): Promise<{ mill: Mill; url: string }> {
  const mill = (await millrace({ ...options, store: memory() }).start()) as Mill;
  const server = await createServer({ mill, systems: [], log: pino({ level: 'silent' }) });
  t.after(() => server.stop(1_000));
  return { mill, url: await server.listen({ host: '127.0.0.1', port: 0 }) };
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

describe('the operator’s page', { timeout: 300_000, skip: withoutChromium }, () => {
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

  test('the first paint waits for the page’s files and for what the token permits, not for figures', async (t) => {
    const { page, context } = await openTab();
    t.after(() => context.close());
    await signIn(page);
    const held = Promise.withResolvers<void>();
    // A request that is neither continued nor answered waits.
    await page.route('**', (route) => {
      const { pathname } = new URL(route.request().url());
      return ['/', '/access'].includes(pathname) || pathname.startsWith('/page/') ? route.continue() : held.resolve();
    });
    await page.reload();
    await held.promise;
    await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  });

  test('an operator signs in, sees what happens, and acts', async (t) => {
    const { page, context } = await openTab();
    t.after(() => context.close());

    await page.goto(demo.url);
    await page.getByLabel('Token').fill('millrace_none');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('does not know this token').waitFor();
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
    await page.getByRole('button', { name: 'Send with the next batch' }).click();
    await page.getByText('Accepted as').waitFor();
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

  test('operators’ acts are lines in the small charts of their pipeline', async (t) => {
    const { page, context } = await openTab();
    t.after(() => context.close());
    const act = (what: string) =>
      fetch(`${demo.url}/pipelines/stock/${what}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}` },
        body: JSON.stringify({ reason: 'an act to be drawn' }),
      });
    for (const what of ['pause', 'resume']) assert.equal((await act(what)).status, 200);
    await signIn(page);
    const chartsOf = (name: string) =>
      page.locator('.pipes tbody tr', { has: page.getByRole('link', { name, exact: false }) }).locator('svg.spark');
    const acts = chartsOf('stock').locator('.line-act');
    // An act lies in the window once the chart has a point after it.
    await until(async () => {
      const paths = await Promise.all((await acts.all()).map((path) => path.getAttribute('d')));
      return paths.length === 4 && paths.every((path) => /^(?:M[\d.]+ 0V28){2}$/.test(path ?? ''));
    });
    assert.match((await chartsOf('stock').first().getAttribute('aria-label')) ?? '', /; operators acted 2 times$/);
    assert.equal(await chartsOf('sales').locator('.line-act').count(), 0);
  });

  test('a long list keeps the rows near the window in the document, and the focus moves through all of them', async (t) => {
    const visits = pipeline('visits', {
      event: z.object({ page: z.string() }),
      key: ({ page }) => page,
      state: z.object({}),
      handle: () => ({}),
    });
    const { mill, url } = await serve(t, { pipelines: [visits] });
    const count = 400;
    await mill.ingestBatch(
      'visits',
      Array.from({ length: count }, (_, at) => ({ page: `page-${String(at).padStart(3, '0')}` })),
    );
    await mill.settled('visits', 60_000);
    const { page, context } = await openTab();
    t.after(() => context.close());
    await page.goto(`${url}/#/pipelines/visits`);
    const rows = page.locator('tr[data-row]');
    const link = (at: number) => page.getByRole('link', { name: `page-${String(at).padStart(3, '0')}` });
    const focused = () => page.evaluate<string | null>('document.activeElement.textContent');
    // The height of rows that were never drawn is an estimate, so the end may move on the way there.
    const scrollToEnd = () =>
      until(async () => {
        await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
        return link(count - 1).isVisible();
      });
    await link(0).waitFor();
    assert.equal(await rows.count(), 20);
    await page.getByRole('button', { name: 'Load more' }).click();
    // Further pages come by themselves as the end comes near.
    await until(async () => {
      await page.mouse.wheel(0, 2_000);
      return page.getByText(`${count} keys in all`).isVisible();
    });
    await scrollToEnd();
    assert.equal(await page.locator('table').first().getAttribute('aria-rowcount'), String(count + 1));
    await link(0).waitFor({ state: 'detached' });
    assert.ok((await rows.count()) <= 150, `${await rows.count()} rows in the document`);

    await page.evaluate('scrollTo(0, 0)');
    await link(count - 1).waitFor({ state: 'detached' });
    await link(0).focus();
    const heightBefore = await page.evaluate<number>('document.documentElement.scrollHeight');
    const reached: string[] = [];
    for (let at = 1; at <= 80; at += 1) {
      await page.keyboard.press('j');
      reached.push(
        await page.evaluate<string>("document.activeElement.textContent + ' ' + document.activeElement.closest('tr').ariaRowIndex"),
      );
    }
    // The first row is that of the heads.
    assert.deepEqual(
      reached,
      Array.from({ length: 80 }, (_, at) => `page-${String(at + 1).padStart(3, '0')} ${at + 3}`),
    );
    assert.equal(await link(80).isVisible(), true);
    await page.keyboard.press('k');
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'page-080');
    // Rows that come and go change the height of the page by a few pixels at most.
    assert.ok(Math.abs((await page.evaluate<number>('document.documentElement.scrollHeight')) - heightBefore) < 40);

    // The row with the focus stays, however far the window is from it.
    await scrollToEnd();
    await link(200).waitFor({ state: 'detached' });
    assert.equal(await focused(), 'page-080');
    await page.keyboard.press('j');
    assert.equal(await focused(), 'page-081');
  });

  test('the panel of a topic shows the partitions that lag most, and what holds one up', async (t) => {
    const topic = new MemoryTopic(12);
    const steps = pipeline('steps', {
      event: z.object({ key: z.string() }),
      key: ({ key }) => key,
      state: z.object({}),
      from: topic.inlet(),
      retry: { attempts: 1 },
      handle() {
        throw new Error('poison');
      },
    });
    const value = JSON.stringify({ key: 'poisoned' });
    await topic.produce(7, [{ value }, { value }, { value }]);
    const clock = new VirtualClock(Date.now());
    const { mill, url } = await serve(t, { pipelines: [steps], limits: { pendingPerKey: 1 }, clock });
    await until(() => {
      clock.turnToNextAlarm(clock.now() + 500);
      return (mill.source('steps')?.troubles.length ?? 0) > 0;
    });
    const { page, context } = await openTab();
    t.after(() => context.close());
    await page.goto(`${url}/#/pipelines/steps`);
    const panel = page.getByRole('region', { name: 'Topic' });
    await panel.getByText('2 records left to read in 12 partitions, 1 held up').waitFor();
    assert.equal(await panel.locator('tbody tr').count(), 10);
    const held = panel.locator('tbody tr', { hasText: 'Held up' });
    assert.match((await held.textContent()) ?? '', /^7Held up: key poisoned: 1 events already wait for it.*132$/);
    // Its row says so already.
    assert.equal(await panel.locator('.notice').count(), 0);
    await panel.getByRole('button', { name: 'Show all 12' }).click();
    assert.equal(await panel.locator('tbody tr').count(), 12);

    await show(page, '#/');
    const why = page.locator('.wait', { hasText: 'partition held up in steps' }).locator('.why');
    await why.waitFor();
    assert.match(
      (await why.textContent()) ?? '',
      /^Partition 7 of memory:topic is held up, since its next record has no room: key poisoned: /,
    );
    assert.equal(await why.evaluate((element) => element.scrollWidth <= element.clientWidth), true);
  });

  test('more than a hundred groups of dead letters come page by page', async (t) => {
    const mails = pipeline('mails', {
      event: z.object({ to: z.string() }),
      retry: { attempts: 1 },
      handle({ to }) {
        throw new Error(`no mailbox for ${to}`);
      },
    });
    const { mill, url } = await serve(t, { pipelines: [mails] });
    // Words without digits, each of which makes a group of its own.
    const wordOf = (at: number) => String(at).replace(/\d/g, (digit) => 'ghijklmnop'.charAt(Number(digit)));
    await mill.ingestBatch(
      'mails',
      Array.from({ length: 120 }, (_, at) => ({ to: wordOf(at) })),
    );
    await mill.settled('mails', 60_000);
    const { page, context } = await openTab();
    t.after(() => context.close());
    await page.goto(`${url}/#/dead-letters`);
    await page.getByText('100 letters in 100 groups so far').waitFor();
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('120 letters in 120 groups').waitFor();
    await page.getByText('120 groups in all').waitFor();
  });

  test('nothing scrolls sideways on a phone but the picture of a timeline', async (t) => {
    const { page, context } = await openTab({ viewport: { width: 390, height: 844 }, hasTouch: true });
    t.after(() => context.close());
    await signIn(page);
    const wide: string[] = [];
    const look = async (view: string) => {
      await show(page, view);
      await page.waitForTimeout(150);
      const found = await page.evaluate<
        readonly string[]
      >(`[document.documentElement, ...document.querySelectorAll('.scroll:not(.timeline)')]
        .filter((element) => element.scrollWidth > element.clientWidth)
        .map((element) => element.tagName + ' ' + element.scrollWidth + ' > ' + element.clientWidth)`);
      for (const what of found) wide.push(`${view}: ${what}`);
    };
    for (const view of views) await look(view);

    // Keys as long as UUIDs, in every state that has something to say.
    const numbered = pipeline('numbered', {
      event: z.object({ key: z.string(), number: z.int() }),
      key: ({ key }) => key,
      order: { by: ({ number }) => number },
      state: z.object({}),
      retry: { attempts: 1 },
      handle({ key }) {
        if (key.startsWith('parked')) throw new Error('a reason that is long enough to need more than the width of a phone');
        return {};
      },
    });
    const { mill, url } = await serve(t, { pipelines: [numbered] });
    const rest = 'f-c240-4ff9-847b-0f6ebf956a6e';
    for (const key of [`parked-${rest}`, `open-829-${rest}`]) await mill.ingest('numbered', { key, number: 1 });
    await mill.settled('numbered', 60_000);
    await mill.ingest('numbered', { key: `waiting-${rest}`, number: 12_345 });
    await page.goto(url);
    await page.getByRole('heading', { name: 'Overview', exact: true }).waitFor();
    for (const view of ['#/pipelines/numbered', '#/parked', '#/gaps', '#/dead-letters', '#/', `#/pipelines/numbered/keys/parked-${rest}`])
      await look(view);
    assert.deepEqual(wide, []);
  });

  test('each view is accessible, in both themes and on a phone', async (t) => {
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
