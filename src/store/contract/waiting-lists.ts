import assert from 'node:assert/strict';
import type { DeliveriesQuery, ListedTimer, PartitionId, Store, TimersQuery } from '../store.ts';
import { ask, delivery, disarm, outcome, own, remove, type StoreTest, timer } from './fixtures.ts';

/** Tests the lists of pending items that are shown for a pipeline. */
export function waitingListsContract(it: StoreTest): void {
  it('pending timers are listed by moment, then by key and name, without their data', async ({ store, visits, reopen }) => {
    const owner = await own(store, visits);
    const tried = { ...timer('a', 'z', 7, '{"n":1}'), attempts: 2, retryAt: 9 };
    await owner.commit({
      timers: [timer('é', 'wake', 5), timer('a', 'wake', 5), timer('b', 'wake', 1), tried, timer('a', 'expire', 5), timer('c', 'gone', 2)],
      outcomes: [outcome('a', '1', 3)],
    });
    await owner.commit({ timers: [disarm('c', 'gone')] });
    const expected = [listed('b', 'wake', 1), listed('a', 'expire', 5), listed('a', 'wake', 5), listed('é', 'wake', 5)];
    const last = { key: 'a', name: 'z', dueAt: 7, attempts: 2, retryAt: 9 };
    assert.deepEqual(await store.timers(visits, { limit: 10 }), [...expected, last]);
    assert.deepEqual(await (await reopen()).timers(visits, { limit: 2 }), expected.slice(0, 2));
  });

  it('a page of timers continues after a place that need not exist any more', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const names = ['a', 'b', 'é', '\u{10ffff}'];
    await owner.commit({ timers: names.flatMap((key) => [1, 5].flatMap((due) => names.map((name) => timer(key, `${name}${due}`, due)))) });
    const all = await store.timers(visits, { limit: 100 });
    assert.equal(all.length, 2 * names.length ** 2);
    const found: ListedTimer[] = [];
    for (let page = await store.timers(visits, { limit: 3 }); page.length > 0; ) {
      found.push(...page);
      page = await store.timers(visits, { after: found.at(-1), limit: 3 });
    }
    assert.deepEqual(found, all);
    const behind = await store.timers(visits, { after: { dueAt: 1, key: 'b', name: 'c' }, limit: 1 });
    assert.deepEqual(behind, [listed('b', 'é1', 1)]);
  });

  it('timers can be listed by name, by prefix of the key, and before a moment', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    await owner.commit({
      timers: [timer('100%', 'wake', 5), timer('100%/a', 'wake', 6), timer('1000', 'wake', 7), timer('100%', 'expire', 8)],
    });
    const keys = (query: Partial<TimersQuery>) => keysOf(store, visits, query);
    assert.deepEqual(await keys({ name: 'wake' }), ['100%', '100%/a', '1000']);
    assert.deepEqual(await keys({ prefix: '100%' }), ['100%', '100%/a', '100%']);
    assert.deepEqual(await keys({ prefix: '100%', name: 'wake', before: 6 }), ['100%']);
    assert.deepEqual(await keys({ before: 6 }), ['100%']);
    assert.deepEqual(await keys({ before: 5 }), []);
    assert.deepEqual(await keys({ prefix: '', after: { dueAt: 7, key: '1000', name: 'wake' } }), ['100%']);
    assert.deepEqual(await keys({ name: "wake' OR 1=1 --" }), []);
    assert.deepEqual(await keysOf(store, orders, {}), []);
  });

  it('deliveries of an endpoint are listed by key and id, whether or not they are due', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    const later = delivery('2', 'a', { url: 'http://a/', dueAt: null, attempts: 3 });
    await owner.commit({
      deliveries: ask(
        later,
        delivery('1', 'é'),
        delivery('1', 'a', { dueAt: 99 }),
        delivery('9', 'b'),
        delivery('1', 'a', { endpoint: 'sms' }),
      ),
    });
    await owner.commit({ deliveries: remove('b', '9') });
    const names = async (query: Partial<DeliveriesQuery>, partition = visits) =>
      (await store.deliveries(partition, { endpoint: 'mail', limit: 10, ...query })).map(({ key, id }) => `${key}${id}`);
    const { id, key, endpoint, url, askedAt, attempts, dueAt } = later;
    assert.deepEqual(await names({}), ['a1', 'a2', 'é1']);
    assert.deepEqual((await store.deliveries(visits, { endpoint: 'mail', limit: 2 }))[1], {
      id,
      key,
      endpoint,
      url,
      askedAt,
      attempts,
      dueAt,
      lastFailure: null,
    });
    assert.deepEqual(await names({ limit: 1 }), ['a1']);
    assert.deepEqual(await names({ after: { key: 'a', id: '1' }, limit: 1 }), ['a2']);
    assert.deepEqual(await names({ after: { key: 'a', id: '2' } }), ['é1']);
    assert.deepEqual(await names({ key: 'a' }), ['a1', 'a2']);
    assert.deepEqual(await names({ key: 'a', after: { key: 'a', id: '1' } }), ['a2']);
    assert.deepEqual(await names({ id: '1' }), ['a1', 'é1']);
    assert.deepEqual(await names({ key: 'é', id: '1' }), ['é1']);
    assert.deepEqual(await names({ key: 'é', id: '2' }), []);
    assert.deepEqual(await names({ endpoint: 'sms' }), ['a1']);
    assert.deepEqual(await names({ endpoint: 'nobody' }), []);
    assert.deepEqual(await names({}, orders), []);
  });
}

function listed(key: string, name: string, dueAt: number): ListedTimer {
  return { key, name, dueAt, attempts: 0, retryAt: null };
}

async function keysOf(store: Store, partition: PartitionId, query: Partial<TimersQuery>): Promise<readonly string[]> {
  return (await store.timers(partition, { limit: 10, ...query })).map(({ key }) => key);
}
