import assert from 'node:assert/strict';
import { own, type StoreTest } from './fixtures.ts';

/** Armed, replaced, disarmed, and read when they are due. */
export function timersContract(it: StoreTest): void {
  it('a timer is armed with its moment and data', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const timer = { key: 'ключ', name: 'wake', dueAt: 1_750_000_000_000, data: '{ "é": [1.50] }' };
    await owner.commit({ timers: [timer, { ...timer, name: 'other', data: null }] });
    assert.deepEqual(await store.dueTimers(visits, timer.dueAt, 10), [{ ...timer, name: 'other', data: null }, timer]);
  });

  it('arming replaces the pending timer of that key and name', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [arm('a', 'wake', 10, '1'), arm('b', 'wake', 20), arm('a', 'other', 30)] });
    await owner.commit({ timers: [arm('a', 'wake', 40, '2')] });
    assert.deepEqual(await store.dueTimers(visits, 100, 10), [arm('b', 'wake', 20), arm('a', 'other', 30), arm('a', 'wake', 40, '2')]);
  });

  it('disarming takes the timer away, and does nothing when there is none', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [arm('a', 'wake', 10), arm('b', 'wake', 10)] });
    await owner.commit({ timers: [disarm('a', 'wake'), disarm('b', 'other'), disarm('nobody', 'wake')] });
    assert.deepEqual(await store.dueTimers(visits, 100, 10), [arm('b', 'wake', 10)]);
  });

  it('within a commit the last word about a timer counts', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [arm('a', 'wake', 10), disarm('a', 'wake'), disarm('b', 'wake'), arm('b', 'wake', 20)] });
    assert.deepEqual(await store.dueTimers(visits, 100, 10), [arm('b', 'wake', 20)]);
  });

  it('timers come soonest first, then by key and name, up to the moment and the limit', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const inOrder = [arm('z', 'wake', 5), arm('a', 'alarm', 10), arm('a', 'wake', 10), arm('b', 'alarm', 10), arm('a', 'later', 11)];
    await owner.commit({ timers: inOrder.toReversed() });
    assert.deepEqual(await store.dueTimers(visits, 4, 10), []);
    assert.deepEqual(await store.dueTimers(visits, 5, 10), inOrder.slice(0, 1));
    assert.deepEqual(await store.dueTimers(visits, 10, 10), inOrder.slice(0, 4));
    assert.deepEqual(await store.dueTimers(visits, 100, 3), inOrder.slice(0, 3));
    assert.deepEqual(await store.dueTimers(visits, 100, 10), inOrder);
  });

  it('the soonest after a moment is told, that moment left out', async ({ store, visits }) => {
    const owner = await own(store, visits);
    assert.equal(await store.nextTimerDue(visits, 0), null);
    await owner.commit({ timers: [arm('a', 'wake', 20), arm('b', 'wake', 10), arm('c', 'wake', Number.MAX_SAFE_INTEGER)] });
    assert.equal(await store.nextTimerDue(visits, 0), 10);
    assert.equal(await store.nextTimerDue(visits, 9), 10);
    assert.equal(await store.nextTimerDue(visits, 10), 20);
    assert.equal(await store.nextTimerDue(visits, 20), Number.MAX_SAFE_INTEGER);
    assert.equal(await store.nextTimerDue(visits, Number.MAX_SAFE_INTEGER), null);
  });

  it('reading a due timer leaves it armed', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [arm('a', 'wake', 10)] });
    for (let reads = 0; reads < 2; reads += 1) assert.deepEqual(await store.dueTimers(visits, 10, 10), [arm('a', 'wake', 10)]);
  });

  it('each partition has its own timers', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [arm('a', 'wake', 10)] });
    const other = await own(store, orders);
    await other.commit({ timers: [disarm('a', 'wake')] });
    assert.equal(await store.nextTimerDue(visits, 0), 10);
    assert.equal(await store.nextTimerDue(orders, 0), null);
  });
}

function arm(key: string, name: string, dueAt: number, data: string | null = null) {
  return { key, name, dueAt, data };
}

function disarm(key: string, name: string) {
  return { key, name, dueAt: null, data: null };
}
