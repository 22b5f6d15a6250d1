import assert from 'node:assert/strict';
import type { KeysQuery, PartitionId, Store } from '../store.ts';
import { ask, delivery, event, numbered, outcome, own, type StoreTest, timer } from './fixtures.ts';

/** Tests lists of keys. */
export function keyListContract(it: StoreTest): void {
  it('a key with a record, a held event, a timer or an outcome is listed, with its standing', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'held', 5), numbered(rockets, 'held', 7), numbered(rockets, 'gap', 9)]);
    await owner.commit({
      cursor: 3,
      holds: [{ key: 'held', order: 5, position: 1, attempts: 1, retryAt: 9 }],
      keys: [
        { key: 'state', state: { json: '1', version: 1 }, next: Number.MAX_SAFE_INTEGER, parked: false },
        { key: 'parked', state: null, next: null, parked: true },
      ],
      gaps: [
        { key: 'gap', gap: { next: 1, first: 9, since: 3 } },
        { key: 'unheld', gap: { next: 1, first: 9, since: 3 } },
      ],
      timers: [timer('timer', 'wake', 5), timer('state', 'wake', 5)],
      outcomes: [outcome('outcome', '1', 5)],
    });
    const calm = { next: null, parked: false, heldFrom: null, held: 0, isRetried: false };
    const gap = { ...calm, key: 'gap', heldFrom: 9, held: 1 };
    const held = { ...calm, key: 'held', heldFrom: 5, held: 2, isRetried: true };
    const parked = { ...calm, key: 'parked', parked: true };
    const others = [
      { ...calm, key: 'outcome' },
      parked,
      { ...calm, key: 'state', next: Number.MAX_SAFE_INTEGER },
      { ...calm, key: 'timer' },
    ];
    assert.deepEqual(await store.keys(rockets, { limit: 10 }), [gap, held, ...others]);
    assert.deepEqual(await store.keys(rockets, { among: 'parked', limit: 10 }), [parked]);
    assert.deepEqual(await store.keys(rockets, { among: 'gaps', limit: 10 }), [gap, { ...calm, key: 'unheld' }]);
    assert.deepEqual(await store.keys(rockets, { among: 'retried', limit: 10 }), [held]);
  });

  it('a key with a failed timer or outcome is listed as retrying', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({
      timers: [{ ...timer('b', 'wake', 5), attempts: 2, retryAt: 9 }, timer('c', 'wake', 5)],
      outcomes: [{ ...outcome('a', '1', 5), attempts: 1, retryAt: 9 }],
    });
    assert.deepEqual(await names(store, visits, { among: 'retried', limit: 10 }), ['a', 'b']);
  });

  it('keys are listed in byte order, a page at a time, each once', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const keys = ['a', 'b', 'é', '\uffee', '🚀'];
    await store.append(keys.flatMap((key) => [event(visits, key), event(visits, key)]));
    await owner.commit({
      cursor: 10,
      holds: keys.flatMap((key, at) =>
        [2 * at + 1, 2 * at + 2].map((position) => ({ key, order: position, position, attempts: 1, retryAt: null })),
      ),
      keys: keys.map((key) => ({ key, state: null, next: null, parked: true })),
      timers: keys.map((key) => timer(key, 'wake', 5)),
    });
    for (const among of [undefined, 'parked', 'retried'] as const) {
      const found: string[] = [];
      for (let page: readonly string[] = ['']; page.length > 0; found.push(...page)) {
        page = await names(store, visits, { among, after: found.at(-1), limit: 2 });
      }
      assert.deepEqual(found, keys);
    }
  });

  it('a prefix is compared by bytes, whatever its characters; a page after a key stays within it', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const keys = ['100%', '100%/a', '100%/b', '100&', '1000', '퟿a', '\u{10ffff}', '\u{10ffff}z', 'a_b', 'aab'];
    await owner.commit({ timers: keys.map((key) => timer(key, 'wake', 5)) });
    const from = (prefix: string, more: Partial<KeysQuery> = {}) => names(store, visits, { prefix, limit: 10, ...more });
    assert.deepEqual(await from('100%'), ['100%', '100%/a', '100%/b']);
    assert.deepEqual(await from('100%', { after: '100%' }), ['100%/a', '100%/b']);
    assert.deepEqual(await from('100%', { after: '100%/a', limit: 1 }), ['100%/b']);
    assert.deepEqual(await from('100%', { after: '100%/b' }), []);
    assert.deepEqual(await from('100%', { after: '0' }), ['100%', '100%/a', '100%/b']);
    assert.deepEqual(await from('a_'), ['a_b']);
    assert.deepEqual(await from('퟿'), ['퟿a']);
    assert.deepEqual(await from('\u{10ffff}'), ['\u{10ffff}', '\u{10ffff}z']);
    assert.deepEqual(await from('A'), []);
    assert.equal((await from('')).length, keys.length);
  });

  it('keys of other partitions are not listed', async ({ store, visits, orders }) => {
    const [one, other] = [await own(store, visits), await own(store, orders)];
    await one.commit({ timers: [timer('a', 'wake', 5)] });
    await other.commit({ keys: [{ key: 'b', state: null, next: null, parked: true }], timers: [timer('b', 'wake', 5)] });
    assert.deepEqual(await names(store, visits, { limit: 10 }), ['a']);
    assert.deepEqual(await names(store, visits, { among: 'parked', limit: 10 }), []);
  });

  it('the deliveries of a key and an endpoint are listed in id order', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const first = delivery('2', 'a', { url: 'http://a/', dueAt: null, attempts: 3 });
    const second = delivery('1', 'a');
    await owner.commit({ deliveries: ask(first, delivery('1', 'b'), second) });
    const shown = [second, first].map(({ id, endpoint, url, askedAt, attempts, dueAt }) => ({
      ...{ id, endpoint, url, askedAt, attempts, dueAt },
      lastFailure: null,
    }));
    assert.deepEqual(await store.deliveriesOfKey(visits, 'mail', 'a', 10), shown);
    assert.deepEqual(await store.deliveriesOfKey(visits, 'mail', 'a', 1), shown.slice(0, 1));
    assert.deepEqual(await store.deliveriesOfKey(visits, 'nobody', 'a', 1), []);
  });
}

async function names(store: Store, partition: PartitionId, query: KeysQuery): Promise<readonly string[]> {
  return (await store.keys(partition, query)).map(({ key }) => key);
}
