import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../errors.ts';
import { type CommitCall, isCode, onEveryStore, withCalls } from './fixture.test.ts';
import { Generations, orders, seenBy } from './gone.fixture.test.ts';
import { delivered } from './shop.fixture.test.ts';

onEveryStore('promises 6 and 9: deliveries to a removed endpoint', ({ makeStore }) => {
  /** Leaves waiting deliveries: three to the shop and one to the mail for each key. All calls are postponed. */
  async function waiting(generations: Generations, keys: readonly string[], order: 'none' | 'key' = 'none'): Promise<void> {
    const t = await generations.next([orders({ endpoints: ['shop', 'mail'], order })], {
      answer: () => ({ result: 'postponed', reason: 'closed', retryAfterMs: 1_000_000 }),
    });
    for (const key of keys) await t.ingest('orders', { key, tell: ['shop', 'shop', 'shop', 'mail'] });
    await t.drain();
  }

  test('are reported with their number at the start, and are made once the endpoint is declared again', async () => {
    const generations = new Generations(makeStore());
    await waiting(generations, ['a', 'b']);
    const gone = { pipeline: 'orders', endpoint: 'shop', deliveries: 6, outcomes: 0 };
    const t = await generations.next([orders({ endpoints: ['mail'] })]);
    assert.deepEqual(t.mill.leftovers(), [{ gone: 'endpoint', ...gone }]);
    assert.deepEqual(generations.warnings, [{ ...gone, message: 'stored work waits for an endpoint that is no longer declared' }]);
    assert.deepEqual(
      t.calls.map(({ endpoint }) => endpoint),
      ['mail', 'mail'],
    );
    assert.equal(t.mill.health().status, 'ok');
    const back = await generations.next([orders({ endpoints: ['shop'] })]);
    assert.deepEqual([back.mill.leftovers(), generations.warnings], [[], []]);
    assert.deepEqual(back.calls.map(({ id, endpoint }) => `${endpoint} ${id}`).sort(), [
      'shop a 0',
      'shop a 1',
      'shop a 2',
      'shop b 0',
      'shop b 1',
      'shop b 2',
    ]);
    assert.equal((await seenBy(back, 'a')).length, 5, 'and the key is told of each');
    await back.stop();
  });

  for (const order of ['none', 'key'] as const) {
    test(`can be withdrawn, order ${order}: nobody is called, no key is notified, and nothing else changes`, async () => {
      const generations = new Generations(makeStore());
      const keys = Array.from({ length: 500 }, (_, n) => `k${n}`);
      await waiting(generations, keys, order);
      const t = await generations.next([orders({ endpoints: ['mail'], order })], {
        answer: () => ({ result: 'postponed', reason: 'closed', retryAfterMs: 1_000_000 }),
      });
      assert.equal(t.mill.counts().orders?.deliveries, 2_000);
      assert.equal(await t.mill.withdraw('orders', 'shop'), 1_500);
      assert.deepEqual(t.mill.leftovers(), []);
      assert.equal(t.mill.counts().orders?.deliveries, 500);
      await assert.rejects(t.mill.withdraw('orders', 'shop'), isCode('MILL_NOT_FOUND'));
      const back = await generations.next([orders({ endpoints: ['shop', 'mail'], order })], { answer: () => delivered });
      assert.deepEqual(
        back.calls.filter(({ endpoint }) => endpoint === 'shop'),
        [],
      );
      assert.deepEqual(await seenBy(back, 'k7'), ['event', 'delivered k7 3']);
      await back.stop();
    });
  }

  test('two simultaneous withdrawals count each delivery once', async () => {
    const generations = new Generations(makeStore());
    await waiting(generations, ['a', 'b']);
    const t = await generations.next([orders({ endpoints: ['mail'] })]);
    const both = await Promise.allSettled([t.mill.withdraw('orders', 'shop'), t.mill.withdraw('orders', 'shop')]);
    const counts = both.map((one) => (one.status === 'fulfilled' ? one.value : 0));
    assert.equal(
      counts.reduce((total, count) => total + count),
      6,
    );
    await t.stop();
  });

  test('a withdrawal interrupted by the store says so, and takes the rest when repeated', async () => {
    const generations = new Generations(makeStore());
    await waiting(generations, ['a']);
    let fails = 1;
    const commit: CommitCall = async (work, lease) => {
      if (work.deliveries.some(({ write }) => write === 'remove') && fails > 0) {
        fails -= 1;
        throw new MillraceError('MILL_STORE_UNAVAILABLE', 'as the test asked for');
      }
      return lease.commit(work);
    };
    const t = await generations.next([orders()], { store: withCalls(generations.store, { commit }) });
    await assert.rejects(t.mill.withdraw('orders', 'shop'), isCode('MILL_STORE_UNAVAILABLE'));
    await t.drain();
    assert.equal(await t.mill.withdraw('orders', 'shop'), 3);
    await t.stop();
  });

  test('neither a declared endpoint nor one of an unknown pipeline is withdrawn', async () => {
    const generations = new Generations(makeStore());
    await waiting(generations, ['a']);
    const t = await generations.next([orders({ endpoints: ['shop'] })]);
    await assert.rejects(t.mill.withdraw('orders', 'shop'), isCode('MILL_CONFLICT'));
    await assert.rejects(t.mill.withdraw('orders', 'constructor'), isCode('MILL_NOT_FOUND'));
    await assert.rejects(t.mill.withdraw('nobody', 'shop'), isCode('MILL_NOT_FOUND'));
    await t.stop();
    await assert.rejects(t.mill.withdraw('orders', 'mail'), isCode('MILL_STOPPING'));
  });

  test('a dead letter of a delivery to a removed endpoint is not redriven', async () => {
    const generations = new Generations(makeStore());
    const first = await generations.next([orders({ endpoints: ['constructor'] })], { answer: () => ({ result: 'failed', reason: 'no' }) });
    await first.ingest('orders', { key: 'a', tell: ['constructor'] });
    await first.drain();
    const t = await generations.next([orders({ endpoints: ['mail'] })]);
    const [letter] = await t.deadLetters();
    assert.ok(letter?.kind === 'delivery');
    assert.equal(letter.delivery.endpoint, 'constructor');
    await assert.rejects(t.mill.redrive(letter.id), isCode('MILL_CONFLICT'));
    await t.mill.discard(letter?.id ?? '');
    await t.stop();
  });
});
