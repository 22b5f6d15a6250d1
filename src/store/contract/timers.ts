import assert from 'node:assert/strict';
import { disarm, own, type StoreTest, timer } from './fixtures.ts';

/** Timers by moment; within a moment by key and name. */
const places: readonly (readonly [key: string, name: string, dueAt: number])[] = [
  ['z', 'wake', 5],
  ['a', 'alarm', 10],
  ['a', 'wake', 10],
  ['b', 'alarm', 10],
  ['é', 'alarm', 10],
  ['\u{1f680}', 'alarm', 10],
  ['a', 'later', 11],
];
const inOrder = places.map((place) => timer(...place));

/** Tests timers: set, replaced, cancelled, and read when due. */
export function timersContract(it: StoreTest): void {
  it('a timer is set with its moment and data', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const dueAt = 1_750_000_000_000;
    const wake = { ...timer('ключ', 'wake', dueAt, '{ "é": [1.50] }'), attempts: 3, retryAt: Number.MAX_SAFE_INTEGER };
    const other = timer('ключ', 'other', dueAt);
    await owner.commit({ timers: [wake, other] });
    assert.deepEqual(await store.dueCauses(visits, dueAt, 10), [other, wake]);
    assert.deepEqual((await store.load(visits, ['ключ']))[0]?.timers, [other, wake]);
  });

  it('setting a timer replaces the pending one of that key and name', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [timer('a', 'wake', 10, '1'), timer('b', 'wake', 20), timer('a', 'other', 30)] });
    await owner.commit({ timers: [timer('a', 'wake', 40, '2')] });
    assert.deepEqual(await store.dueCauses(visits, 100, 10), [
      timer('b', 'wake', 20),
      timer('a', 'other', 30),
      timer('a', 'wake', 40, '2'),
    ]);
  });

  it('cancelling removes the timer, and does nothing if there is none', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [timer('a', 'wake', 10), timer('b', 'wake', 10)] });
    await owner.commit({ timers: [disarm('a', 'wake'), disarm('b', 'other'), disarm('nobody', 'wake')] });
    assert.deepEqual(await store.dueCauses(visits, 100, 10), [timer('b', 'wake', 10)]);
  });

  it('within a commit the last change to a timer counts', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [timer('a', 'wake', 10), disarm('a', 'wake'), disarm('b', 'wake'), timer('b', 'wake', 20)] });
    assert.deepEqual(await store.dueCauses(visits, 100, 10), [timer('b', 'wake', 20)]);
  });

  it('timers come soonest first, then by key and name, up to the moment and the limit', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: places.toReversed().map((place) => timer(...place)) });
    assert.deepEqual(await store.dueCauses(visits, 4, 10), []);
    assert.deepEqual(await store.dueCauses(visits, 5, 10), inOrder.slice(0, 1));
    assert.deepEqual(await store.dueCauses(visits, 10, 10), inOrder.slice(0, 6));
    assert.deepEqual(await store.dueCauses(visits, 100, 3), inOrder.slice(0, 3));
    assert.deepEqual(await store.dueCauses(visits, 100, 10), inOrder);
  });

  it('timers can be read from a place on, even one without a timer', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: places.toReversed().map((place) => timer(...place)) });
    for (const [at, after] of inOrder.entries()) {
      assert.deepEqual(await store.dueCauses(visits, 100, 10, { after }), inOrder.slice(at + 1));
      assert.deepEqual(await store.dueCauses(visits, 100, 2, { after }), inOrder.slice(at + 1, at + 3));
    }
    assert.deepEqual(await store.dueCauses(visits, 10, 10, { after: timer('a', 'b', 10) }), inOrder.slice(2, 6));
    assert.deepEqual(await store.dueCauses(visits, 10, 10, { after: timer('', '', 10) }), inOrder.slice(1, 6));
    await owner.commit({ timers: [disarm('a', 'wake')] });
    assert.deepEqual(await store.dueCauses(visits, 10, 10, { after: timer('a', 'wake', 10) }), inOrder.slice(3, 6));
  });

  it('the soonest moment after another one excludes that one', async ({ store, visits }) => {
    const owner = await own(store, visits);
    assert.equal(await store.nextCauseDue(visits, 0), null);
    await owner.commit({ timers: [timer('a', 'wake', 20), timer('b', 'wake', 10), timer('c', 'wake', Number.MAX_SAFE_INTEGER)] });
    assert.equal(await store.nextCauseDue(visits, 0), 10);
    assert.equal(await store.nextCauseDue(visits, 9), 10);
    assert.equal(await store.nextCauseDue(visits, 10), 20);
    assert.equal(await store.nextCauseDue(visits, 20), Number.MAX_SAFE_INTEGER);
    assert.equal(await store.nextCauseDue(visits, Number.MAX_SAFE_INTEGER), null);
  });

  it('reading a due timer leaves it pending', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [timer('a', 'wake', 10)] });
    for (let reads = 0; reads < 2; reads += 1) assert.deepEqual(await store.dueCauses(visits, 10, 10), [timer('a', 'wake', 10)]);
  });

  it('each partition has its own timers', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [timer('a', 'wake', 10)] });
    const other = await own(store, orders);
    await other.commit({ timers: [disarm('a', 'wake')] });
    assert.equal(await store.nextCauseDue(visits, 0), 10);
    assert.equal(await store.nextCauseDue(orders, 0), null);
  });
}
