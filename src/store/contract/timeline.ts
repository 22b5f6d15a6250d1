import assert from 'node:assert/strict';
import { blockText } from '../block-text.ts';
import type { NewBlock, PartitionId, Store } from '../store.ts';
import { acceptedAt, event, numbered, own, refusal, type StoreTest } from './fixtures.ts';

const all = { before: Number.MAX_SAFE_INTEGER, limit: 10 };

/** Tests the timeline blocks of commits. */
export function timelineContract(it: StoreTest): void {
  it('a block exists if and only if its commit does', async ({ store, visits, orders, reopen }) => {
    const former = await own(store, visits);
    const owner = await own(store, visits);
    await owner.commit({ block: block(1_750_000_000_000, ['a']) });
    await refusal(former.commit({ block: block(1_750_000_000_001, ['a']) }), 'MILL_STORE_FENCED');
    const again = await reopen();
    assert.equal(await again.block(visits, 1_750_000_000_000), blockText(block(1_750_000_000_000).lines));
    assert.equal(await again.block(visits, 1_750_000_000_001), null);
    assert.equal(await again.block(orders, 1_750_000_000_000), null);
    assert.deepEqual(await again.blocksOfKey(visits, 'a', all), [1_750_000_000_000]);
    assert.deepEqual(await again.blocksOfKey(orders, 'a', all), []);
  });

  it('a block’s text comes back unchanged, however long', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const lines = {
      moment: 1_750_000_000_000,
      keys: [`é🚀\u0001'"\\\n`, 'b'],
      before: Float64Array.of(5, Number.NaN),
      items: Float64Array.of(0, -2, 0, 0, 1, 4, 2, 0, 0, 5, 3, 1, 1, -1, 0, 0),
      texts: [JSON.stringify({ long: 'x'.repeat(200_000) }), '{"text":"\\u0000"}'],
    };
    await owner.commit({ block: { block: 7, lines, keys: [] } });
    assert.equal(await store.block(visits, 7), blockText(lines));
  });

  it('a key’s record names a block, as long as there is one', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const record = { key: 'a', state: { json: '1', version: 1 }, next: null, parked: false };
    await owner.commit({ keys: [{ ...record, block: 3 }], block: block(3) });
    assert.equal((await store.load(visits, ['a']))[0]?.block, 3);
    await owner.commit({ keys: [{ ...record, block: 5 }], block: block(5) });
    assert.equal((await store.load(visits, ['a']))[0]?.block, 5);
    assert.deepEqual(await store.blocksOfKey(visits, 'a', all), [5]);
    await owner.commit({ keys: [{ ...record, state: null, block: 6 }], block: block(6, ['a']) });
    assert.equal((await store.load(visits, ['a']))[0]?.block, undefined);
    assert.deepEqual(await store.blocksOfKey(visits, 'a', all), [6]);
  });

  it('a key’s blocks come highest first, each once, below a number', async ({ store, visits }) => {
    const owner = await own(store, visits);
    for (const at of [1, 2, 3]) await owner.commit({ block: block(at, ['a', 'b']) });
    await owner.commit({
      block: block(4, ['a']),
      keys: [{ key: 'a', state: { json: '1', version: 1 }, next: null, parked: false, block: 4 }],
    });
    assert.deepEqual(await store.blocksOfKey(visits, 'a', all), [4, 3, 2, 1]);
    assert.deepEqual(await store.blocksOfKey(visits, 'a', { before: 4, limit: 2 }), [3, 2]);
    assert.deepEqual(await store.blocksOfKey(visits, 'a', { before: 1, limit: 2 }), []);
    assert.deepEqual(await store.blocksOfKey(visits, 'b', all), [3, 2, 1]);
    assert.deepEqual(await store.blocksOfKey(visits, 'A', all), []);
  });

  it('whoever claims a partition learns its highest block', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    for (const at of [3, 9]) await owner.commit({ block: block(at) });
    assert.equal((await store.claim(visits)).standing.block, 9);
    assert.equal((await store.claim(orders)).standing.block, undefined);
  });

  it('blocks below a number are deleted, lowest first, with their index entries', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    const other = await own(store, orders);
    for (const at of [1, 2, 3, 4]) await owner.commit({ block: block(at, ['a']) });
    await other.commit({ block: block(1, ['a']) });
    assert.equal(await store.forgetBlocks(visits, 4, 2), 2);
    assert.deepEqual(await there(store, visits), [3, 4]);
    assert.deepEqual(await store.blocksOfKey(visits, 'a', all), [4, 3]);
    assert.equal(await store.forgetBlocks(visits, 4, 2), 1);
    assert.equal(await store.forgetBlocks(visits, 4, 2), 0);
    assert.deepEqual(await there(store, visits), [4]);
    assert.deepEqual(await there(store, orders), [1]);
    assert.deepEqual(await store.blocksOfKey(orders, 'a', all), [1]);
  });

  it('events are named by their positions, as long as they exist', async ({ store, visits, rockets }) => {
    await store.append([1, 2].map((hour) => event(visits, 'a', { id: `visit ${hour}`, acceptedAt: acceptedAt + hour })));
    await store.append([numbered(rockets, 'a', 7, { id: 'numbered' })]);
    const named = async (partition: PartitionId, positions: readonly number[]) => {
      const events = await store.eventsAt(partition, positions);
      return events.map(({ position, id, number, acceptedAt }) => [position, id, number, acceptedAt]).toSorted();
    };
    const second = [2, 'visit 2', null, acceptedAt + 2];
    assert.deepEqual(await named(visits, [2, 3, 1]), [[1, 'visit 1', null, acceptedAt + 1], second]);
    assert.deepEqual(await named(rockets, [1]), [[1, 'numbered', 7, acceptedAt]]);
    assert.deepEqual(await named(visits, []), []);
    const owner = await own(store, visits);
    await owner.commit({ cursor: 2 });
    await store.prune({ partition: visits, acceptedBefore: acceptedAt + 2, idsBefore: 0, after: 0, limit: 10 });
    assert.deepEqual(await named(visits, [1, 2]), [second]);
  });

  it('a deleted pipeline leaves no block', async ({ store, visits, reopen }) => {
    const owner = await own(store, visits);
    await owner.commit({ block: block(1, ['a']) });
    const others = { pipelines: [{ name: 'orders', numbered: false }], tables: [] };
    const without = await reopen(others);
    await without.forget('visits');
    const again = await reopen();
    assert.deepEqual(await there(again, visits), []);
    assert.deepEqual(await again.blocksOfKey(visits, 'a', all), []);
  });
}

function block(number: number, keys: readonly string[] = []): NewBlock {
  return {
    block: number,
    lines: { moment: number, keys: ['a'], before: Float64Array.of(Number.NaN), items: new Float64Array(), texts: [] },
    keys,
  };
}

async function there(store: Store, partition: PartitionId): Promise<readonly number[]> {
  const found: number[] = [];
  for (const number of [1, 2, 3, 4]) if ((await store.block(partition, number)) !== null) found.push(number);
  return found;
}
