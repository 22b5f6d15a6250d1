import assert from 'node:assert/strict';
import { lettersOf } from '../letters-of.ts';
import type { DeadLetterQuery, Store } from '../store.ts';
import {
  delivery,
  deliveryLetter,
  event,
  gap,
  letter,
  numbered,
  originLetter,
  outcomeLetter,
  own,
  type StoreTest,
  timerLetter,
} from './fixtures.ts';

/** Tests dead letters, kept with their reasons. */
export function deadLettersContract(it: StoreTest): void {
  it('a letter about an event is kept with its reason and the event', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'b'), event(visits, 'ключ', { id: 'the id', acceptedAt: 123, body: '{ "é": 1.50 }' })]);
    const failed = letter('one', 'ключ', 2, {
      reason: "it's “broken”\nfor good",
      stack: "Error: it's “broken”\n    at handle (file:///orders.ts:7:1)\nCaused by: Error: поток",
      failedAt: Number.MAX_SAFE_INTEGER,
      attempts: 5,
      parked: true,
    });
    await owner.commit({ cursor: 2, deadLetters: [failed] });
    assert.deepEqual(await store.deadLetters({ limit: 10 }), [
      { ...failed, partition: visits, body: '{ "é": 1.50 }', eventId: 'the id', acceptedAt: 123, origin: null },
    ]);
  });

  it('a numbered event’s letter has its number', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 7)]);
    await owner.commit({ cursor: 1, deadLetters: [letter('one', 'a', 1, { event: { position: 1, order: 7 } })] });
    assert.deepEqual(lettersOf('event', await store.deadLetters({ limit: 1 }))[0]?.event, { position: 1, order: 7 });
  });

  it('a letter about a gap has its numbers and no event', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    const missing = gap('one', 'a', 2, Number.MAX_SAFE_INTEGER);
    await owner.commit({ deadLetters: [missing], keys: [{ key: 'a', state: null, next: 5, parked: false }] });
    assert.deepEqual(await store.deadLetters({ limit: 10 }), [{ ...missing, partition: rockets }]);
  });

  it('a letter about a timer has the timer and no event', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const failed = timerLetter('one', 'a', { name: 'wake', dueAt: 7, data: '{ "é": 1.50 }' });
    const bare = timerLetter('two', 'a', { name: 'wake', dueAt: 8, data: null });
    await owner.commit({ deadLetters: [failed, bare] });
    assert.deepEqual(await store.deadLetters({ limit: 10 }), [
      { ...failed, partition: visits },
      { ...bare, partition: visits },
    ]);
    await owner.commit({ resolvedDeadLetters: ['one'] });
    assert.deepEqual(await ids(store, {}), ['two']);
  });

  it('a letter about an outcome has the outcome and no event', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const failed = outcomeLetter('one', 'ключ', { endpoint: 'mail', id: 'a/b “1”', dueAt: Number.MAX_SAFE_INTEGER, data: '{ "é": 1.50 }' });
    const other = outcomeLetter('two', 'a', { endpoint: 'fax', id: '', dueAt: 8, data: 'null' });
    await owner.commit({ deadLetters: [failed, other] });
    assert.deepEqual(await store.deadLetters({ limit: 10 }), [
      { ...failed, partition: visits },
      { ...other, partition: visits },
    ]);
    await owner.commit({ resolvedDeadLetters: ['one'] });
    assert.deepEqual(await ids(store, {}), ['two']);
  });

  it('a letter about a delivery has the delivery and no event', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const given = delivery('x', 'ключ', { body: '{ "é": 1.50 }', ordered: false });
    const full = { ...given, url: 'https://example.com/?a="b"', traceparent: '00-é-01', askedAt: Number.MAX_SAFE_INTEGER };
    const letters = [deliveryLetter('one', full), deliveryLetter('two', { ...given, key: 'a' })];
    await owner.commit({ deadLetters: letters });
    assert.deepEqual(
      await store.deadLetters({ limit: 10 }),
      letters.map((one) => ({ ...one, partition: visits })),
    );
    await owner.commit({ resolvedDeadLetters: ['one'] });
    assert.deepEqual(await ids(store, {}), ['two']);
  });

  it('a letter about an origin has the origin and no event, and one about an event has its origin', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a', { origin: '{"row":"é"}' })]);
    const rejected = originLetter('one', 'ключ', '{"row":1}');
    await owner.commit({ cursor: 1, deadLetters: [rejected, letter('two', 'a', 1)] });
    const [first, second] = await store.deadLetters({ limit: 10 });
    assert.deepEqual(first, { ...rejected, partition: visits });
    assert.ok(second?.kind === 'event');
    assert.deepEqual([second.origin, second.body], ['{"row":"é"}', '{}']);
  });

  it('letters of all pipelines are listed in id order, a page at a time', async ({ store, visits, orders }) => {
    await store.append([event(visits, 'a'), event(orders, 'a')]);
    const [first, second] = [await own(store, visits), await own(store, orders)];
    await first.commit({ deadLetters: [letter('d', 'a', 1), letter('a', 'a', 1), letter('c', 'a', 1)] });
    await second.commit({ deadLetters: [letter('b', 'a', 1), letter('e', 'a', 1)] });
    assert.deepEqual(await ids(store, {}), ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(await ids(store, { limit: 2 }), ['a', 'b']);
    assert.deepEqual(await ids(store, { limit: 2, after: 'b' }), ['c', 'd']);
    assert.deepEqual(await ids(store, { limit: 2, after: 'd' }), ['e']);
    assert.deepEqual(await ids(store, { limit: 2, after: 'e' }), []);
  });

  it('letters can be found by pipeline, key and id, and by all of them', async ({ store, visits, orders }) => {
    await store.append(['a', 'b'].flatMap((key) => [event(visits, key), event(orders, key)]));
    const [first, second] = [await own(store, visits), await own(store, orders)];
    await first.commit({ deadLetters: [letter('1', 'a', 1), letter('3', 'b', 2), letter('5', 'a', 1)] });
    await second.commit({ deadLetters: [letter('2', 'a', 1), letter('4', 'b', 2)] });
    assert.deepEqual(await ids(store, { pipeline: 'visits' }), ['1', '3', '5']);
    assert.deepEqual(await ids(store, { key: 'a' }), ['1', '2', '5']);
    assert.deepEqual(await ids(store, { id: '4' }), ['4']);
    assert.deepEqual(await ids(store, { pipeline: 'visits', key: 'a' }), ['1', '5']);
    assert.deepEqual(await ids(store, { pipeline: 'visits', key: 'a', after: '1' }), ['5']);
    assert.deepEqual(await ids(store, { pipeline: 'visits', limit: 2 }), ['1', '3']);
    assert.deepEqual(await ids(store, { pipeline: 'orders', key: 'b', id: '4', after: '3' }), ['4']);
    for (const query of [{ pipeline: 'orders', id: '1' }, { key: 'b', id: '1' }, { key: 'A' }, { pipeline: 'nothing' }, { id: 'x' }]) {
      assert.deepEqual(await ids(store, query), [], JSON.stringify(query));
    }
  });

  it('an undefined filter filters nothing', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a')]);
    await owner.commit({ deadLetters: [letter('1', 'a', 1)] });
    assert.deepEqual(await ids(store, { pipeline: undefined, key: undefined, id: undefined, after: undefined }), ['1']);
  });

  it('a resolved letter is gone, and an unknown one is skipped', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a')]);
    await owner.commit({ cursor: 1, deadLetters: [letter('1', 'a', 1), letter('2', 'a', 1), letter('3', 'a', 1)] });
    await owner.commit({ resolvedDeadLetters: ['1', 'unknown', '3'] });
    assert.deepEqual(await ids(store, {}), ['2']);
    assert.equal((await store.claim(visits)).standing.deadLetters, 1);
  });

  it('the numbers of a gap stay late when its letter is resolved', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await owner.commit({ deadLetters: [gap('one', 'a', 2, 3)], keys: [{ key: 'a', state: null, next: 4, parked: false }] });
    assert.equal((await store.claim(rockets)).standing.deadLetters, 1);
    const again = await own(store, rockets);
    await again.commit({ resolvedDeadLetters: ['one'] });
    assert.deepEqual(await ids(store, {}), []);
    assert.equal((await store.claim(rockets)).standing.deadLetters, 0);
    const numbers = [1, 2, 3].map((number) => numbered(rockets, 'a', number));
    assert.deepEqual(await store.append(numbers), [{ status: 'duplicate' }, { status: 'late' }, { status: 'late' }]);
  });

  it('a letter and its held event exist side by side', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append([event(visits, 'a')]);
    const holds = [{ key: 'a', order: 1, position: 1, attempts: 5, retryAt: null }];
    await owner.commit({ cursor: 1, holds, deadLetters: [letter('1', 'a', 1, { parked: true })] });
    assert.equal((await store.held(visits, 'a', 0, 10)).length, 1);
    await owner.commit({ releases: [{ key: 'a', from: 1, to: 1 }] });
    assert.deepEqual(await ids(store, {}), ['1']);
    await owner.commit({ holds, resolvedDeadLetters: ['1'] });
    assert.deepEqual(await ids(store, {}), []);
    assert.equal((await store.held(visits, 'a', 0, 10)).length, 1);
  });
}

async function ids(store: Store, query: Partial<DeadLetterQuery>): Promise<string[]> {
  return (await store.deadLetters({ limit: 100, ...query })).map(({ id }) => id);
}
