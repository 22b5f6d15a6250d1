import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { type CommitCall, isCode, onEveryStore, withCalls } from './fixture.test.ts';
import { Generations, orders, seenBy } from './gone.fixture.test.ts';
import { delivered, failed, heldAnswers, idsOf, shop, toldTo } from './shop.fixture.test.ts';

const named = (key: string, n: number) => ({ endpoint: 'door', key, id: `${key} ${n}` });
const ann = { who: 'ann', reason: 'the customer called' };

onEveryStore('promises 6 and 9: an operator’s actions on one delivery', ({ testMill, makeStore }) => {
  const names = async (t: TestMill, query = {}) => (await t.mill.deliveries('shop', query)).map(({ id }) => id);

  test('waiting deliveries are listed by endpoint, key and id, a page at a time', async () => {
    const t = await testMill({ pipelines: [shop({ attempts: 9 })], answer: () => failed });
    for (const key of ['b', 'a', 'é']) for (const n of [2, 1]) await t.ingest('shop', { key, n });
    await t.drain();
    const all = ['a 1', 'a 2', 'b 1', 'b 2', 'é 1', 'é 2'];
    assert.deepEqual(await names(t), all);
    const start = await t.mill.deliveries('shop', { limit: 4 });
    assert.deepEqual([...start.map(({ id }) => id), ...(await names(t, { after: start.at(-1) }))], all);
    assert.deepEqual(await names(t, { key: 'b', endpoint: 'door' }), ['b 1', 'b 2']);
    assert.deepEqual(await names(t, { endpoint: 'nobody' }), []);
    const [first] = start;
    assert.deepEqual([first?.attempts, first?.endpoint, first?.url], [1, 'door', null]);
    assert.ok((first?.dueAt ?? 0) > t.clock.now() - 1);
    await t.stop();
  });

  test('a delivery waiting for its next attempt is sent now, and the audit says who requested it', async () => {
    let isDown = true;
    const t = await testMill({ pipelines: [shop()], answer: () => (isDown ? failed : delivered) });
    for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
    await t.drain();
    isDown = false;
    await t.mill.sendDelivery('shop', named('a', 1), ann);
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 2']);
    assert.deepEqual(await names(t), ['a 2']);
    const [entry, ...others] = await t.mill.audit();
    assert.deepEqual(others, []);
    const { who, action, pipeline, key, subject, reason } = entry ?? {};
    assert.deepEqual({ who, reason }, ann);
    assert.deepEqual([action, pipeline, key, subject], ['send delivery', 'shop', 'a', 'door/a 1']);
    await t.advance(10_000);
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 2', 'delivered a 2 after 2']);
    assert.equal(t.calls.length, 4, 'each is called no more often than that');
    await t.stop();
  });

  test('a delivery that only the pipeline would restart is sent now', async () => {
    let isDown = true;
    const t = await testMill({ pipelines: [shop({ by: 'pipeline' })], answer: () => (isDown ? failed : delivered) });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(60_000);
    assert.equal((await t.mill.deliveries('shop'))[0]?.dueAt, null);
    isDown = false;
    await t.mill.sendDelivery('shop', named('a', 1));
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['failed a 1 after 1', 'delivered a 1 after 2']);
    await t.stop();
  });

  test('a withdrawn delivery is no longer called, and its key is notified in order that it was given up, and why', async () => {
    const reasons: unknown[] = [];
    const t = await testMill({ pipelines: [shop({ order: 'key' })], answer: (call) => (call.id === 'a 1' ? failed : delivered) });
    for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
    await t.drain();
    assert.deepEqual(idsOf(t.calls), ['a 1']);
    await t.mill.withdrawDelivery('shop', named('a', 1), ann);
    reasons.push((await t.mill.audit())[0]?.reason);
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['given up a 1 after 1', 'delivered a 2 after 1'], 'the next one of its line goes on');
    await t.advance(60_000);
    assert.deepEqual(idsOf(t.calls), ['a 1', 'a 2']);
    assert.deepEqual(reasons, ['the customer called']);
    assert.deepEqual(await t.deadLetters('shop'), []);
    assert.equal(t.mill.counts().shop?.deliveries, 0);
    await assert.rejects(t.mill.withdrawDelivery('shop', named('a', 1), ann), isCode('MILL_NOT_FOUND'));
    await assert.rejects(t.mill.sendDelivery('shop', named('a', 1), ann), isCode('MILL_NOT_FOUND'));
    assert.equal((await t.mill.audit()).length, 1, 'what is refused is not noted');
    await t.stop();
  });

  test('a delivery whose call is under way is neither sent nor withdrawn, and has its own outcome', async () => {
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [shop({ concurrency: 1 })], answer });
    for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
    await until(() => waiting.length === 1);
    const [under] = waiting;
    const called = Number(under?.call.id.split(' ')[1]);
    await assert.rejects(t.mill.withdrawDelivery('shop', named('a', called), ann), isCode('MILL_CONFLICT'));
    await assert.rejects(t.mill.sendDelivery('shop', named('a', called), ann), isCode('MILL_CONFLICT'));
    await t.mill.withdrawDelivery('shop', named('a', 3 - called), ann);
    under?.give(delivered);
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), [`given up a ${3 - called} after 0`, `delivered a ${called} after 1`]);
    assert.equal(waiting.length, 1, 'the one that waited for its place is never called');
    await t.stop();
  });

  test('two simultaneous withdrawals of one delivery withdraw it once', async () => {
    const t = await testMill({ pipelines: [shop()], answer: () => failed });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    const both = await Promise.allSettled([1, 2].map(() => t.mill.withdrawDelivery('shop', named('a', 1), ann)));
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['given up a 1 after 1']);
    assert.equal((await t.mill.audit()).length, 1);
    await t.stop();
  });

  test('a delivery to a removed endpoint is withdrawn without notifying anybody, and cannot be sent', async () => {
    const generations = new Generations(makeStore());
    const before = await generations.next([orders({ endpoints: ['shop'] })], {
      answer: () => ({ result: 'postponed', reason: 'closed', retryAfterMs: 1_000_000 }),
    });
    await before.ingest('orders', { key: 'a', tell: ['shop', 'shop'] });
    await before.drain();
    const t = await generations.next([orders()]);
    const one = { endpoint: 'shop', key: 'a', id: 'a 0' };
    await assert.rejects(t.mill.sendDelivery('orders', one), isCode('MILL_CONFLICT'));
    assert.deepEqual(
      (await t.mill.deliveries('orders')).map(({ id }) => id),
      ['a 0', 'a 1'],
    );
    await t.mill.withdrawDelivery('orders', one);
    await t.drain();
    assert.deepEqual(
      (await t.mill.deliveries('orders')).map(({ id }) => id),
      ['a 1'],
    );
    assert.deepEqual(await seenBy(t, 'a'), ['event']);
    await t.stop();
  });

  for (const isOnDisk of [false, true]) {
    test(`if the process dies ${isOnDisk ? 'behind' : 'before'} the commit of a withdrawal, it has happened entirely or not at all`, async () => {
      const store = makeStore();
      let isArmed = false;
      const commit: CommitCall = async (work, lease) => {
        if (!isArmed || !work.deliveries.some(({ write }) => write === 'remove')) return lease.commit(work);
        if (isOnDisk) await lease.commit(work);
        throw new MillraceError('MILL_STORE_UNAVAILABLE', 'as the test asked for');
      };
      const generations = new Generations(withCalls(store, { commit }));
      const t = await generations.next([shop({ order: 'key' })], { answer: () => failed });
      await t.ingest('shop', { key: 'a', n: 1 });
      await t.drain();
      isArmed = true;
      const withdrawn = t.mill.withdrawDelivery('shop', named('a', 1), ann);
      await assert.rejects(withdrawn, isCode('MILL_STORE_UNAVAILABLE'));
      isArmed = false;
      await t.crash();
      await t.advance(60_000);
      const after = isOnDisk ? 'given up a 1 after 1' : 'given up a 1 after 3';
      assert.deepEqual(await toldTo(t, 'a'), [after], 'the key is told once');
      assert.equal((await t.mill.audit()).length, isOnDisk ? 1 : 0);
      assert.equal(t.calls.length, isOnDisk ? 1 : 3);
      assert.deepEqual(await names(t), []);
      await t.stop();
    });
  }

  test('an attempt recorded while a delivery is looked up counts', async () => {
    const { waiting, answer } = heldAnswers();
    let hold: Promise<void> | undefined;
    let isHeld = false;
    const slow = (store: Store): Store =>
      withCalls(store, {
        async deliveries(...asked) {
          const found = await store.deliveries(...asked);
          isHeld = hold !== undefined;
          await hold;
          return found;
        },
      });
    const t = await testMill({ store: slow(makeStore()), pipelines: [shop()], answer });
    await t.ingest('shop', { key: 'a', n: 1 });
    await until(() => waiting.length === 1);
    const { promise, resolve } = Promise.withResolvers<void>();
    hold = promise;
    const withdrawn = t.mill.withdrawDelivery('shop', named('a', 1), ann);
    withdrawn.catch(() => undefined);
    await until(() => isHeld);
    waiting[0]?.give(delivered);
    await until(() => t.mill.counts().shop?.delivered === 1);
    await setImmediate();
    hold = undefined;
    resolve();
    await assert.rejects(withdrawn, isCode('MILL_NOT_FOUND'));
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
    await t.stop();
  });

  test('pending timers are listed by moment, with a name, a prefix, and before a moment', async () => {
    const generations = new Generations(makeStore());
    const t = await generations.next([orders({ timers: ['wake', 'expire'] })]);
    await t.ingest('orders', { key: 'b', arm: ['wake'] });
    await t.advance(1_000);
    for (const key of ['a', 'ab']) await t.ingest('orders', { key, arm: ['wake', 'expire'] });
    await t.drain();
    const shown = async (query = {}) => (await t.mill.timers('orders', query)).map(({ key, name }) => `${key} ${name}`);
    const all = ['b wake', 'a expire', 'a wake', 'ab expire', 'ab wake'];
    assert.deepEqual(await shown(), all);
    const start = await t.mill.timers('orders', { limit: 2 });
    assert.deepEqual([...start.map(({ key, name }) => `${key} ${name}`), ...(await shown({ after: start.at(-1) }))], all);
    assert.deepEqual(await shown({ name: 'wake', prefix: 'a' }), ['a wake', 'ab wake']);
    assert.deepEqual(await shown({ before: (start[0]?.dueAt ?? 0) + 1 }), ['b wake']);
    await t.stop();
  });
});
