/**
 * Measures the page's first paint, and memory while the live feed runs: the demo under its traffic, the page in Chromium, and further followers of `GET /live`.
 * `node live-feed.ts --minutes 10 --followers 8`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type CDPSession, chromium } from 'playwright-core';
import { chromiumArguments, chromiumPath } from '../demo/chromium.ts';
import { serveDemo } from '../demo/serve-demo.ts';
import { InspectedHeap } from './measures/inspected-heap.ts';
import { slopeOf } from './measures/slope.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    followers: { type: 'string', default: '8' },
    'every-seconds': { type: 'string', default: '30' },
  },
});
const [minutes, followers, everySeconds] = [values.minutes, values.followers, values['every-seconds']].map(Number) as [
  number,
  number,
  number,
];
const mebibyte = 1024 * 1024;

/** The measurements at one moment. */
interface Sample {
  readonly minute: number;
  /** Resident memory of the server, in MiB. */
  readonly server: number;
  /** JavaScript heap of the server's main thread after a garbage collection, in MiB. */
  readonly heap: number;
  /** JavaScript heap of the page after a garbage collection, in MiB. */
  readonly page: number;
  readonly nodes: number;
  readonly listeners: number;
  /** Messages received by the followers. */
  readonly messages: number;
}

/** Reads the feed until it is aborted; counts its messages. */
async function follow(url: string, signal: AbortSignal, had: () => void): Promise<void> {
  const { body } = await fetch(`${url}/live`, { signal });
  if (body === null) throw new Error('the feed has no body');
  for await (const text of body.pipeThrough(new TextDecoderStream())) for (const _ of text.matchAll(/^data: /gm)) had();
}

async function residentOf(url: string): Promise<number> {
  const { now } = (await (await fetch(`${url}/engine`)).json()) as { now: { rssBytes: number } };
  return now.rssBytes / mebibyte;
}

async function pageOf(session: CDPSession): Promise<Pick<Sample, 'page' | 'nodes' | 'listeners'>> {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return { page: of('JSHeapUsedSize') / mebibyte, nodes: of('Nodes'), listeners: of('JSEventListeners') };
}

function lineOf({ minute, server, heap: used, page: ofPage, nodes, listeners, messages }: Sample): string {
  const memory = [server.toFixed(1).padStart(11), used.toFixed(2).padStart(13), ofPage.toFixed(2).padStart(9)];
  return [minute.toFixed(1).padStart(6), ...memory, `${nodes}`.padStart(7), `${listeners}`.padStart(10), `${messages}`.padStart(9)].join(
    ' ',
  );
}

const folder = await mkdtemp(join(tmpdir(), 'millrace-live-feed-'));
const heap = await InspectedHeap.prepare();
const demo = await serveDemo({ port: 0, database: join(folder, 'mill.db'), nodeOptions: heap.nodeOptions });
const browser = await chromium.launch({ executablePath: chromiumPath, args: [...chromiumArguments] });
const ended = new AbortController();
const failures: string[] = [];
const samples: Sample[] = [];
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 920 } });
  page.on('pageerror', (error) => failures.push(String(error)));
  await page.goto(`${demo.url}/#/`);
  await page.locator('h1').first().waitFor();
  const firstPaint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  process.stdout.write(`first paint after ${firstPaint?.toFixed(0)} ms\n`);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  let messages = 0;
  const following = Array.from({ length: followers }, () =>
    follow(demo.url, ended.signal, () => {
      messages += 1;
    }).catch((error: unknown) => {
      if (!ended.signal.aborted) failures.push(String(error));
    }),
  );
  process.stdout.write('minute  server MiB  its heap MiB  page MiB   nodes  listeners  messages\n');
  const startedAt = performance.now();
  for (let due = 0; due <= minutes * 60; due += everySeconds) {
    await pause(Math.max(0, due * 1000 - (performance.now() - startedAt)));
    const server = await residentOf(demo.url);
    const sample = { minute: due / 60, server, heap: await heap.used(), ...(await pageOf(session)), messages };
    samples.push(sample);
    process.stdout.write(`${lineOf(sample)}\n`);
  }
  ended.abort();
  await Promise.all(following);
} finally {
  heap.close();
  await browser.close();
  await demo.stop();
  await rm(folder, { recursive: true, force: true });
}
// The first half warms up: code is compiled, and each chart fills its window.
const settled = samples.slice(Math.floor(samples.length / 2));
const slope = (of: (sample: Sample) => number) => slopeOf(settled.map((sample) => [sample.minute, of(sample)])).toFixed(3);
process.stdout.write(
  `in the second half, MiB a minute: server ${slope(({ server }) => server)}, its heap ${slope(({ heap: used }) => used)}, page ${slope(({ page }) => page)}\n`,
);
if (failures.length > 0) throw new Error(`the page or a follower failed: ${failures.slice(0, 3).join('; ')}`);
