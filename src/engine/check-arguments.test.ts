import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { type Mill, millrace } from './mill.ts';

const orders = pipeline('orders', {
  event: z.object({ id: z.string() }),
  key: ({ id }) => id,
  handle: () => undefined,
  schedule: { every: '1h', source: () => [] },
});
const event = { id: 'a' };

let mill: Mill;
before(async () => {
  mill = await millrace({ store: memory(), pipelines: [orders] }).start();
});
after(() => mill.stop());

/** Calls that a program without a compiler may make. */
const refused: readonly (readonly [call: () => unknown, message: string])[] = [
  [() => mill.ingest(undefined as never, event), 'expected the name of a pipeline (orders), found nothing'],
  [() => mill.ingest(orders as never, event), 'expected the name of a pipeline (orders), found the pipeline orders itself'],
  [() => mill.ingest('orders', event, null as never), 'ingest: expected an object of options (id, traceparent), found null'],
  [() => mill.ingest('orders', event, { ID: 'a' } as never), 'ingest: ID is no option; did you mean id?'],
  [() => mill.ingest('orders', event, { id: 5 } as never), 'ingest: id: expected a text, found 5'],
  [() => mill.ingestBatch('orders', null as never), 'ingestBatch: events: expected an array of events, found null'],
  [() => mill.ingestBatch('orders', event as never), 'ingestBatch: events: expected an array of events, found {"id":"a"}'],
  [() => mill.ingestBatch('orders', [event], { id: 'a' } as never), 'ingestBatch: id is no option; the options are traceparent'],
  [() => mill.deadLetters({ limit: Number.NaN }), 'deadLetters: limit: expected an integer of at least 1, found NaN'],
  [
    () => mill.deadLetters('orders' as never),
    'deadLetters: expected an object of options (pipeline, kind, key, reason, from, to, upTo, ids, id, after, limit), found "orders"',
  ],
  [() => mill.deadLetters({}, { charactersMax: 0 }), 'deadLetters: charactersMax: expected an integer of at least 1, found 0'],
  [
    () => mill.state('orders', 'a', { charactersMax: 5 } as never),
    'state: charactersMax is no option; the options are signal, timeoutMs, waitMs',
  ],
  [() => mill.keys('orders', 'a' as never), 'keys: keys: expected an array of texts, found "a"'],
  [() => mill.keys('orders', [5] as never), 'keys: keys[0]: expected a text, found 5'],
  [() => mill.state('orders', 5 as never), 'state: key: expected a text, found 5'],
  [() => mill.state('orders', 'a', { waitMS: 5 } as never), 'state: waitMS is no option; did you mean waitMs?'],
  [() => mill.knows('orders', undefined as never), 'knows: key: expected a text, found nothing'],
  [() => mill.knows('orders', 'a', 5 as never), 'knows: expected an object of options (signal, timeoutMs, waitMs), found 5'],
  [() => mill.stop(5 as never), 'stop: expected an object of options (timeoutMs), found 5'],
  [() => mill.stop({ timeoutMs: '5s' } as never), 'stop: timeoutMs: expected milliseconds, at least 0, found "5s"'],
  [() => mill.idle(undefined as never), 'idle: timeoutMs: expected milliseconds, at least 0, found nothing'],
  [() => mill.settled('orders', 'x' as never), 'settled: timeoutMs: expected milliseconds, at least 0, found "x"'],
  [() => mill.query(undefined as never), 'query: expected a table that a pipeline of the engine declares, found nothing'],
  [() => mill.redrive(undefined as never), 'redrive: deadLetterId: expected a text, found nothing'],
  [() => mill.discard(7 as never), 'discard: deadLetterId: expected a text, found 7'],
  [() => mill.withdraw('orders', undefined as never), 'withdraw: endpoint: expected a text, found nothing'],
  [() => mill.schedule(5 as never), 'expected the name of a pipeline (orders), found 5'],
  [() => mill.schedule('orders').pause('5m' as never), 'pause: expected an object of options (for), found "5m"'],
  [() => mill.schedule('orders').pause({ fro: '5m' } as never), 'pause: fro is no option; the options are for'],
];

for (const [call, message] of refused) {
  test(`an impossible call is refused: ${message}`, async () => {
    await assert.rejects(async () => call(), { code: 'MILL_INVALID_REQUEST', message });
  });
}

test('a batch returns a verdict for each of its places, even for a hole', async () => {
  const events = [event];
  events[2] = { id: 'b' };
  const judged = await mill.ingestBatch('orders', events);
  assert.deepEqual(
    Array.from(judged, ({ status }) => status),
    ['accepted', 'rejected', 'accepted'],
  );
});

test('a refused stop has stopped nothing', async () => {
  await assert.rejects(mill.stop({ timeout: 0 } as never), { message: 'stop: timeout is no option; did you mean timeoutMs?' });
  assert.equal(mill.health().status, 'ok');
});

test('an undefined option has its default', async () => {
  assert.equal((await mill.ingest('orders', event, { id: undefined, traceparent: undefined })).status, 'accepted');
  assert.deepEqual(await mill.deadLetters({ limit: undefined, key: undefined } as never), []);
  assert.equal(await mill.state('orders', 'a', { waitMs: undefined } as never), undefined);
});
