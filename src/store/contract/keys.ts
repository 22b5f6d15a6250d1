import assert from 'node:assert/strict';
import { event, numbered, own, type StoreTest } from './fixtures.ts';

const unknown = { state: null, next: null, parked: false, heldFrom: null, heldTo: null, held: 0, gap: null, timers: [], outcomes: [] };

/** Tests the records of keys. */
export function keysContract(it: StoreTest): void {
  it('an unknown key has an empty record', async ({ store, visits }) => {
    assert.deepEqual(await store.load(visits, ['nobody']), [unknown]);
    assert.deepEqual(await store.load(visits, []), []);
  });

  it('records come in the order asked, even if a key is asked for twice', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const record = (key: string) => ({ key, state: { json: JSON.stringify(key), version: 1 }, next: null, parked: false });
    await owner.commit({ keys: ['a', 'b', 'c'].map(record) });
    const records = await store.load(visits, ['c', 'nobody', 'a', 'c', 'b']);
    assert.deepEqual(
      records.map(({ state }) => state?.json),
      ['"c"', undefined, '"a"', '"c"', '"b"'],
    );
  });

  it('an update replaces the whole record', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await owner.commit({ keys: [{ key: 'a', state: { json: '{"é":"🚀"}', version: 3 }, next: Number.MAX_SAFE_INTEGER, parked: true }] });
    assert.deepEqual(await store.load(rockets, ['a']), [
      {
        state: { json: '{"é":"🚀"}', version: 3 },
        next: Number.MAX_SAFE_INTEGER,
        parked: true,
        heldFrom: null,
        heldTo: null,
        held: 0,
        gap: null,
        timers: [],
        outcomes: [],
      },
    ]);
    await owner.commit({ keys: [{ key: 'a', state: null, next: null, parked: false }] });
    assert.deepEqual(await store.load(rockets, ['a']), [unknown]);
  });

  it('a state that is null as JSON is a state', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ keys: [{ key: 'a', state: { json: 'null', version: 1 }, next: null, parked: false }] });
    assert.deepEqual((await store.load(visits, ['a']))[0]?.state, { json: 'null', version: 1 });
  });

  it('a record counts its key’s held events, and has their lowest order and highest position', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 9), numbered(rockets, 'a', 4), numbered(rockets, 'b', 1), numbered(rockets, 'a', 6)]);
    assert.deepEqual(await store.load(rockets, ['a', 'b']), [
      { ...unknown, heldFrom: 4, heldTo: 4, held: 3 },
      { ...unknown, heldFrom: 1, heldTo: 3, held: 1 },
    ]);
    await owner.commit({ releases: [{ key: 'a', from: 4, to: 6 }] });
    assert.deepEqual(await store.load(rockets, ['a']), [{ ...unknown, heldFrom: 9, heldTo: 1, held: 1 }]);
  });

  it('an event without a number is not held just because it was appended', async ({ store, visits }) => {
    await store.append([event(visits, 'a')]);
    assert.deepEqual(await store.load(visits, ['a']), [unknown]);
  });

  it('each partition has its own record of a key', async ({ store, visits, orders }) => {
    const owner = await own(store, visits);
    await owner.commit({ keys: [{ key: 'a', state: { json: '1', version: 1 }, next: null, parked: true }] });
    assert.deepEqual(await store.load(orders, ['a']), [unknown]);
  });

  it('keys differ by case, accents and blanks', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const keys = ['key', 'Key', 'kéy', 'key ', ' key'];
    await owner.commit({ keys: keys.map((key) => ({ key, state: { json: JSON.stringify(key), version: 1 }, next: null, parked: false })) });
    assert.deepEqual(
      (await store.load(visits, keys)).map(({ state }) => JSON.parse(state?.json ?? 'null')),
      keys,
    );
  });
}
