import assert from 'node:assert/strict';
import type { Commit } from '../store.ts';
import {
  add,
  ask,
  causeNames,
  chosen,
  delivery,
  disarm,
  event,
  gap,
  letter,
  numbered,
  outcome,
  own,
  put,
  refusal,
  remove,
  rowsOf,
  type StoreTest,
  statuses,
  timer,
  told,
} from './fixtures.ts';

/** Tests a commit as one transaction, with its parts in the order of the port's fields. */
export function commitContract(it: StoreTest): void {
  it('all parts of a commit take effect together', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    await store.append(['a', 'b', 'c'].map((key) => event(visits, key)));
    const state = { json: '{"count":1}', version: 2 };
    const committed = await owner.commit({
      cursor: 3,
      holds: [{ key: 'b', order: 2, position: 2, attempts: 1, retryAt: 77 }],
      keys: [{ key: 'a', state, next: null, parked: false }],
      timers: [timer('a', 'wake', 99, '"now"')],
      outcomes: [outcome('a', 'x', 98)],
      deliveries: ask(delivery('hello', 'a')),
      rows: [put('accounts', ['a', 1, null, null, null])],
      deadLetters: [letter('one', 'c', 3)],
      sends: [event(orders, 'a'), event(visits, 'd')],
    });
    assert.deepEqual(committed, {
      sends: [
        { status: 'accepted', position: 1 },
        { status: 'accepted', position: 4 },
      ],
      deliveriesAdded: 1,
      gapsAdded: 0,
    });
    const { standing: claimed } = await store.claim(visits);
    assert.deepEqual(claimed, { cursor: 3, head: 4, held: 1, deadLetters: 1, parked: 0, deliveries: 1, gaps: 0 });
    assert.deepEqual((await store.load(visits, ['a']))[0]?.state, state);
    assert.deepEqual(await store.dueCauses(visits, 99, 10), [outcome('a', 'x', 98), timer('a', 'wake', 99, '"now"')]);
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 99, 10), [delivery('hello', 'a')]);
    assert.equal((await rowsOf(store, 'accounts', 'id')).length, 1);
    assert.equal((await store.deadLetters({ limit: 10 })).length, 1);
    assert.equal((await store.read(orders, 0, 10)).length, 1);
  });

  it('an empty commit is answered', async ({ store, visits }) => {
    const owner = await own(store, visits);
    assert.deepEqual(await owner.commit({}), { sends: [], deliveriesAdded: 0, gapsAdded: 0 });
  });

  it('a commit whose row is refused leaves nothing behind', async ({ store, visits, orders, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 1), numbered(rockets, 'a', 2)]);
    await owner.commit({
      timers: [timer('a', 'old', 5)],
      outcomes: [outcome('a', 'old', 5)],
      deliveries: ask(delivery('old', 'a')),
      rows: [put('accounts', ['a', 1, null, null, null])],
      deadLetters: [gap('old', 'b', 1, 1)],
    });

    const error = await refusal(
      owner.commit({
        cursor: 2,
        holds: [{ key: 'a', order: 2, position: 2, attempts: 9, retryAt: 9 }],
        releases: [{ key: 'a', from: 1, to: 1 }],
        keys: [{ key: 'a', state: { json: '1', version: 1 }, next: 2, parked: true }],
        timers: [disarm('a', 'old'), timer('a', 'new', 6)],
        outcomes: [told('a', 'old'), outcome('a', 'new', 6)],
        deliveries: [...remove('a', 'old'), ...ask(delivery('new', 'a'))],
        rows: [
          put('accounts', ['a', 2, null, null, null]),
          add('history', ['it happened']),
          put('accounts', ['b', null, null, null, null]),
        ],
        deadLetters: [letter('new', 'a', 1)],
        resolvedDeadLetters: ['old'],
        sends: [chosen(orders, 'c', 'one'), numbered(rockets, 'a', 3), event(visits, 'd')],
      }),
      'MILL_COMMIT_REFUSED',
    );
    assert.match(error.message, /accounts/);

    const { standing: claimed } = await store.claim(rockets);
    const old = { timers: [timer('a', 'old', 5)], outcomes: [outcome('a', 'old', 5)] };
    assert.deepEqual(claimed, { cursor: 0, head: 2, held: 2, deadLetters: 1, parked: 0, deliveries: 1, gaps: 0 });
    assert.deepEqual(await store.load(rockets, ['a']), [
      { state: null, next: null, parked: false, heldFrom: 1, heldTo: 2, held: 2, gap: null, ...old },
    ]);
    assert.deepEqual(
      (await store.held(rockets, 'a', 0, 10)).map(({ attempts }) => attempts),
      [0, 0],
    );
    assert.deepEqual(causeNames(await store.dueCauses(rockets, 10, 10)), ['mail/old', 'old']);
    assert.deepEqual(await store.dueDeliveries(rockets, 'mail', 10, 10), [delivery('old', 'a')]);
    assert.deepEqual(await rowsOf(store, 'accounts', 'id'), [{ id: 'a', version: 1, balance: null, active: null, payload: null }]);
    assert.deepEqual(await rowsOf(store, 'history', 'what'), []);
    assert.deepEqual(
      (await store.deadLetters({ limit: 10 })).map(({ id }) => id),
      ['old'],
    );
    for (const partition of [visits, orders]) assert.deepEqual(await store.read(partition, 0, 10), []);
    const retried = await store.append([chosen(orders, 'c', 'one'), numbered(rockets, 'a', 3)]);
    assert.deepEqual(retried, [
      { status: 'accepted', position: 1 },
      { status: 'accepted', position: 3 },
    ]);
  });

  it('the owner continues after a refused commit', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a')]);
    await refusal(owner.commit({ cursor: 1, rows: [add('history', [null])] }), 'MILL_COMMIT_REFUSED');
    await owner.commit({ cursor: 1, rows: [add('history', ['it happened'])] });
    assert.equal((await store.claim(visits)).standing.cursor, 1);
    assert.deepEqual(await rowsOf(store, 'history', 'what'), [{ what: 'it happened' }]);
  });

  it('holds come before releases, dead letters before their resolution', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a')]);
    await owner.commit({
      cursor: 1,
      holds: [{ key: 'a', order: 1, position: 1, attempts: 1, retryAt: null }],
      releases: [{ key: 'a', from: 1, to: 1 }],
      deadLetters: [letter('one', 'a', 1)],
      resolvedDeadLetters: ['one'],
    });
    assert.equal((await store.claim(visits)).standing.held, 0);
    assert.deepEqual(await store.deadLetters({ limit: 10 }), []);
  });

  it('the later entry in a part wins', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a')]);
    const hold = { key: 'a', order: 1, position: 1, retryAt: null };
    const key = { key: 'a', next: null, parked: false };
    await owner.commit({
      cursor: 1,
      holds: [
        { ...hold, attempts: 1 },
        { ...hold, attempts: 2 },
      ],
      keys: [
        { ...key, state: { json: '1', version: 1 } },
        { ...key, state: { json: '2', version: 1 } },
      ],
    });
    assert.equal((await store.held(visits, 'a', 0, 10))[0]?.attempts, 2);
    assert.equal((await store.load(visits, ['a']))[0]?.state?.json, '2');
  });

  it('sends are judged like appended events', async ({ store, visits, orders, rockets }) => {
    const owner = await own(store, visits);
    await store.append([chosen(orders, 'a', 'one'), numbered(rockets, 'a', 1)]);
    const sends = [
      chosen(orders, 'a', 'one'),
      chosen(orders, 'a', 'two'),
      chosen(orders, 'a', 'two'),
      numbered(rockets, 'a', 1),
      numbered(rockets, 'a', 2),
      event(visits, 'a'),
    ];
    const answers = (await owner.commit({ sends })).sends;
    assert.deepEqual(statuses(answers), ['duplicate', 'accepted', 'duplicate', 'duplicate', 'accepted', 'accepted']);
    assert.deepEqual(await store.append([chosen(orders, 'a', 'two')]), [{ status: 'duplicate' }]);
    assert.deepEqual(
      (await store.held(rockets, 'a', 0, 10)).map(({ order }) => order),
      [1, 2],
    );
  });

  it('sends are judged by the effects of the rest of their commit', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 3)]);
    const { sends } = await owner.commit({
      cursor: 1,
      releases: [{ key: 'a', from: 3, to: 3 }],
      keys: [{ key: 'a', state: null, next: 4, parked: false }],
      deadLetters: [gap('gap', 'a', 1, 2)],
      sends: [2, 3, 4].map((number) => numbered(rockets, 'a', number)),
    });
    assert.deepEqual(statuses(sends), ['late', 'duplicate', 'accepted']);
  });

  it('a commit has room for thousands of entries', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    const keys = Array.from({ length: 2_000 }, (_, index) => `key ${index}`);
    await store.append(keys.map((key) => event(visits, key)));
    await owner.commit({
      cursor: 2_000,
      holds: keys.map((key, index) => ({ key, order: index + 1, position: index + 1, attempts: 1, retryAt: null })),
      keys: keys.map((key) => ({ key, state: { json: JSON.stringify(key), version: 1 }, next: null, parked: false })),
      timers: keys.map((key, index) => timer(key, 'wake', index)),
      deliveries: ask(...keys.map((key) => delivery(key, key))),
      rows: [put('accounts', ...keys.map((key) => [key, 1, null, null, null]))],
      sends: keys.map((key) => event(orders, key)),
    });
    const records = await store.load(visits, keys);
    assert.ok(records.every(({ state, held }, index) => state?.json === JSON.stringify(keys[index]) && held === 1));
    assert.equal((await store.dueCauses(visits, 2_000, 5_000)).length, 2_000);
    assert.equal((await store.dueDeliveries(visits, 'mail', 10, 5_000)).length, 2_000);
    assert.equal((await rowsOf(store, 'accounts', 'id')).length, 2_000);
    assert.equal((await store.read(orders, 0, 5_000)).length, 2_000);
  });

  it('a commit with a moment that the database cannot hold is refused, and takes no effect', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a')]);
    for (const moment of [1e300, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 0.5]) {
      const hold = { key: 'a', order: 1, position: 1, attempts: 1, retryAt: moment };
      const retry = { write: 'retry', endpoint: 'mail', key: 'a', id: 'x', attempts: 1, dueAt: 1, pauseMs: 1 } as const;
      const kinds: Partial<Commit>[] = [
        { timers: [timer('a', 'wake', moment)] },
        { holds: [hold] },
        { deliveries: ask(delivery('x', 'a', { dueAt: moment })) },
        { deliveries: [{ ...retry, dueAt: moment }] },
        { deliveries: [{ ...retry, pauseMs: moment }] },
      ];
      for (const work of kinds) {
        const refused = owner.commit({
          cursor: 1,
          keys: [{ key: 'a', state: { json: '1', version: 1 }, next: null, parked: false }],
          rows: [add('history', ['it happened'])],
          ...work,
        });
        await refusal(refused, 'MILL_COMMIT_REFUSED');
      }
    }
    assert.deepEqual(await store.load(visits, ['a']), [
      { state: null, next: null, parked: false, heldFrom: null, heldTo: null, held: 0, gap: null, timers: [], outcomes: [] },
    ]);
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', Number.MAX_SAFE_INTEGER, 10), []);
    assert.deepEqual(await rowsOf(store, 'history', 'what'), []);
    assert.equal((await store.claim(visits)).standing.cursor, 0);
  });
}
