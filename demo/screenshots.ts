/**
 * `npm run screenshots`: takes pictures of every view into docs/screenshots, after the demo has run for a while. Needs Chromium and a built
 * page.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { digestOf, lineOf, newSecret } from '../src/server/access/token.ts';
import { chromiumArguments, chromiumPath } from './chromium.ts';
import { serveDemo } from './serve-demo.ts';

const { values } = parseArgs({
  options: { url: { type: 'string' }, only: { type: 'string' }, 'wait-seconds': { type: 'string', default: '75' } },
});
const folder = join(import.meta.dirname, '..', 'docs', 'screenshots');
mkdirSync(folder, { recursive: true });

interface Shot {
  readonly name: string;
  readonly hash: string;
  readonly themes?: readonly ('light' | 'dark')[];
  readonly isPhone?: boolean;
  /** The whole page, not only the part that fits the window. */
  readonly isWhole?: boolean;
  /** Acts as a user would before the picture is taken. */
  act?(page: Page): Promise<void>;
}

async function openFirstGroup(page: Page): Promise<void> {
  await page.locator('.letters button.open').first().click();
  await page.locator('.letters .member button').first().click();
  await page.locator('.letters tbody input').first().check();
  await page.locator('.selection').waitFor();
}

/** The warehouse is down for part of each minute: then deliveries wait. */
async function awaitDeliveries(page: Page): Promise<void> {
  for (let tries = 0; tries < 60 && (await page.locator('main tbody tr').count()) < 4; tries += 1) {
    await page.waitForTimeout(1_000);
    await page.getByRole('button', { name: 'Refresh' }).click();
  }
}

/** Chooses a turn that was retried. */
async function chooseTurn(page: Page): Promise<void> {
  await page.locator('.story button.item-row').filter({ hasText: 'Handled' }).last().click();
}

/** The token of the operator whose name the pictures show; a server of `--url` requires none. */
const secret = newSecret();
const headers: Readonly<Record<string, string>> = values.url === undefined ? { authorization: `Bearer ${secret}` } : {};

/** Redrives the first parked invoice, once there is a rate for it, so that its story has an end. */
async function redriveFirst(url: string): Promise<void> {
  const answer = await fetch(`${url}/dead-letters?pipeline=invoices&key=${firstParked}`, { headers });
  const { items } = (await answer.json()) as { items: readonly { id: string }[] };
  const [letter] = items;
  if (letter === undefined) return;
  const body = JSON.stringify({ reason: 'the rate for TRY has arrived' });
  await fetch(`${url}/dead-letters/${letter.id}/redrive`, { method: 'POST', headers, body });
}

/** Pauses orders for a moment, so that its charts show what people did. */
async function pauseOrders(url: string): Promise<void> {
  const act = (what: string, reason: string) =>
    fetch(`${url}/pipelines/orders/${what}`, { method: 'POST', headers, body: JSON.stringify({ reason }) });
  await act('pause', 'a look at the warehouse');
  await new Promise((resolve) => setTimeout(resolve, pausedMs));
  await act('resume', 'the warehouse is up');
}

/** The time from the pause of orders to the pictures, and the length of the pause. */
const pausedBeforeMs = 30_000;
const pausedMs = 8_000;
/** The third invoice is the first whose currency has no rate. */
const firstParked = 'inv_00003';
const both = ['light', 'dark'] as const;
const shots: readonly Shot[] = [
  { name: 'overview', hash: '#/', themes: both, isWhole: true },
  { name: 'key', hash: `#/pipelines/invoices/keys/${firstParked}`, themes: both, isWhole: true, act: chooseTurn },
  { name: 'key-order', hash: '#/pipelines/orders/keys/ord_00001' },
  { name: 'dead-letters', hash: '#/dead-letters', act: openFirstGroup },
  { name: 'pipeline', hash: '#/pipelines/orders' },
  { name: 'deliveries', hash: '#/deliveries?pipeline=orders', act: awaitDeliveries },
  { name: 'timers', hash: '#/timers?pipeline=orders' },
  { name: 'schedules', hash: '#/schedules' },
  { name: 'fleet', hash: '#/fleet' },
  { name: 'audit', hash: '#/audit' },
  { name: 'gaps', hash: '#/gaps' },
  { name: 'rockets', hash: '#/systems/rockets' },
  { name: 'accounts', hash: '#/systems/accounts' },
  { name: 'messages', hash: '#/systems/messages' },
  { name: 'events', hash: '#/systems/events' },
  { name: 'workers', hash: '#/systems/workers' },
  { name: 'phone', hash: '#/', isPhone: true, themes: ['dark'] },
  { name: 'phone-key', hash: `#/pipelines/invoices/keys/${firstParked}`, isPhone: true, themes: ['light'] },
];

async function take(browser: Browser, url: string, shot: Shot, theme: 'light' | 'dark'): Promise<void> {
  const viewport = shot.isPhone === true ? { width: 390, height: 844 } : { width: 1280, height: 920 };
  const context = await browser.newContext({ viewport, colorScheme: theme, deviceScaleFactor: 1 });
  if (values.url === undefined) await context.addInitScript(`sessionStorage.setItem('millrace.token', ${JSON.stringify(secret)})`);
  const page = await context.newPage();
  await page.goto(`${url}/${shot.hash}`);
  await page.locator('h1').first().waitFor();
  await page.waitForTimeout(1_500);
  await shot.act?.(page);
  await page.waitForTimeout(700);
  const name = shot.themes !== undefined && shot.themes.length > 1 ? `${shot.name}-${theme}` : shot.name;
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: shot.isWhole === true });
  await context.close();
}

const tokens = { lines: lineOf({ name: 'ann', role: 'operate', digest: digestOf(secret), pipelines: undefined }), secret };
const demo = values.url === undefined ? await serveDemo({ port: 0, database: 'memory:', tokens }) : undefined;
if (demo !== undefined) setTimeout(demo.bringRate, 45_000).unref();
const url = values.url ?? demo?.url ?? '';
const browser = await chromium.launch({ executablePath: chromiumPath, args: [...chromiumArguments] });
try {
  if (demo !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, Number(values['wait-seconds']) * 1_000 - pausedBeforeMs));
    await pauseOrders(url);
    await new Promise((resolve) => setTimeout(resolve, pausedBeforeMs - pausedMs));
  }
  await redriveFirst(url);
  for (const shot of shots.filter(({ name }) => values.only === undefined || values.only.split(',').includes(name))) {
    for (const theme of shot.themes ?? ['light']) await take(browser, url, shot, theme);
  }
} finally {
  await browser.close();
  await demo?.stop();
}
