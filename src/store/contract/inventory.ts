import assert from 'node:assert/strict';
import type { StoreDeclaration, StoredPipeline } from '../store.ts';
import {
  ask,
  chosen,
  declaration,
  delivery,
  event,
  gap,
  letter,
  numbered,
  outcome,
  own,
  refusal,
  type StoreTest,
  statuses,
  timer,
} from './fixtures.ts';

const nothing = { waiting: 0, states: 0, keys: [], timers: [], outcomes: [], deliveries: [], deadLetters: 0, inbox: 0 };
const allOf = { uncounted: [], named: [] };
const stateOf = (key: string) => ({ key, state: { json: '{}', version: 1 }, next: null, parked: false });

/** Tests the inventory of a store's contents per pipeline, declared or not, and deleting all of one pipeline. */
export function inventoryContract(it: StoreTest): void {
  it('the inventory lists every pipeline by name, even those without contents', async ({ store }) => {
    assert.deepEqual(
      await store.inventory(allOf),
      ['orders', 'rockets', 'visits'].map((pipeline): StoredPipeline => ({ pipeline, ...nothing })),
    );
  });

  it('the inventory counts unsettled events, once each', async ({ store, visits, rockets }) => {
    const owner = await own(store, visits);
    await store.append([1, 2, 3].map((n) => event(visits, 'a', { id: String(n) })));
    await owner.commit({ cursor: 2, holds: [{ key: 'a', order: 2, position: 2, attempts: 1, retryAt: null }] });
    await store.append([1, 2, 4].map((n) => numbered(rockets, 'r', n)));
    await (await own(store, rockets)).commit({ cursor: 1, releases: [{ key: 'r', from: 1, to: 1 }] });
    const waiting = (await store.inventory(allOf)).map(({ pipeline, waiting }) => [pipeline, waiting]);
    assert.deepEqual(waiting, [
      ['orders', 0],
      ['rockets', 2],
      ['visits', 2],
    ]);
  });

  it('the inventory counts timers by name, outcomes and deliveries by endpoint', async ({ store, orders }) => {
    const timers = ['b', 'a', 'x/y/1', 'x/y/2', 'mail', '__proto__'].map((name) => timer('k', name, 5));
    const deliveries = ask(delivery('1', 'k'), delivery('2', 'k', { dueAt: null }), delivery('1', 'l', { endpoint: 'fax' }));
    const outcomes = [outcome('k', '1', 5), outcome('k', '2/3', 5), outcome('l', '1', 5), outcome('k', '1', 5, { endpoint: '__proto__' })];
    await (await own(store, orders)).commit({ timers: [...timers, timer('l', 'a', 6)], outcomes, deliveries });
    const [found] = await store.inventory(allOf);
    assert.deepEqual(
      found?.timers.map(({ name, count }) => [name, count]),
      [
        ['__proto__', 1],
        ['a', 2],
        ['b', 1],
        ['mail', 1],
        ['x/y/1', 1],
        ['x/y/2', 1],
      ],
    );
    assert.deepEqual(found?.outcomes, [
      { name: '__proto__', count: 1 },
      { name: 'mail', count: 3 },
    ]);
    assert.deepEqual(found?.deliveries, [
      { name: 'fax', count: 1 },
      { name: 'mail', count: 2 },
    ]);
  });

  it('the inventory counts keys with a state, and unresolved dead letters', async ({ store, orders }) => {
    const owner = await own(store, orders);
    await store.append([event(orders, 'a')]);
    await owner.commit({
      cursor: 1,
      keys: [stateOf('b'), stateOf('a'), { ...stateOf('c'), state: null, parked: true }],
      deadLetters: [letter('1', 'a', 1), gap('2', 'a', 1, 2), gap('3', 'a', 3, 4)],
    });
    await owner.commit({ resolvedDeadLetters: ['1', '2'] });
    assert.deepEqual((await store.inventory(allOf))[0], { pipeline: 'orders', ...nothing, states: 2, deadLetters: 1 });
  });

  it('the inventory counts states and names keys only on request', async ({ store, orders, visits }) => {
    await (await own(store, orders)).commit({ keys: [stateOf('b'), stateOf('ä'), stateOf('a')] });
    await (await own(store, visits)).commit({ keys: [stateOf('v')] });
    const found = await store.inventory({ uncounted: ['orders', 'nobody'], named: ['orders', 'nobody'] });
    assert.deepEqual(
      found.map(({ pipeline, states, keys }) => ({ pipeline, states, keys })),
      [
        { pipeline: 'orders', states: null, keys: ['a', 'b', 'ä'] },
        { pipeline: 'rockets', states: 0, keys: [] },
        { pipeline: 'visits', states: 1, keys: [] },
      ],
    );
  });

  it('the inventory includes pipelines that are no longer declared', async ({ store, orders, reopen }) => {
    await store.append([event(orders, 'a')]);
    await (await own(store, orders)).commit({ timers: [timer('a', 'wake', 5)] });
    const others = declaration.pipelines.filter(({ name }) => name !== 'orders');
    const found = await (await reopen({ ...declaration, pipelines: others })).inventory(allOf);
    assert.deepEqual(found[0], { pipeline: 'orders', ...nothing, waiting: 1, timers: [{ name: 'wake', count: 1 }] });
    assert.equal(found.length, 3);
  });

  it('an endpoint’s delivery names are listed by key and id, whatever they wait for', async ({ store, orders }) => {
    const asked = [delivery('2', 'b'), delivery('1', 'b', { dueAt: null }), delivery('3', 'a'), delivery('9', 'a', { endpoint: 'fax' })];
    await (await own(store, orders)).commit({ deliveries: ask(...asked) });
    const names = async (limit: number) => (await store.deliveryNames(orders, 'mail', limit)).map(({ key, id }) => `${key}${id}`);
    assert.deepEqual(await names(10), ['a3', 'b1', 'b2']);
    assert.deepEqual(await names(2), ['a3', 'b1']);
    assert.deepEqual(await store.deliveryNames(orders, 'fax', 10), [{ endpoint: 'fax', key: 'a', id: '9' }]);
    assert.deepEqual(await store.deliveryNames(orders, 'nobody', 10), []);
  });

  it('delivery names can be limited to one key', async ({ store, orders }) => {
    const asked = [delivery('2', 'b'), delivery('1', 'b'), delivery('3', 'a'), delivery('9', 'b', { endpoint: 'fax' })];
    await (await own(store, orders)).commit({ deliveries: ask(...asked) });
    const names = async (limit: number, key: string) => (await store.deliveryNames(orders, 'mail', limit, key)).map(({ id }) => id);
    assert.deepEqual(await names(10, 'b'), ['1', '2']);
    assert.deepEqual(await names(1, 'b'), ['1']);
    assert.deepEqual(await names(10, 'nobody'), []);
  });

  it('delivery names that differ only at their ends are in order', async ({ store, orders }) => {
    const long = 'x'.repeat(2_000);
    const ids = ['c', 'a', 'd', 'b'].map((end) => `${long}${end}`);
    await (await own(store, orders)).commit({ deliveries: ask(...ids.map((id) => delivery(id, 'a'))) });
    assert.deepEqual(
      (await store.deliveryNames(orders, 'mail', 10)).map(({ id }) => id.slice(long.length)),
      ['a', 'b', 'c', 'd'],
    );
  });

  it('a deleted pipeline leaves nothing behind, and no other one changes', async ({ store, orders, visits, reopen }) => {
    for (const partition of [orders, visits]) {
      const owner = await own(store, partition);
      await store.append(['1', '2', '3'].map((id) => chosen(partition, 'a', id)));
      await owner.commit({
        cursor: 2,
        holds: [{ key: 'a', order: 1, position: 1, attempts: 1, retryAt: null }],
        keys: [{ ...stateOf('a'), next: 4, parked: true }],
        timers: [timer('a', 'wake', 5)],
        outcomes: [outcome('a', '1', 5)],
        deliveries: ask(delivery('1', 'a')),
        deadLetters: [letter(`letter of ${partition.pipeline}`, 'a', 1), gap(`gap of ${partition.pipeline}`, 'a', 1, 2)],
      });
    }
    const pipelines = declaration.pipelines.filter(({ name }) => name !== 'orders');
    const before = await store.inventory(allOf);
    const without = await reopen({ ...declaration, pipelines });
    await without.forget('orders');
    assert.deepEqual(
      await without.inventory(allOf),
      before.filter(({ pipeline }) => pipeline !== 'orders'),
    );
    assert.deepEqual(
      (await without.deadLetters({ limit: 10 })).map(({ id }) => id),
      ['gap of visits', 'letter of visits'],
    );
    assert.equal((await without.load(visits, ['a']))[0]?.parked, true);
    const again = await reopen();
    assert.deepEqual((await again.claim(orders)).standing, {
      cursor: 0,
      head: 0,
      held: 0,
      deadLetters: 0,
      parked: 0,
      deliveries: 0,
      gaps: 0,
    });
    assert.deepEqual(await again.read(orders, 0, 10), []);
    assert.deepEqual(statuses(await again.append([chosen(orders, 'a', '1'), chosen(visits, 'a', '1')])), ['accepted', 'duplicate']);
    assert.deepEqual((await again.load(orders, ['a']))[0]?.timers, []);
  });

  it('a deleted pipeline has no earlier shape of states', async ({ store }) => {
    const open = async (pipelines: StoreDeclaration['pipelines']) => {
      await store.close();
      return (await store.open({ pipelines, tables: [] })).reshaped;
    };
    const carts = (shape: string) => ({ name: 'carts', numbered: false, state: { version: 1, shape } });
    await open([carts('one')]);
    assert.deepEqual(await open([carts('two')]), ['carts']);
    await open([]);
    await store.forget('carts');
    assert.deepEqual(await open([carts('three')]), []);
  });

  it('a declared pipeline is not deleted, and deleting an unknown one does nothing', async ({ store, orders }) => {
    await store.append([event(orders, 'a')]);
    await refusal(store.forget('orders'), 'MILL_CONFLICT');
    await store.forget('nobody');
    assert.equal((await store.inventory(allOf))[0]?.waiting, 1);
  });
}
