import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { testMill } from '../../testing/test-mill.ts';

const event = z.object({ key: z.string(), fails: z.boolean().optional() });

const steps = pipeline('steps', {
  event: z.object({ key: z.string(), step: z.int() }),
  key: ({ key }) => key,
  order: { by: ({ step }) => step, from: 1 },
  retain: '1h',
  handle: () => undefined,
});

test('a timeline tells what a turn decided, and which attempts failed, the newest first', async () => {
  let failures = 1;
  const orders = pipeline('orders', {
    event,
    key: ({ key }) => key,
    state: z.object({ count: z.number() }),
    timers: { late: (state) => state },
    retry: { attempts: 2, backoff: 1 },
    handle(given, state, turn) {
      if (given.fails === true && failures-- > 0) throw new Error('no luck');
      turn.timers.set('late', { after: '1h' });
      return { count: (state?.count ?? 0) + 1 };
    },
  });
  const t = await testMill({ store: memory(), pipelines: [orders] });
  await t.ingest('orders', { key: 'a' });
  await t.drain();
  await t.ingest('orders', { key: 'a', fails: true });
  await t.drain();
  await t.advance('1s');
  await t.drain();
  const { items, next } = await t.mill.timeline('orders', 'a', { limit: 20 });
  assert.deepEqual(
    items.map(({ kind }) => kind),
    ['timer-set', 'handled', 'failed', 'timer-set', 'handled'],
  );
  assert.equal(items[0]?.causedBy, items[1]?.id);
  assert.equal(items[0]?.commit, items[1]?.commit);
  assert.equal(items[2]?.reason, 'no luck');
  assert.equal(next, undefined);
  const first = await t.mill.timeline('orders', 'a', { limit: 2 });
  const second = await t.mill.timeline('orders', 'a', { limit: 20, place: first.next });
  assert.deepEqual([...first.items, ...second.items], items);
  await t.stop();
});

test('an event that was handled is told with its id, its number and its moments', async () => {
  const t = await testMill({ store: memory(), pipelines: [steps] });
  const second = await t.ingest('steps', { key: 'a', step: 2 });
  await t.advance('1s');
  const first = await t.ingest('steps', { key: 'a', step: 1 });
  await t.drain();
  const { items } = await t.mill.timeline('steps', 'a', { limit: 20 });
  const told = items.map(({ kind, event, causedBy, number, acceptedAt, at, attempt }) => {
    return { kind, event, causedBy, number, waitedMs: at - Number(acceptedAt), attempt };
  });
  assert.deepEqual(told, [
    { kind: 'handled', event: second.id, causedBy: second.id, number: 2, waitedMs: 1_000, attempt: 1 },
    { kind: 'handled', event: first.id, causedBy: first.id, number: 1, waitedMs: 0, attempt: 1 },
  ]);
  await t.stop();
});

test('an event that has waited for long is named as long as its timeline is kept, though it is forgotten before', async () => {
  const store = memory();
  const t = await testMill({ store, pipelines: [steps] });
  const { id: waited } = await t.ingest('steps', { key: 'a', step: 2 });
  await t.advance('59m');
  const { id: late } = await t.ingest('steps', { key: 'a', step: 1 });
  await t.drain();
  const told = async () => (await t.mill.timeline('steps', 'a', { limit: 20 })).items.map(({ event }) => event);
  assert.deepEqual(await told(), [waited, late]);
  await t.advance('30m');
  assert.deepEqual(
    (await store.read({ pipeline: 'steps', slice: 0 }, 0, 10)).map(({ id }) => id),
    [late],
  );
  assert.deepEqual(await told(), [waited, late]);
  await t.advance('32m');
  assert.deepEqual(await told(), []);
  await t.stop();
});
