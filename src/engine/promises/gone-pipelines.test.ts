import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import { millrace } from '../mill.ts';
import { type CommitCall, isCode, onEveryStore, withCalls } from './fixture.test.ts';
import { Generations, orders, seenBy } from './gone.fixture.test.ts';

const postponed = { result: 'postponed', reason: 'closed', retryAfterMs: 1_000_000 } as const;
const other = orders({ name: 'other' });

onEveryStore('promises 8 and 9: removed pipelines', ({ makeStore }) => {
  test('a removed pipeline is reported with its stored work, which continues once it is declared again', async () => {
    const generations = new Generations(makeStore());
    const declared = orders({ timers: ['unpaid'], endpoints: ['shop'] });
    const first = await generations.next([declared, other], { answer: () => postponed });
    await first.ingest('orders', { key: 'a', arm: ['unpaid'], tell: ['shop'] });
    await first.ingest('orders', { key: 'b', fail: true });
    await first.drain();
    const t = await generations.next([other]);
    const gone = { pipeline: 'orders', events: 0, states: 1, timers: 1, deliveries: 1, outcomes: 0, deadLetters: 1, inbox: 0 };
    assert.deepEqual(t.mill.leftovers(), [{ gone: 'pipeline', ...gone }]);
    assert.deepEqual(generations.warnings, [{ ...gone, message: 'stored work belongs to a pipeline that is no longer declared' }]);
    assert.deepEqual([t.mill.health().status, await t.mill.idle(1_000)], ['ok', true]);
    await t.advance('1h');
    const back = await generations.next([declared]);
    await back.drain();
    assert.deepEqual((await seenBy(back, 'a')).toSorted(), ['delivered a 0', 'event', 'unpaid']);
    await back.stop();
  });

  test('its dead letters are shown, but can neither be redriven nor discarded before it is declared again', async () => {
    const generations = new Generations(makeStore());
    const first = await generations.next([orders()]);
    await first.ingest('orders', { key: 'b', fail: true });
    await first.drain();
    const t = await generations.next([other]);
    const [letter] = await t.deadLetters('orders');
    assert.ok(letter !== undefined);
    for (const resolve of [() => t.mill.redrive(letter.id), () => t.mill.discard(letter.id)]) {
      await assert.rejects(
        resolve,
        (error: Error) => isCode('MILL_CONFLICT')(error) && /its pipeline, orders, is not declared/.test(error.message),
      );
    }
    assert.equal((await t.deadLetters('orders')).length, 1);
    const back = await generations.next([orders()]);
    await back.mill.discard(letter.id);
    await back.stop();
  });

  test('accepted but unhandled events are counted, and handled once it is declared again', async () => {
    const generations = new Generations(makeStore());
    const fail = () => Promise.reject(new MillraceError('MILL_STORE_UNAVAILABLE', 'as the test asked for'));
    const read: Store['read'] = fail;
    const commit: CommitCall = fail;
    const first = await generations.next([orders()], { store: withCalls(generations.store, { read, commit }) });
    for (const key of ['a', 'a', 'b']) await first.ingest('orders', { key });
    const t = await generations.next([other]);
    assert.deepEqual(t.mill.leftovers(), [
      { gone: 'pipeline', pipeline: 'orders', events: 3, states: 0, timers: 0, deliveries: 0, outcomes: 0, deadLetters: 0, inbox: 0 },
    ]);
    const back = await generations.next([orders()]);
    assert.deepEqual(await seenBy(back, 'a'), ['event', 'event']);
    await back.stop();
  });

  test('a pipeline without stored work is no leftover, and neither is a deleted one', async () => {
    const generations = new Generations(makeStore());
    const stateless = pipeline('orders', { event: z.object({}), handle: () => undefined });
    const first = await generations.next([stateless]);
    await first.ingest('orders', {});
    await first.drain();
    const second = await generations.next([orders({ name: 'carts' })]);
    assert.deepEqual(second.mill.leftovers(), []);
    await second.ingest('carts', { key: 'a' });
    const t = await generations.next([other]);
    assert.deepEqual(
      t.mill.leftovers().map(({ pipeline }) => pipeline),
      ['carts'],
    );
    await t.stop();
    await generations.store.open({ pipelines: [], tables: [] });
    await generations.store.forget('carts');
    await generations.store.close();
    const again = await generations.next([other, orders({ name: 'carts' })]);
    assert.deepEqual([again.mill.leftovers(), await again.state('carts', 'a')], [[], undefined]);
    await again.stop();
  });

  test('states of a pipeline that no longer declares one are reported, and return with the declaration', async () => {
    const generations = new Generations(makeStore());
    const first = await generations.next([orders()]);
    await first.ingest('orders', { key: 'a' });
    const t = await generations.next([{ ...orders(), state: undefined, handle: () => undefined }]);
    assert.deepEqual(t.mill.leftovers(), [{ gone: 'state', pipeline: 'orders', states: 1 }]);
    await t.ingest('orders', { key: 'a' });
    await t.drain();
    const back = await generations.next([orders()]);
    assert.deepEqual([await seenBy(back, 'a'), back.mill.leftovers()], [['event'], []]);
    await back.stop();
  });

  test('neither the start nor the first turn waits for the look', async () => {
    const store = withCalls(makeStore(), { inventory: () => new Promise(() => {}) });
    const mill = await millrace({ store, pipelines: [orders()] }).start();
    await mill.ingest('orders', { key: 'a' });
    assert.deepEqual(await mill.state('orders', 'a', { waitMs: 60_000 }), { seen: ['event'] });
    assert.deepEqual(mill.leftovers(), []);
    await mill.stop();
  });

  test('a failed look is repeated a minute later', async () => {
    const generations = new Generations(makeStore());
    const first = await generations.next([orders({ timers: ['unpaid'] })]);
    await first.ingest('orders', { key: 'a', arm: ['unpaid'] });
    let looks = 0;
    const inventory: Store['inventory'] = async (query) => {
      looks += 1;
      if (looks === 1) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'as the test asked for');
      return generations.store.inventory(query);
    };
    const t = await generations.next([orders()], { store: withCalls(generations.store, { inventory }) });
    await t.ingest('orders', { key: 'b' });
    assert.deepEqual([await seenBy(t, 'b'), t.mill.leftovers(), looks], [['event'], [], 1]);
    await t.advance('59s');
    assert.equal(looks, 1);
    await t.advance('1s');
    assert.equal(looks, 2);
    await t.stop();
  });
});
