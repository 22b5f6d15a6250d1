import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { testMill } from '../../testing/test-mill.ts';

const event = z.object({ key: z.string(), fails: z.boolean().optional() });

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
