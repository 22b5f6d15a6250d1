import assert from 'node:assert/strict';
import { event, letter, numbered, originLetter, own, type StoreTest } from './fixtures.ts';

/** Tests the origins of sources' events, and which of them are unfinished. */
export function originsContract(it: StoreTest): void {
  it('an event keeps its origin, in the log and while it is held', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a', { origin: '{"row":"é"}' }), event(visits, 'b')]);
    await owner.commit({ cursor: 2, holds: [{ key: 'a', order: 1, position: 1, attempts: 1, retryAt: null }] });
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map(({ origin }) => origin),
      ['{"row":"é"}', null],
    );
    assert.equal((await store.held(visits, 'a', 0, 10))[0]?.origin, '{"row":"é"}');
  });

  it('an origin is pending until its event is settled', async ({ store, visits }) => {
    const owner = await own(store, visits);
    assert.deepEqual(await store.pendingOrigins(visits, ['one', 'two']), []);
    await store.append([event(visits, 'a', { origin: 'one' }), event(visits, 'a', { origin: 'two' })]);
    assert.deepEqual(await store.pendingOrigins(visits, ['two', 'other', 'one']), ['two', 'one']);
    await owner.commit({ cursor: 2, holds: [{ key: 'a', order: 2, position: 2, attempts: 1, retryAt: 7 }] });
    assert.deepEqual(await store.pendingOrigins(visits, ['one', 'two']), ['two']);
    await owner.commit({ releases: [{ key: 'a', from: 2, to: 2 }] });
    assert.deepEqual(await store.pendingOrigins(visits, ['one', 'two']), []);
  });

  it('an origin is pending while its dead letter, or its event’s, is unresolved', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a', { origin: 'one' })]);
    const rejected = originLetter('2', 'a', 'two');
    await owner.commit({ cursor: 1, deadLetters: [letter('1', 'a', 1), rejected] });
    assert.deepEqual(await store.pendingOrigins(visits, ['one', 'two']), ['one', 'two']);
    await owner.commit({ resolvedDeadLetters: ['1', '2'] });
    assert.deepEqual(await store.pendingOrigins(visits, ['one', 'two']), []);
  });

  it('an origin with several events is pending while one of them is unsettled', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 1, { origin: 'one' }), numbered(rockets, 'a', 2, { origin: 'one' })]);
    await owner.commit({ cursor: 2, releases: [{ key: 'a', from: 1, to: 1 }] });
    assert.deepEqual(await store.pendingOrigins(rockets, ['one']), ['one']);
    await owner.commit({ releases: [{ key: 'a', from: 2, to: 2 }] });
    assert.deepEqual(await store.pendingOrigins(rockets, ['one']), []);
  });

  it('pipelines do not share origins', async ({ store, visits, orders }) => {
    await store.append([event(visits, 'a', { origin: 'one' })]);
    assert.deepEqual(await store.pendingOrigins(orders, ['one']), []);
  });
}
