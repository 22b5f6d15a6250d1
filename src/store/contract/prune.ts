import assert from 'node:assert/strict';
import { lettersOf } from '../letters-of.ts';
import type { PartitionId, Pruned, Store } from '../store.ts';
import { acceptedAt, chosen, event, letter, numbered, own, type StoreTest, statuses } from './fixtures.ts';

const everything = { acceptedBefore: Number.MAX_SAFE_INTEGER, idsBefore: Number.MAX_SAFE_INTEGER, after: 0, limit: 1_000 };

/** Tests what may be deleted, and what may not. */
export function pruneContract(it: StoreTest): void {
  it('old settled events are deleted', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([1, 2, 3, 4].map((hour) => event(visits, 'a', { acceptedAt: acceptedAt + hour })));
    await owner.commit({ cursor: 4 });
    assert.equal(await countOf(store.prune({ partition: visits, acceptedBefore: acceptedAt + 3, idsBefore: 0, after: 0, limit: 100 })), 2);
    assert.deepEqual(await positions(store, visits), [3, 4]);
    assert.equal(await countOf(store.prune({ partition: visits, acceptedBefore: acceptedAt + 3, idsBefore: 0, after: 0, limit: 100 })), 0);
  });

  it('unsettled events stay', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append(['a', 'b', 'c'].map((key) => event(visits, key)));
    await owner.commit({ cursor: 1 });
    assert.equal(await countOf(store.prune({ partition: visits, ...everything })), 1);
    assert.deepEqual(await positions(store, visits), [2, 3]);
  });

  it('held events stay until they are released', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([1, 2, 3].map((number) => numbered(rockets, 'a', number)));
    await owner.commit({ cursor: 3, releases: [{ key: 'a', from: 1, to: 1 }] });
    assert.equal(await countOf(store.prune({ partition: rockets, ...everything })), 1);
    assert.deepEqual(
      (await store.held(rockets, 'a', 0, 10)).map(({ position }) => position),
      [2, 3],
    );
    await owner.commit({ releases: [{ key: 'a', from: 2, to: 3 }] });
    assert.equal(await countOf(store.prune({ partition: rockets, ...everything })), 2);
  });

  it('events of dead letters stay until the letter is resolved', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a', { body: '"kept"' }), event(visits, 'b')]);
    await owner.commit({ cursor: 2, deadLetters: [letter('one', 'a', 1)] });
    assert.equal(await countOf(store.prune({ partition: visits, ...everything })), 1);
    assert.equal(lettersOf('event', await store.deadLetters({ limit: 1 }))[0]?.body, '"kept"');
    assert.deepEqual(await positions(store, visits), [1]);
    await owner.commit({ resolvedDeadLetters: ['one'] });
    assert.equal(await countOf(store.prune({ partition: visits, ...everything })), 1);
  });

  it('old chosen ids are forgotten', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const ids = ['one', 'two'].map((id) => chosen(visits, 'a', id));
    await store.append(ids);
    await owner.commit({ cursor: 2 });
    const prune = (idsBefore: number) => countOf(store.prune({ partition: visits, acceptedBefore: 0, idsBefore, after: 0, limit: 100 }));
    assert.equal(await prune(acceptedAt), 0);
    assert.deepEqual(statuses(await store.append(ids)), ['duplicate', 'duplicate']);
    assert.equal(await prune(acceptedAt + 1), 2);
    assert.deepEqual(await positions(store, visits), [1, 2]);
    assert.deepEqual(statuses(await store.append(ids)), ['accepted', 'accepted']);
  });

  it('a chosen id stays known after its event is deleted', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([chosen(visits, 'a', 'one')]);
    await owner.commit({ cursor: 1 });
    assert.equal(await countOf(store.prune({ partition: visits, ...everything, idsBefore: acceptedAt })), 1);
    assert.deepEqual(await store.append([chosen(visits, 'a', 'one')]), [{ status: 'duplicate' }]);
  });

  it('a number stays known after its event is deleted', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 1)]);
    await owner.commit({ cursor: 1, releases: [{ key: 'a', from: 1, to: 1 }], keys: [{ key: 'a', state: null, next: 2, parked: false }] });
    assert.equal(await countOf(store.prune({ partition: rockets, ...everything })), 1);
    assert.deepEqual(await store.append([numbered(rockets, 'a', 1)]), [{ status: 'duplicate' }]);
  });

  it('one call examines no more events and forgets no more ids than its limit, and further calls get the rest', async ({
    store,
    visits,
  }) => {
    const owner = await own(store, visits);
    await store.append(Array.from({ length: 5 }, (_, index) => chosen(visits, 'a', `id ${index}`)));
    await owner.commit({ cursor: 5 });
    const prune = (after: number) => store.prune({ partition: visits, ...everything, after, limit: 2 });
    assert.deepEqual(await prune(0), { count: 4, after: 2 });
    assert.deepEqual(await positions(store, visits), [3, 4, 5]);
    assert.deepEqual(await prune(2), { count: 4, after: 4 });
    assert.deepEqual(await prune(4), { count: 2, after: null });
    assert.deepEqual(await positions(store, visits), []);
    assert.deepEqual(await prune(0), { count: 0, after: null });
  });

  it('events that must stay are passed over, a piece at a time, and later ones are deleted', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append(Array.from({ length: 6 }, () => event(visits, 'a')));
    const holds = [1, 2, 3, 4].map((position) => ({ key: 'a', order: position, position, attempts: 1, retryAt: null }));
    await owner.commit({ cursor: 6, holds });
    const counts: number[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const pruned: Pruned = await store.prune({ partition: visits, ...everything, after, limit: 2 });
      counts.push(pruned.count);
      after = pruned.after;
      assert.ok(counts.length < 10, 'it comes to an end');
    }
    assert.deepEqual(counts.slice(0, 3), [0, 0, 2]);
    assert.deepEqual(await positions(store, visits), [1, 2, 3, 4]);
  });

  it('pruning stops at the first event that is not old enough', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([1, 2, 3, 4].map((hour) => event(visits, 'a', { acceptedAt: acceptedAt + hour })));
    await owner.commit({ cursor: 4 });
    const more = { partition: visits, acceptedBefore: acceptedAt + 4, idsBefore: 0, limit: 2 };
    assert.deepEqual(await store.prune({ ...more, after: 0 }), { count: 2, after: 2 });
    assert.deepEqual(await store.prune({ ...more, after: 2 }), { count: 1, after: null });
    assert.deepEqual(await positions(store, visits), [4]);
  });

  it('pruning touches no other partition', async ({ store, visits, orders }) => {
    for (const partition of [visits, orders]) {
      await store.append([chosen(partition, 'a', 'one')]);
      await (await own(store, partition)).commit({ cursor: 1 });
    }
    assert.equal(await countOf(store.prune({ partition: visits, ...everything })), 2);
    assert.deepEqual(await positions(store, orders), [1]);
    assert.deepEqual(await store.append([chosen(orders, 'a', 'one')]), [{ status: 'duplicate' }]);
  });

  it('positions continue after everything was pruned, and after a reopening', async ({ store, visits, reopen }) => {
    const owner = await own(store, visits);
    await store.append(['a', 'b', 'c'].map((key) => event(visits, key)));
    await owner.commit({ cursor: 3 });
    assert.equal(await countOf(store.prune({ partition: visits, ...everything })), 3);
    assert.equal((await store.claim(visits)).standing.head, 3);
    assert.deepEqual(await store.append([event(visits, 'd')]), [{ status: 'accepted', position: 4 }]);
    await (await own(store, visits)).commit({ cursor: 4 });
    await store.prune({ partition: visits, ...everything });

    const again = await reopen();
    const { cursor, head } = (await again.claim(visits)).standing;
    assert.deepEqual({ cursor, head }, { cursor: 4, head: 4 });
    assert.deepEqual(await again.append([event(visits, 'e')]), [{ status: 'accepted', position: 5 }]);
    assert.deepEqual(await positions(again, visits), [5]);
  });
}

async function countOf(pruned: Promise<Pruned>): Promise<number> {
  return (await pruned).count;
}

async function positions(store: Store, partition: PartitionId): Promise<number[]> {
  return (await store.read(partition, 0, 100)).map(({ position }) => position);
}
