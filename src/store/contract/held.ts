import assert from 'node:assert/strict';
import type { Hold } from '../store.ts';
import { event, logged, numbered, own, type StoreTest } from './fixtures.ts';

/** Tests events that cannot be handled yet. */
export function heldContract(it: StoreTest): void {
  it('a numbered event is held from the moment it is appended, at its number', async ({ store, rockets }) => {
    const [late, early] = [numbered(rockets, 'a', 7, { body: '"é"' }), numbered(rockets, 'a', 3)];
    await store.append([late, early]);
    const fresh = { attempts: 0, retryAt: null };
    assert.deepEqual(await store.held(rockets, 'a', 0, 10), [
      { ...logged(early, 2), order: 3, ...fresh },
      { ...logged(late, 1), order: 7, ...fresh },
    ]);
    assert.equal((await store.claim(rockets)).standing.held, 2);
  });

  it('any other event is held only if a commit says so, at its position', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const held = event(visits, 'a', { id: 'the id', body: '"é"' });
    await store.append([event(visits, 'b'), held]);
    assert.deepEqual(await store.held(visits, 'a', 0, 10), []);
    await owner.commit({ cursor: 2, holds: [hold('a', 2, { attempts: 1, retryAt: Number.MAX_SAFE_INTEGER })] });
    assert.deepEqual(await store.held(visits, 'a', 0, 10), [
      { ...logged(held, 2), order: 2, attempts: 1, retryAt: Number.MAX_SAFE_INTEGER },
    ]);
  });

  it('a hold of a held event changes its attempts', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    const held = numbered(rockets, 'a', 5);
    await store.append([held]);
    await owner.commit({ holds: [{ key: 'a', order: 5, position: 1, attempts: 2, retryAt: 99 }] });
    assert.deepEqual(await store.held(rockets, 'a', 0, 10), [{ ...logged(held, 1), order: 5, attempts: 2, retryAt: 99 }]);
    await owner.commit({ holds: [{ key: 'a', order: 5, position: 1, attempts: 0, retryAt: null }] });
    assert.deepEqual(await store.held(rockets, 'a', 0, 10), [{ ...logged(held, 1), order: 5, attempts: 0, retryAt: null }]);
    assert.equal((await store.claim(rockets)).standing.held, 1);
  });

  it('a released numbered event can be held again', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 1)]);
    await owner.commit({ cursor: 1, releases: [{ key: 'a', from: 1, to: 1 }], keys: [{ key: 'a', state: null, next: 2, parked: false }] });
    await owner.commit({ holds: [{ key: 'a', order: 1, position: 1, attempts: 0, retryAt: null }] });
    assert.deepEqual(
      (await store.held(rockets, 'a', 0, 10)).map(({ order }) => order),
      [1],
    );
    assert.deepEqual(await store.append([numbered(rockets, 'a', 1)]), [{ status: 'duplicate' }]);
  });

  it('a release covers both its ends and everything between, for its own key only', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    const numbers = [1, 2, 3, 4, 5];
    await store.append(['a', 'b'].flatMap((key) => numbers.map((number) => numbered(rockets, key, number))));
    const left = async (key: string) => (await store.held(rockets, key, 0, 10)).map(({ order }) => order);
    await owner.commit({ releases: [{ key: 'a', from: 2, to: 4 }] });
    assert.deepEqual(await left('a'), [1, 5]);
    assert.deepEqual(await left('b'), numbers);
    await owner.commit({
      releases: [
        { key: 'a', from: 2, to: 4 },
        { key: 'nobody', from: 1, to: 9 },
        { key: 'b', from: 0, to: Number.MAX_SAFE_INTEGER },
        { key: 'a', from: 5, to: 5 },
      ],
    });
    assert.deepEqual(await left('a'), [1]);
    assert.deepEqual(await left('b'), []);
    assert.equal((await store.claim(rockets)).standing.held, 1);
  });

  it("a key's held events are read from an order on, up to the limit", async ({ store, rockets }) => {
    await store.append([50, 10, 40, 20, 30].map((number) => numbered(rockets, 'a', number)));
    await store.append([numbered(rockets, 'b', 25)]);
    const orders = async (from: number, limit: number) => (await store.held(rockets, 'a', from, limit)).map(({ order }) => order);
    assert.deepEqual(await orders(0, 2), [10, 20]);
    assert.deepEqual(await orders(21, 2), [30, 40]);
    assert.deepEqual(await orders(30, 10), [30, 40, 50]);
    assert.deepEqual(await orders(51, 10), []);
    assert.deepEqual(await store.held(rockets, 'nobody', 0, 10), []);
  });

  it('keys with held events are listed in key order, a page at a time', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const keys = ['d', 'b', 'a', 'c', 'b', 'e'];
    await store.append(keys.map((key) => event(visits, key)));
    await owner.commit({ cursor: 6, holds: keys.slice(0, 5).map((key, index) => hold(key, index + 1)) });
    assert.deepEqual(await store.heldKeys(visits, null, 10), ['a', 'b', 'c', 'd']);
    assert.deepEqual(await store.heldKeys(visits, null, 2), ['a', 'b']);
    assert.deepEqual(await store.heldKeys(visits, 'b', 2), ['c', 'd']);
    assert.deepEqual(await store.heldKeys(visits, 'd', 2), []);
    await owner.commit({ releases: [{ key: 'b', from: 0, to: 2 }] });
    assert.deepEqual(await store.heldKeys(visits, null, 10), ['a', 'b', 'c', 'd'], 'b holds another one');
    await owner.commit({ releases: [{ key: 'b', from: 0, to: 5 }] });
    assert.deepEqual(await store.heldKeys(visits, null, 10), ['a', 'c', 'd']);
  });

  it('paging through held keys with any characters yields each once', async ({ store, rockets }) => {
    const keys = ['', 'a', 'A', 'a ', 'z', 'é', 'e\u0301', 'ж', '\uff61', '🚀', '🚀🚀', "'", '%', '_'];
    await store.append(keys.map((key) => numbered(rockets, key, 1)));
    const found: string[] = [];
    for (let pages = 0; pages < keys.length; pages += 1) {
      found.push(...(await store.heldKeys(rockets, found.at(-1) ?? null, 3)));
    }
    assert.deepEqual(found.toSorted(), keys.toSorted());
  });
}

function hold(key: string, position: number, more: Partial<Hold> = {}): Hold {
  return { key, order: position, position, attempts: 1, retryAt: null, ...more };
}
