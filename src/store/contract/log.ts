import assert from 'node:assert/strict';
import { event, logged, numbered, own, type StoreTest, timer } from './fixtures.ts';

const unusual = ['ключ', '鍵🚀', "O'Neil", 'a "quoted" \\ one', '%_?$1:name', 'two\nlines\tand a tab', ' blank ends ', 'é', 'e\u0301'];

/** Tests positions, and reading the log. */
export function logContract(it: StoreTest): void {
  it('positions start at 1 and are dense, in the order of the batch', async ({ store, visits }) => {
    assert.deepEqual(await store.append([event(visits, 'a'), event(visits, 'b')]), [
      { status: 'accepted', position: 1 },
      { status: 'accepted', position: 2 },
    ]);
    assert.deepEqual(await store.append([event(visits, 'a')]), [{ status: 'accepted', position: 3 }]);
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map(({ position, key }) => [position, key]),
      [
        [1, 'a'],
        [2, 'b'],
        [3, 'a'],
      ],
    );
  });

  it('each partition counts its own positions, even within one batch', async ({ store, visits, orders, rockets }) => {
    const batch = [event(visits, 'a'), event(orders, 'b'), numbered(rockets, 'c', 1), event(visits, 'd')];
    assert.deepEqual(
      (await store.append(batch)).map((answer) => answer.status === 'accepted' && answer.position),
      [1, 1, 1, 2],
    );
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map(({ key }) => key),
      ['a', 'd'],
    );
    assert.deepEqual(
      (await store.read(orders, 0, 10)).map(({ key }) => key),
      ['b'],
    );
  });

  it('every slice of a pipeline is a separate partition', async ({ store }) => {
    const slices = Array.from({ length: store.partitions }, (_, slice) => ({ pipeline: 'visits', slice }));
    await store.append(slices.map((slice) => event(slice, `key of ${slice.slice}`)));
    for (const slice of slices) {
      assert.deepEqual(
        (await store.read(slice, 0, 10)).map(({ position, key }) => [position, key]),
        [[1, `key of ${slice.slice}`]],
      );
      const owner = await own(store, slice);
      await owner.commit({ cursor: 1, timers: [timer('a', 'wake', slice.slice)] });
      assert.equal(await store.nextCauseDue(slice, -1), slice.slice);
    }
  });

  it('an event is read as appended', async ({ store, visits, rockets }) => {
    const plain = event(visits, 'a', {
      id: 'the id',
      acceptedAt: 1_750_000_000_123,
      body: '{ "b" : 1, "a" : [ 1.50, null ], "b" : "é🚀\\u0000" }',
    });
    const withNumber = numbered(rockets, 'a', 7);
    await store.append([plain, withNumber]);
    assert.deepEqual(await store.read(visits, 0, 10), [logged(plain, 1)]);
    assert.deepEqual(await store.read(rockets, 0, 10), [logged(withNumber, 1)]);
  });

  it('keys, ids and bodies with any characters come back unchanged and stay distinct', async ({ store, visits }) => {
    const events = unusual.map((text) => event(visits, text, { id: text, knownSince: 0, body: JSON.stringify(text), traceparent: text }));
    assert.ok((await store.append(events)).every(({ status }) => status === 'accepted'));
    assert.deepEqual(
      await store.read(visits, 0, 100),
      events.map((each, index) => logged(each, index + 1)),
    );
  });

  it('numbers up to 2^53-1 come back exactly', async ({ store, rockets }) => {
    const last = numbered(rockets, 'a', Number.MAX_SAFE_INTEGER, { acceptedAt: Number.MAX_SAFE_INTEGER });
    await store.append([last, numbered(rockets, 'a', Number.MAX_SAFE_INTEGER - 1)]);
    assert.deepEqual((await store.read(rockets, 0, 1))[0], logged(last, 1));
    assert.deepEqual(
      (await store.held(rockets, 'a', 0, 10)).map(({ order }) => order),
      [Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER],
    );
  });

  it('a body of a megabyte comes back whole', async ({ store, visits }) => {
    const body = JSON.stringify('é'.repeat(500_000));
    await store.append([event(visits, 'a', { body })]);
    assert.ok((await store.read(visits, 0, 1))[0]?.body === body);
  });

  it('reading continues after a position and stops at the limit', async ({ store, visits }) => {
    await store.append(Array.from({ length: 1_000 }, (_, index) => event(visits, `key ${index}`)));
    const positions = async (after: number, limit: number) => (await store.read(visits, after, limit)).map(({ position }) => position);
    assert.deepEqual(await positions(0, 2), [1, 2]);
    assert.deepEqual(await positions(2, 3), [3, 4, 5]);
    assert.deepEqual(await positions(998, 10), [999, 1_000]);
    assert.deepEqual(await positions(1_000, 10), []);
    assert.equal((await positions(0, 5_000)).length, 1_000);
  });

  it('appending nothing returns nothing', async ({ store, visits }) => {
    assert.deepEqual(await store.append([]), []);
    assert.deepEqual(await store.read(visits, 0, 10), []);
  });
}
