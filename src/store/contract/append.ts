import assert from 'node:assert/strict';
import { acceptedAt, chosen, event, gap, letter, numbered, own, type StoreTest, statuses } from './fixtures.ts';

/** Tests what makes an event a duplicate, or late. */
export function appendContract(it: StoreTest): void {
  it('a chosen id is accepted once, whatever the key', async ({ store, visits }) => {
    assert.deepEqual(statuses(await store.append([chosen(visits, 'a', 'one')])), ['accepted']);
    assert.deepEqual(await store.append([chosen(visits, 'a', 'one'), chosen(visits, 'b', 'one'), chosen(visits, 'a', 'two')]), [
      { status: 'duplicate' },
      { status: 'duplicate' },
      { status: 'accepted', position: 2 },
    ]);
    assert.equal((await store.read(visits, 0, 10)).length, 2);
  });

  it('the first of two equal chosen ids in a batch is accepted', async ({ store, visits }) => {
    const batch = [chosen(visits, 'a', 'one', { body: '1' }), chosen(visits, 'a', 'one', { body: '2' }), chosen(visits, 'a', 'two')];
    assert.deepEqual(await store.append(batch), [
      { status: 'accepted', position: 1 },
      { status: 'duplicate' },
      { status: 'accepted', position: 2 },
    ]);
    assert.equal((await store.read(visits, 0, 1))[0]?.body, '1');
  });

  it('a chosen id is a duplicate if it was accepted at or after the given moment, but not earlier', async ({ store, visits }) => {
    const at = (hour: number, knownSince: number) =>
      chosen(visits, 'a', 'one', { acceptedAt: acceptedAt + hour, knownSince: acceptedAt + knownSince });
    assert.deepEqual(statuses(await store.append([at(1, 0), at(2, 1), at(3, 2), at(4, 3), at(5, 4)])), [
      'accepted',
      'duplicate',
      'accepted',
      'duplicate',
      'accepted',
    ]);
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map((event) => event.acceptedAt - acceptedAt),
      [1, 3, 5],
    );
  });

  it('ids differ by case, accents and blanks', async ({ store, visits }) => {
    const ids = ['one', 'One', 'oné', 'one ', ' one'];
    const answers = await store.append(ids.map((id) => chosen(visits, 'a', id)));
    assert.ok(answers.every(({ status }) => status === 'accepted'));
  });

  it('another pipeline may use the same ids and numbers', async ({ store, visits, orders, rockets }) => {
    await store.append([chosen(visits, 'a', 'one')]);
    assert.deepEqual(statuses(await store.append([chosen(orders, 'a', 'one'), numbered(rockets, 'a', 1)])), ['accepted', 'accepted']);
  });

  it('a generated id is neither looked up nor remembered', async ({ store, visits }) => {
    const id = 'one';
    const batches = [[event(visits, 'a', { id }), event(visits, 'a', { id })], [chosen(visits, 'a', id)], [event(visits, 'a', { id })]];
    for (const batch of batches) assert.ok((await store.append(batch)).every(({ status }) => status === 'accepted'));
  });

  it('a chosen id stays known when its event is settled', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([chosen(visits, 'a', 'one')]);
    await owner.commit({ cursor: 1 });
    assert.deepEqual(await store.append([chosen(visits, 'a', 'one')]), [{ status: 'duplicate' }]);
  });

  it('a held number is a duplicate, whatever its id, and the first event stays', async ({ store, rockets }) => {
    await store.append([numbered(rockets, 'a', 5, { body: '"first"' })]);
    assert.deepEqual(await store.append([numbered(rockets, 'a', 5, { id: 'another', body: '"second"' })]), [{ status: 'duplicate' }]);
    assert.deepEqual(
      (await store.held(rockets, 'a', 0, 10)).map(({ body }) => body),
      ['"first"'],
    );
    assert.equal((await store.read(rockets, 0, 10)).length, 1);
  });

  it('the first of two equal numbers in a batch is accepted', async ({ store, rockets }) => {
    const batch = [numbered(rockets, 'a', 2, { body: '1' }), numbered(rockets, 'a', 2, { body: '2' }), numbered(rockets, 'a', 1)];
    assert.deepEqual(statuses(await store.append(batch)), ['accepted', 'duplicate', 'accepted']);
    assert.equal((await store.held(rockets, 'a', 2, 1))[0]?.body, '1');
  });

  it('numbers count separately for each key', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 1)]);
    await owner.commit({ cursor: 1, releases: [{ key: 'a', from: 1, to: 1 }], keys: [{ key: 'a', state: null, next: 2, parked: false }] });
    assert.deepEqual(statuses(await store.append([numbered(rockets, 'b', 1), numbered(rockets, 'A', 1), numbered(rockets, 'a ', 1)])), [
      'accepted',
      'accepted',
      'accepted',
    ]);
  });

  it('a number below the next is a duplicate, and any other is accepted', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 1), numbered(rockets, 'a', 2)]);
    await owner.commit({ cursor: 2, releases: [{ key: 'a', from: 1, to: 2 }], keys: [{ key: 'a', state: null, next: 3, parked: false }] });
    const batch = [1, 2, 3, 4].map((number) => numbered(rockets, 'a', number));
    assert.deepEqual(await store.append(batch), [
      { status: 'duplicate' },
      { status: 'duplicate' },
      { status: 'accepted', position: 3 },
      { status: 'accepted', position: 4 },
    ]);
  });

  it('a skipped number is late, and its neighbours are duplicates', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([1, 5].map((number) => numbered(rockets, 'a', number)));
    await owner.commit({
      cursor: 2,
      releases: [{ key: 'a', from: 1, to: 5 }],
      keys: [{ key: 'a', state: null, next: 6, parked: false }],
      deadLetters: [gap('gap', 'a', 2, 4)],
    });
    const batch = [1, 2, 3, 4, 5, 6].map((number) => numbered(rockets, 'a', number));
    assert.deepEqual(statuses(await store.append(batch)), ['duplicate', 'late', 'late', 'late', 'duplicate', 'accepted']);
    assert.deepEqual(statuses(await store.append([numbered(rockets, 'b', 3)])), ['accepted'], 'another key skipped nothing');
    assert.equal((await store.read(rockets, 0, 10)).length, 4);
  });

  it('a number whose event became a dead letter is a duplicate, not late', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 1)]);
    await owner.commit({
      cursor: 1,
      releases: [{ key: 'a', from: 1, to: 1 }],
      keys: [{ key: 'a', state: null, next: 2, parked: false }],
      deadLetters: [letter('letter', 'a', 1)],
    });
    assert.deepEqual(await store.append([numbered(rockets, 'a', 1)]), [{ status: 'duplicate' }]);
  });

  it('a refused event takes no position', async ({ store, visits }) => {
    await store.append([chosen(visits, 'a', 'one')]);
    await store.append([chosen(visits, 'a', 'one'), chosen(visits, 'a', 'one')]);
    assert.deepEqual(await store.append([event(visits, 'a')]), [{ status: 'accepted', position: 2 }]);
    assert.equal((await store.claim(visits)).standing.head, 2);
  });
}
