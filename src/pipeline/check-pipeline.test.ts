import assert from 'node:assert/strict';
import test from 'node:test';
import * as z from 'zod';
import { pipeline } from './pipeline.ts';
import { table } from './table.ts';

const event = z.object({ id: z.string() });
const key = ({ id }: z.infer<typeof event>) => id;
const handle = () => undefined;
const pages = table('pages', { page: 'text' });

/** Declares a pipeline without type checks, as a JavaScript program may. */
const declare = (options: object) => pipeline('orders', { event, key, handle, ...options } as never);

const refused: readonly (readonly [options: object, message: string])[] = [
  [{ timeOut: '5s' }, 'timeOut is no option; did you mean timeout?'],
  [{ onGiveUp: 'drop' }, 'onGiveUp: expected park or skip, found "drop"'],
  [{ retry: 3 }, 'retry: expected an object of options (attempts, backoff, maxBackoff, jitter), found 3'],
  [{ retry: { attempt: 3 } }, 'retry.attempt is no option; did you mean attempts?'],
  [{ retry: { jitter: 2 } }, 'retry.jitter: expected a number from 0 to 1, found 2'],
  [{ timers: { t: 5 } }, 'timers.t: expected a function, found 5'],
  [{ timers: { 'a/b': handle } }, 'timers: expected names of well-formed text without / and U+0000, found "a/b"'],
  [{ key: 'id' }, 'key: expected a synchronous function, such as (event) => event.id, found "id"'],
  [{ key: async () => 'a' }, 'key: expected a synchronous function, such as (event) => event.id, found an async function'],
  [{ order: { by: 'n' } }, 'order.by: expected a synchronous function, such as (event) => event.number, found "n"'],
  [{ order: { by: () => 1, gap: 'skip' } }, 'order.gap: expected wait or { skipAfter: \'5m\' }, found "skip"'],
  [{ order: { by: () => 1, gap: { skipafter: 5 } } }, 'order.gap.skipafter is no option; did you mean skipAfter?'],
  [{ event: { type: 'object' } }, 'event: expected a Standard Schema, such as one of zod, found {"type":"object"}'],
  [{ handle: Promise.resolve(handle) }, 'handle: expected a function, found a promise'],
  [{ handle: class Handler {} }, 'handle: expected a function, found a class'],
  [{ handle: undefined }, 'handle: expected a function, found nothing'],
  [{ handle: function* () {} }, 'handle: expected a function, found a generator function'],
  [
    { state: { n: 'number' } },
    'state: expected a Standard Schema, such as one of zod, or { schema, version, upgrade }, found {"n":"number"}',
  ],
  [{ state: { schema: event, version: 0, upgrade: handle } }, 'state.version: expected an integer of at least 1, found 0'],
  [{ tables: pages }, 'tables: expected an object of tables, found the table pages itself; write { pages }'],
  [
    { tables: [pages] },
    'tables: expected an object of tables by name, found [{"name":"pages","columns":{"page":"text"},"primaryKey":[],"…',
  ],
  [{ deliver: { shop: { to: class Transport {} } } }, 'deliver.shop.to: expected a transport, such as http(…), found a class'],
  [{ deliver: { shop: { to: {} } } }, 'deliver.shop.to: expected a transport, such as http(…), found an object without a function call'],
  [{ deliver: { Shop: {} } }, 'deliver: expected names of lower-case letters, digits and _, at most 40, found "Shop"'],
  [{ schedule: { evry: '5m', source: () => [] } }, 'schedule.evry is no option; did you mean every?'],
  [
    { schedule: { every: '5m', timezone: 'Europe/Berlin', source: () => [] } },
    'schedule.timezone: not allowed with every, which counts elapsed time',
  ],
  [
    { timeout: 'soon' },
    'timeout: expected milliseconds or a duration such as 500ms, 5s, 2m, 24h or 7d, at most 1000000000000000 ms, found "soon"',
  ],
  [
    { timeout: true },
    'timeout: expected milliseconds or a duration such as 500ms, 5s, 2m, 24h or 7d, at most 1000000000000000 ms, found true',
  ],
  [{ concurrency: null }, 'concurrency: expected an integer of at least 1, found null'],
];

for (const [options, message] of refused) {
  test(`an impossible pipeline is refused: ${message}`, () => {
    assert.throws(() => declare(options), { code: 'MILL_INVALID_DECLARATION', message: `pipeline orders: ${message}` });
  });
}

test('a name must be a text: a value that only looks like one is refused', () => {
  for (const name of [null, undefined, ['orders'], { name: 'orders' }, 'Orders', '', 'x'.repeat(41)])
    assert.throws(() => pipeline(name as never, { event, handle }), {
      code: 'MILL_INVALID_DECLARATION',
      message: /^pipeline: expected a name of lower-case letters, digits and _, at most 40, found /,
    });
});

test('a pipeline without options is refused', () => {
  assert.throws(() => pipeline('orders', undefined as never), {
    message: /^pipeline orders: expected an object of options .* found nothing$/,
  });
});

test('an undefined option has its default', () => {
  const { concurrency, retry, timers } = declare({ concurrency: undefined, retry: { attempts: undefined }, timers: undefined });
  assert.deepEqual([concurrency, retry.attempts, timers], [100, 5, {}]);
});
