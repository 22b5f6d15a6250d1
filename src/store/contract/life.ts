import assert from 'node:assert/strict';
import {
  ask,
  chosen,
  commitOf,
  delivery,
  event,
  gap,
  letter,
  logged,
  numbered,
  own,
  put,
  refusal,
  remove,
  rowsOf,
  type StoreTest,
  timer,
} from './fixtures.ts';

/** Tests what closing ends, and what opening finds. */
export function lifeContract(it: StoreTest): void {
  it('a closed store refuses every call', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    await store.close();
    const calls = [
      () => store.claim(visits),
      () => store.append([event(visits, 'a')]),
      () => store.read(visits, 0, 10),
      () => store.load(visits, ['a']),
      () => store.held(visits, 'a', 0, 10),
      () => store.heldKeys(visits, null, 10),
      () => store.dueCauses(visits, 0, 10),
      () => store.nextCauseDue(visits, 0),
      () => store.dueDeliveries(visits, 'mail', 0, 10),
      () => store.nextDeliveryDue(visits, 'mail', 0),
      () => store.dueMoments(visits, 'mail', 0, 10),
      () => lease.commit(commitOf({})),
      () => store.deadLetters({ limit: 10 }),
      () => store.prune({ partition: visits, acceptedBefore: 0, idsBefore: 0, after: 0, limit: 10 }),
      () => store.deliveryNames(visits, 'mail', 10),
      () => store.setPaused('visits', true),
      () => store.inventory({ uncounted: [], named: [] }),
      () => store.forget('nobody'),
      () => store.query('SELECT id FROM accounts', []),
    ];
    for (const call of calls) await refusal(call(), 'MILL_STORE_UNAVAILABLE');
  });

  it('figures are available at any time, and never negative', async ({ store, visits }) => {
    const check = async () => {
      for (const [name, figure] of Object.entries(await store.stats())) assert.ok(Number.isSafeInteger(figure) && figure >= 0, name);
    };
    await check();
    await store.append([event(visits, 'a')]);
    await check();
    await store.close();
    await check();
  });

  it('closing finishes earlier calls', async ({ store, visits, orders, reopen }) => {
    const owner = await own(store, visits);
    const calls = [owner.commit({ sends: [event(orders, 'b')] }), store.read(visits, 0, 10)];
    // Many, so that some are still pending when it is closed.
    const appends = Array.from('abcdefgh', (key) => store.append([event(visits, key)]));
    const reopened = reopen();
    await Promise.all([...calls, ...appends]);
    const again = await reopened;
    assert.deepEqual(
      (await again.read(visits, 0, 10)).map(({ key }) => key),
      [...'abcdefgh'],
    );
    assert.equal((await again.read(orders, 0, 10)).length, 1);
  });

  it('events, ids and the cursor survive a reopening', async ({ store, visits, reopen }) => {
    const owner = await own(store, visits);
    const events = [chosen(visits, 'a', 'one', { body: '"é"' }), event(visits, 'b'), event(visits, 'c')];
    await store.append(events);
    await owner.commit({ cursor: 2 });
    const again = await reopen();
    assert.deepEqual(
      await again.read(visits, 0, 10),
      events.map((each, index) => logged(each, index + 1)),
    );
    assert.deepEqual(await again.append([chosen(visits, 'a', 'one'), event(visits, 'd')]), [
      { status: 'duplicate' },
      { status: 'accepted', position: 4 },
    ]);
    const { cursor, head } = (await again.claim(visits)).standing;
    assert.deepEqual({ cursor, head }, { cursor: 2, head: 4 });
  });

  it('keys, held events, timers and rows survive a reopening', async ({ store, rockets, reopen }) => {
    const owner = await own(store, rockets);
    const held = numbered(rockets, 'a', 4);
    const wake = timer('a', 'wake', 7, '1');
    const state = { json: '{"é":1}', version: 2 };
    await store.append([numbered(rockets, 'a', 1), held]);
    await owner.commit({
      cursor: 2,
      holds: [{ key: 'a', order: 4, position: 2, attempts: 3, retryAt: 99 }],
      releases: [{ key: 'a', from: 1, to: 1 }],
      keys: [{ key: 'a', state, next: 2, parked: true }],
      timers: [wake],
      rows: [put('accounts', ['a', 1, null, null, null])],
    });
    const again = await reopen();
    assert.deepEqual(await again.load(rockets, ['a']), [
      { state, next: 2, parked: true, heldFrom: 4, heldTo: 2, held: 1, gap: null, timers: [wake], outcomes: [] },
    ]);
    assert.deepEqual(await again.held(rockets, 'a', 0, 10), [{ ...logged(held, 2), order: 4, attempts: 3, retryAt: 99 }]);
    assert.deepEqual(await again.heldKeys(rockets, null, 10), ['a']);
    assert.deepEqual(await again.dueCauses(rockets, 7, 10), [wake]);
    assert.equal((await rowsOf(again, 'accounts', 'id')).length, 1);
    assert.equal((await again.claim(rockets)).standing.held, 1);
    assert.deepEqual(await again.append([numbered(rockets, 'a', 1), numbered(rockets, 'a', 4)]), [
      { status: 'duplicate' },
      { status: 'duplicate' },
    ]);
  });

  it('deliveries and their order survive a reopening', async ({ store, visits, reopen }) => {
    const asked = ['1', '2', '3'].map((id) => delivery(id, 'a', { body: `"é ${id}"`, attempts: 2 }));
    await (await own(store, visits)).commit({ deliveries: ask(...asked) });
    const again = await reopen();
    assert.deepEqual(await again.dueDeliveries(visits, 'mail', 10, 10), asked.slice(0, 1));
    const { deliveries } = (await again.claim(visits)).standing;
    assert.equal(deliveries, 3);
    const owner = await own(again, visits);
    await owner.commit({ deliveries: [...remove('a', '1'), ...ask(delivery('4', 'a'))] });
    assert.deepEqual(await again.dueDeliveries(visits, 'mail', 10, 10), asked.slice(1, 2));
  });

  it('dead letters and skipped numbers survive a reopening', async ({ store, rockets, reopen }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 3)]);
    await owner.commit({
      cursor: 1,
      releases: [{ key: 'a', from: 3, to: 3 }],
      keys: [{ key: 'a', state: null, next: 4, parked: false }],
      deadLetters: [gap('gap', 'a', 1, 2), letter('letter', 'a', 1, { event: { position: 1, order: 3 } })],
    });
    const before = await store.deadLetters({ limit: 10 });
    const again = await reopen();
    assert.deepEqual(await again.deadLetters({ limit: 10 }), before);
    assert.deepEqual(await again.append([numbered(rockets, 'a', 2)]), [{ status: 'late' }]);
  });

  it('an opening names the pipelines whose states may have another shape than the current one', async ({ store }) => {
    const reshaped = async (visitsShape: string, version: number, ordersShape?: string) => {
      await store.close();
      const pipelines = [
        { name: 'visits', numbered: false, state: { version, shape: visitsShape } },
        { name: 'orders', numbered: false, ...(ordersShape !== undefined && { state: { version: 1, shape: ordersShape } }) },
      ];
      return (await store.open({ pipelines, tables: [] })).reshaped;
    };
    assert.deepEqual(await reshaped('one', 1, 'one'), []);
    assert.deepEqual(await reshaped('one', 1), []);
    assert.deepEqual(await reshaped('two', 1, 'one'), ['visits']);
    assert.deepEqual(await reshaped('one', 1, 'two'), ['visits', 'orders']);
    assert.deepEqual(await reshaped('two', 2), []);
  });

  it('an opening names the pipelines with data where their keys are no longer looked up', async ({ store, visits }) => {
    const misplaced = async (isTogether: boolean) => {
      await store.close();
      const pipelines = [
        { name: 'visits', numbered: false, isTogether },
        { name: 'orders', numbered: false },
      ];
      return (await store.open({ pipelines, tables: [] })).misplaced;
    };
    assert.deepEqual(await misplaced(true), [], 'nothing lies there');
    await store.append([event(visits, 'a')]);
    assert.deepEqual(await misplaced(true), []);
    const expected = store.partitions === 1 ? [] : ['visits'];
    assert.deepEqual(await misplaced(false), expected);
    assert.deepEqual(await misplaced(false), expected, 'as long as it is so');
    assert.deepEqual(await misplaced(true), []);
  });

  it('a pipeline may be new to a database', async ({ store, visits, reopen }) => {
    await store.append([event(visits, 'a')]);
    const again = await reopen({
      pipelines: [
        { name: 'visits', numbered: false },
        { name: 'brand_new', numbered: true },
      ],
      tables: [],
    });
    const partition = { pipeline: 'brand_new', slice: again.partitions - 1 };
    assert.deepEqual(await again.append([numbered(partition, 'a', 1), event(visits, 'b')]), [
      { status: 'accepted', position: 1 },
      { status: 'accepted', position: 2 },
    ]);
  });

  it('the number of partitions stays the same', async ({ store, reopen }) => {
    const { partitions } = store;
    assert.ok(Number.isSafeInteger(partitions) && partitions >= 1, `found ${partitions}`);
    assert.equal((await reopen()).partitions, partitions);
  });
}
