import assert from 'node:assert/strict';
import test from 'node:test';
import * as z from 'zod';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { millrace } from './mill.ts';
import type { MillOptions } from './mill-options.ts';

const orders = pipeline('orders', { event: z.object({}), handle: () => undefined });
const other = pipeline('orders', { event: z.object({ id: z.string() }), handle: () => undefined });

/** Accepts anything, like a program without a compiler. */
const make = (options: unknown) => millrace(options as MillOptions);

const refused: readonly (readonly [options: object, message: string])[] = [
  [{ logger: console }, 'logger is no option; did you mean log?'],
  [{ log: console }, "log: expected a logger, such as pino's, found an object without a function child"],
  [{ store: undefined }, "store: expected a store, such as sqlite('data/millrace.db') or memory(), found nothing"],
  [{ store: memory }, "store: expected a store, such as sqlite('data/millrace.db') or memory(), found a function"],
  [{ store: {} }, "store: expected a store, such as sqlite('data/millrace.db') or memory(), found an object without a function open"],
  [{ pipelines: orders }, 'pipelines: expected an array of pipelines, found the pipeline orders itself; write [orders]'],
  [{ pipelines: undefined }, 'pipelines: expected an array of pipelines, found nothing'],
  [{ pipelines: [{ name: 'orders' }] }, 'pipelines[0]: expected a pipeline, made by pipeline(…), found {"name":"orders"}'],
  [{ limits: { backLog: 5 } }, 'limits.backLog is no option; did you mean backlog?'],
  [{ limits: { backlog: Number.POSITIVE_INFINITY } }, 'limits.backlog: expected an integer of at least 1, found Infinity'],
  [
    { limits: { backlog: 5, sends: 199_999 } },
    'limits.sends: expected at least 200000, twice the larger of backlog and effects, found 199999',
  ],
  [{ clock: Date }, 'clock: expected a clock, found a function'],
  [{ random: 5 }, 'random: expected a synchronous function, such as Math.random, found 5'],
  [{ tracing: () => undefined }, 'tracing: expected an object that starts spans, such as openTelemetry() returns, found a function'],
];

for (const [options, message] of refused) {
  test(`impossible engine options are refused: ${message}`, () => {
    assert.throws(() => make({ store: memory(), pipelines: [orders], ...options }), {
      code: 'MILL_INVALID_CONFIGURATION',
      message: `millrace: ${message}`,
    });
  });
}

test('an engine needs options', () => {
  assert.throws(() => make(undefined), { message: /^millrace: expected an object of options .* found nothing$/ });
});

test('a pipeline listed twice is named, and so are two with the same name', () => {
  for (const pipelines of [
    [orders, orders],
    [orders, other],
  ]) {
    assert.throws(() => make({ store: memory(), pipelines }), {
      code: 'MILL_INVALID_DECLARATION',
      message: 'pipelines: expected each name once, found orders twice',
    });
  }
});

test('an undefined limit keeps its default', async () => {
  const mill = make({ store: memory(), pipelines: [orders], limits: { batch: undefined, backlog: 2 } });
  await mill.start();
  await assert.rejects(mill.ingestBatch('orders', [{}, {}, {}]), { code: 'MILL_BACKLOG_FULL' });
  await mill.stop();
});
