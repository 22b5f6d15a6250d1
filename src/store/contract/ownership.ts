import assert from 'node:assert/strict';
import {
  accounts,
  add,
  ask,
  commitOf,
  declaration,
  delivery,
  event,
  letter,
  own,
  put,
  refusal,
  remove,
  rowsOf,
  type StoreTest,
  timer,
} from './fixtures.ts';

/** Tests claims, the cursor, and the fence that a later claim raises. */
export function ownershipContract(it: StoreTest): void {
  it('claiming an empty partition finds nothing', async ({ store, visits }) => {
    const { standing: claimed } = await store.claim(visits);
    assert.deepEqual(claimed, { cursor: 0, head: 0, held: 0, deadLetters: 0, parked: 0, deliveries: 0, gaps: 0 });
  });

  it('a claim returns the cursor, the head, and the numbers of held events, dead letters and deliveries', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append(['a', 'b', 'b', 'c'].map((key) => event(visits, key)));
    const hold = { attempts: 1, retryAt: null };
    await owner.commit({
      cursor: 3,
      holds: [
        { key: 'b', order: 2, position: 2, ...hold },
        { key: 'b', order: 3, position: 3, ...hold },
      ],
      deliveries: ask(delivery('1', 'a'), delivery('2', 'a'), delivery('3', 'b', { dueAt: null }), delivery('4', 'b', { endpoint: 'sms' })),
      deadLetters: [letter('one', 'a', 1)],
    });
    const { standing: claimed } = await store.claim(visits);
    assert.deepEqual(claimed, { cursor: 3, head: 4, held: 2, deadLetters: 1, parked: 0, deliveries: 4, gaps: 0 });
  });

  it('a claim returns the numbers of parked keys and of unresolved dead letters', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append(['a', 'b', 'c'].map((key) => event(visits, key)));
    const parkedKey = (key: string, parked: boolean) => ({ key, state: null, next: null, parked });
    const deadLetters = [letter('1', 'a', 1, { parked: true }), letter('2', 'b', 2, { parked: true }), letter('3', 'c', 3)];
    // One is parked by hand, and has no letter.
    await owner.commit({ cursor: 3, deadLetters, keys: [parkedKey('a', true), parkedKey('b', true), parkedKey('d', true)] });
    assert.equal((await store.claim(visits)).standing.parked, 3);
    await (await own(store, visits)).commit({ resolvedDeadLetters: ['1'], keys: [parkedKey('a', false)] });
    const { parked, deadLetters: left } = (await store.claim(visits)).standing;
    assert.deepEqual([parked, left], [2, 2]);
  });

  it('every claim ends the previous lease, even across a reopening', async ({ store, visits, reopen }) => {
    const leases = [await store.claim(visits), await store.claim(visits)];
    const again = await reopen();
    const latest = await again.claim(visits);
    for (const lease of leases) {
      await refusal(lease.commit(commitOf({})), 'MILL_STORE_FENCED');
    }
    await latest.commit(commitOf({}));
  });

  it('a released lease commits no more, and does not disturb later ones', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    await lease.release();
    await refusal(lease.commit(commitOf({})), 'MILL_STORE_FENCED');
    const next = await store.claim(visits);
    await lease.release();
    await next.commit(commitOf({ timers: [timer('a', 'wake', 5)] }));
    assert.equal(await store.nextCauseDue(visits, 0), 5);
  });

  it('a beat reports who works on the database, and on which partitions', async ({ store, visits, orders }) => {
    const none = await store.beat();
    const declared = declaration.pipelines.map(({ name }) => name).sort();
    assert.deepEqual([...none.partitions.keys()].sort(), declared);
    for (const slices of none.partitions.values()) {
      assert.deepEqual(
        slices,
        Array.from({ length: store.partitions }, () => ({ owner: null, head: 0 })),
      );
    }
    const [self] = none.members;
    assert.equal(self?.id, none.self);
    assert.deepEqual([self?.pid, self?.pipelines.toSorted()], [process.pid, declared]);

    const lease = await store.claim(visits);
    await store.append([event(visits, 'a'), event(visits, 'b'), event(orders, 'a')]);
    const owned = await store.beat();
    assert.deepEqual(owned.partitions.get('visits')?.[visits.slice], { owner: owned.self, head: 2 });
    assert.deepEqual(owned.partitions.get('orders')?.[orders.slice], { owner: null, head: 0 });
    await lease.release();
    assert.deepEqual((await store.beat()).partitions.get('visits')?.[visits.slice], { owner: null, head: 0 });
  });

  it('a beat reports which pipelines are paused, even after a reopening', async ({ store, reopen }) => {
    assert.deepEqual([...(await store.beat()).paused], []);
    await store.setPaused('visits', true);
    assert.deepEqual([...(await store.beat()).paused], ['visits']);
    const again = await reopen();
    assert.deepEqual([...(await again.beat()).paused], ['visits']);
    await again.setPaused('visits', false);
    assert.deepEqual([...(await again.beat()).paused], []);
  });

  it('a commit under an earlier claim has no effect at all', async ({ store, visits, orders }) => {
    const lease = await store.claim(visits);
    await store.append([event(visits, 'a'), event(visits, 'b')]);
    const present = { state: { json: '1', version: 1 }, next: null, parked: false };
    await lease.commit(
      commitOf({
        keys: [{ key: 'a', ...present }],
        deliveries: ask(delivery('old', 'a')),
        deadLetters: [letter('old', 'a', 1)],
      }),
    );
    await store.claim(visits);

    const work = {
      cursor: 2,
      holds: [{ key: 'b', order: 2, position: 2, attempts: 1, retryAt: null }],
      keys: [{ key: 'a', state: null, next: 7, parked: true }],
      timers: [timer('a', 'wake', 5)],
      deliveries: [...remove('a', 'old'), ...ask(delivery('new', 'a'))],
      rows: [put('accounts', ['a', 1, null, null, null]), add('history', ['it happened'])],
      deadLetters: [letter('new', 'b', 2)],
      resolvedDeadLetters: ['old'],
      sends: [event(visits, 'c'), event(orders, 'd')],
    };
    await refusal(lease.commit(commitOf(work)), 'MILL_STORE_FENCED');

    const { standing: claimed } = await store.claim(visits);
    assert.deepEqual(claimed, { cursor: 0, head: 2, held: 0, deadLetters: 1, parked: 0, deliveries: 1, gaps: 0 });
    assert.deepEqual(await store.load(visits, ['a']), [
      { ...present, heldFrom: null, heldTo: null, held: 0, gap: null, timers: [], outcomes: [] },
    ]);
    assert.equal(await store.nextCauseDue(visits, 0), null);
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 10, 10), [delivery('old', 'a')]);
    assert.deepEqual(await rowsOf(store, accounts.name, 'id'), []);
    assert.deepEqual(await rowsOf(store, 'history', 'what'), []);
    assert.deepEqual(
      (await store.deadLetters({ limit: 10 })).map(({ id }) => id),
      ['old'],
    );
    assert.deepEqual(await store.read(orders, 0, 10), []);
  });

  it('a claim fences no other partition', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    await store.claim(orders);
    for (let slice = 0; slice < store.partitions - 1; slice += 1) await store.claim({ pipeline: visits.pipeline, slice });
    await owner.commit({ timers: [timer('a', 'wake', 5)] });
    assert.equal(await store.nextCauseDue(visits, 0), 5);
  });

  it('appending needs no claim and does not disturb one', async ({ store, visits }) => {
    await store.append([event(visits, 'a')]);
    const owner = await own(store, visits);
    await store.append([event(visits, 'b')]);
    await owner.commit({ cursor: 2 });
    assert.equal((await store.claim(visits)).standing.cursor, 2);
  });

  it('the cursor never falls', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    await store.append(['a', 'b', 'c'].map((key) => event(visits, key)));
    for (const cursor of [2, 1, 0]) await lease.commit(commitOf({ cursor }));
    assert.equal((await store.claim(visits)).standing.cursor, 2);
  });
}
