import assert from 'node:assert/strict';
import type { Gap, GapWrite, StoredGap } from '../store.ts';
import { numbered, own, type StoreTest } from './fixtures.ts';

/** Tests the keys that wait for a number. */
export function gapsContract(it: StoreTest): void {
  it('gaps are listed oldest first, then by key, a page at a time', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    const gaps = [stored('d', 30), stored('b', 10), stored('c', 20), stored('a', 20)];
    assert.equal((await owner.commit({ gaps: gaps.map(write) })).gapsAdded, 4);
    const inOrder = ['b', 'a', 'c', 'd'].map((key) => gaps.find((gap) => gap.key === key));
    assert.deepEqual(await store.gaps(rockets, { limit: 10 }), inOrder);
    assert.deepEqual(await store.gaps(rockets, { limit: 2 }), inOrder.slice(0, 2));
    assert.deepEqual(await store.gaps(rockets, { after: { since: 20, key: 'a' }, limit: 10 }), inOrder.slice(2));
    assert.deepEqual(await store.gaps(rockets, { until: 20, limit: 10 }), inOrder.slice(0, 3));
    assert.deepEqual(await store.gaps(rockets, { until: 20, after: { since: 10, key: 'b' }, limit: 1 }), inOrder.slice(1, 2));
    assert.deepEqual(await store.gaps(rockets, { until: 9, limit: 10 }), []);
    assert.equal((await store.claim(rockets)).standing.gaps, 4);
  });

  it('a gap replaces its key’s previous one', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await owner.commit({ gaps: [write(stored('a', 10)), write(stored('b', 20))] });
    const moved = stored('a', 30, { next: 8, first: Number.MAX_SAFE_INTEGER });
    assert.equal((await owner.commit({ gaps: [write(moved)] })).gapsAdded, 0);
    assert.deepEqual(await store.gaps(rockets, { limit: 10 }), [stored('b', 20), moved]);
  });

  it('a removed gap is gone, and removing a missing one does nothing', async ({ store, rockets, reopen }) => {
    const owner = await own(store, rockets);
    await owner.commit({ gaps: [write(stored('a', 10)), write(stored('b', 20))] });
    const forget = { key: 'a', gap: null };
    assert.equal((await owner.commit({ gaps: [forget, forget, { key: 'nobody', gap: null }] })).gapsAdded, -1);
    const again = await reopen();
    assert.deepEqual(await again.gaps(rockets, { limit: 10 }), [stored('b', 20)]);
    assert.equal((await again.claim(rockets)).standing.gaps, 1);
  });

  it('within a commit the last note about a key counts', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    const gaps: GapWrite[] = [write(stored('a', 10)), { key: 'a', gap: null }, write(stored('b', 10)), write(stored('b', 20))];
    assert.equal((await owner.commit({ gaps })).gapsAdded, 1);
    assert.deepEqual(await store.gaps(rockets, { limit: 10 }), [stored('b', 20)]);
  });

  it('a record has its key’s gap, as long as the key holds events', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 5)]);
    await owner.commit({ cursor: 1, gaps: [write(stored('a', 10))] });
    const gapOf = async (key: string) => (await store.load(rockets, [key]))[0]?.gap;
    assert.deepEqual(await gapOf('a'), { next: 1, first: 5, since: 10 });
    assert.equal(await gapOf('b'), null);
    await owner.commit({ releases: [{ key: 'a', from: 5, to: 5 }], gaps: [{ key: 'a', gap: null }] });
    assert.equal(await gapOf('a'), null);
  });

  it('a next number beyond JavaScript’s exact integers can be read back', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    const next = Number.MAX_SAFE_INTEGER + 1;
    await owner.commit({ keys: [{ key: 'a', state: null, next, parked: false }] });
    assert.equal((await store.load(rockets, ['a']))[0]?.next, next);
    assert.deepEqual(await store.append([numbered(rockets, 'a', 7)]), [{ status: 'duplicate' }]);
  });
}

function stored(key: string, since: number, more: Partial<Gap> = {}): StoredGap {
  return { key, next: 1, first: 5, since, ...more };
}

function write({ key, ...gap }: StoredGap): GapWrite {
  return { key, gap };
}
