import assert from 'node:assert/strict';
import { join } from 'node:path';
import * as z from 'zod';
import { type Logger, millrace, pipeline, sqlite } from '../../../src/index.ts';
import type { Block } from '../block.ts';
import { assertPrinted } from '../expected-output.ts';
import type { Workshop } from '../workshop.ts';

const event = z.object({ id: z.string(), does: z.enum(['wait', 'deliver', 'fail', 'nothing']) });
type Order = z.infer<typeof event>;
const common = {
  event,
  key: (order: Order) => order.id,
  state: z.object({ id: z.string() }),
  onGiveUp: 'skip',
  retry: { attempts: 1 },
} as const;

const release1 = pipeline('orders', {
  ...common,
  timers: { unpaid: () => undefined },
  deliver: { shop: { to: { call: async () => ({ result: 'failed', reason: 'status 503' }) } } },
  handle({ id, does }, _state, turn) {
    if (does === 'fail') throw new Error('not an order');
    if (does === 'wait') turn.timers.set('unpaid', { after: '7d' });
    if (does === 'deliver') turn.deliver('shop', { id });
    return { id };
  },
});
const release2 = pipeline('orders', { ...common, handle: () => undefined });

/** The page's database: of its orders 40 have a timer, 12 a delivery, and 1 has failed. */
async function fill(path: string): Promise<void> {
  const mill = await millrace({ store: sqlite(path), pipelines: [release1] }).start();
  const orders = Array.from({ length: 1_205 }, (_, at): Order => {
    return { id: `order-${at}`, does: at < 40 ? 'wait' : at < 52 ? 'deliver' : at === 52 ? 'fail' : 'nothing' };
  });
  await mill.ingestBatch('orders', orders.slice(0, 1_000));
  await mill.ingestBatch('orders', orders.slice(1_000));
  assert.ok(await mill.settled('orders', 30_000));
  await mill.stop();
}

/** Compares the log lines of a start without the timer and the endpoint with the block. */
export async function linesOfLeftovers({ text }: Block, workshop: Workshop): Promise<void> {
  const path = join(workshop.root, 'leftovers.db');
  await fill(path);
  const expected = text.split('\n').map((line) => JSON.parse(line));
  const logged: object[] = [];
  const complete = Promise.withResolvers<void>();
  const ignore = () => undefined;
  const warn: Logger['warn'] = (fields, msg) => {
    logged.push({ ...Object(fields), msg });
    // The lines of all leftovers appear at once.
    setImmediate(complete.resolve);
  };
  const log: Logger = { debug: ignore, info: ignore, warn, error: ignore, child: () => log };
  const mill = await millrace({ store: sqlite(path), pipelines: [release2], log }).start();
  await complete.promise;
  await mill.stop();
  const byText = (lines: readonly object[]) => lines.map((line) => JSON.stringify(line)).toSorted();
  assert.deepEqual(byText(logged), byText(expected));
}

/** Compares the output of `millrace store list` for the same database with the block. */
export async function inventoryOfLeftovers({ text }: Block, workshop: Workshop): Promise<void> {
  const path = join(workshop.root, 'inventory.db');
  await fill(path);
  const [, command = '', printed = ''] = /^\$ ([^\n]+)\n(.*)$/s.exec(text) ?? [];
  const words = command.replace('./data/millrace.db', path).split(' ');
  assertPrinted(await workshop.run(workshop.root, 'bash', ['-c', words.join(' ')]), printed.replace('/srv/data/millrace.db', path));
}
