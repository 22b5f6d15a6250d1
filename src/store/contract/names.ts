import assert from 'node:assert/strict';
import type { Store } from '../store.ts';
import {
  ask,
  chosen,
  delivery,
  deliveryLetter,
  disarm,
  gap,
  letter,
  numbered,
  outcome,
  own,
  remove,
  type StoreTest,
  statuses,
  timer,
  told,
} from './fixtures.ts';

/** Bytes of a key and an id if a store states no limit: more than any store must accept by default. */
const bytesElsewhere = 4_096;
/** Bytes of a character in {@link longText}. */
const characterBytes = 3;

/** An incompressible text of `length` characters, of three bytes each. */
function longText(length: number): string {
  return Array.from({ length }, (_, at) => String.fromCharCode(0x4e00 + ((at * 7_919) % 20_000))).join('');
}

/** A text exactly as long as keys and ids may be in a store, in bytes. */
function longestIn({ keyBytesMax = bytesElsewhere }: Store): string {
  return longText(Math.floor(keyBytesMax / characterBytes)).padEnd(
    Math.floor(keyBytesMax / characterBytes) + (keyBytesMax % characterBytes),
    'x',
  );
}

/** Handlers name timers and deliveries, and may use anything. */
const endless = Array.from({ length: 20 }, (_, at) => `${at} ${longText(512)}`).join(' ');

/** Tests names that are longer than an index of some databases accepts. */
export function namesContract(it: StoreTest): void {
  it('the longest keys and ids are kept, found and distinguished', async ({ store, visits, rockets }) => {
    const longest = longestIn(store);
    const other = `${longest.slice(1)}!`;
    const owner = await own(store, visits);
    const events = [chosen(visits, longest, longest), chosen(visits, other, other), chosen(visits, longest, longest)];
    assert.deepEqual(statuses(await store.append(events)), ['accepted', 'accepted', 'duplicate']);
    assert.deepEqual(statuses(await store.append([numbered(rockets, longest, 3), numbered(rockets, longest, 3)])), [
      'accepted',
      'duplicate',
    ]);
    const state = { json: '{}', version: 1 };
    await owner.commit({
      cursor: 2,
      holds: [{ key: longest, order: 1, position: 1, attempts: 1, retryAt: 5 }],
      keys: [{ key: longest, state, next: null, parked: true }],
      gaps: [{ key: longest, gap: { next: 1, first: 2, since: 3 } }],
      deadLetters: [letter('one', longest, 1), gap('two', longest, 5, 6), deliveryLetter('three', delivery('ask', longest))],
    });
    const [record, unknown] = await store.load(visits, [longest, other]);
    assert.deepEqual([record?.state, record?.held, record?.gap?.since, unknown?.state], [state, 1, 3, null]);
    assert.deepEqual(await store.heldKeys(visits, null, 10), [longest]);
    assert.deepEqual((await store.held(rockets, longest, 0, 10))[0]?.key, longest);
    assert.equal((await store.deadLetters({ key: longest, pipeline: 'visits', limit: 10 })).length, 3);
    assert.equal((await store.deadLetters({ key: other, limit: 10 })).length, 0);
  });

  it('timers and outcomes with very long names are each kept, replaced and removed', async ({ store, visits }) => {
    const longest = longestIn(store);
    const owner = await own(store, visits);
    const [one, other] = [`${endless}a`, `${endless}b`];
    const again = outcome(longest, one, 7, { data: '1' });
    await owner.commit({
      timers: [timer(longest, one, 5), timer(longest, other, 6)],
      outcomes: [outcome(longest, one, 5), outcome(longest, other, 6)],
    });
    await owner.commit({
      timers: [timer(longest, one, 7, '1'), disarm(longest, other), disarm(longest, endless)],
      outcomes: [again, told(longest, other), told(longest, endless)],
    });
    assert.deepEqual(await store.dueCauses(visits, 10, 10), [again, timer(longest, one, 7, '1')]);
    const [record] = await store.load(visits, [longest]);
    assert.deepEqual([record?.timers, record?.outcomes], [[timer(longest, one, 7, '1')], [again]]);
    await owner.commit({ timers: [timer(longest, other, 7)] });
    const after = { kind: 'timer', dueAt: 7, key: longest, name: one } as const;
    assert.deepEqual(await store.dueCauses(visits, 10, 10, { after }), [timer(longest, other, 7)]);
  });

  it('deliveries with very long ids are each requested, retried and removed', async ({ store, visits }) => {
    const longest = longestIn(store);
    const owner = await own(store, visits);
    const [one, other] = [`${endless}a`, `${endless}b`];
    await owner.commit({ deliveries: ask(delivery(one, longest), delivery(other, longest)) });
    await owner.commit({ deliveries: ask(delivery(one, longest, { body: '"again"' })) });
    assert.deepEqual(await store.dueDeliveries(visits, 'mail', 10, 10), [delivery(one, longest, { body: '"again"' })]);
    assert.deepEqual(
      (await store.deliveryNames(visits, 'mail', 10, longest)).map(({ id }) => id),
      [one, other],
    );
    await owner.commit({
      deliveries: [
        { write: 'retry', endpoint: 'mail', key: longest, id: other, attempts: 3, dueAt: 9, pauseMs: 1 },
        ...remove(longest, one),
      ],
    });
    const query = { endpoint: 'mail', dueBy: 10, from: null, flows: 2, each: 2 };
    assert.deepEqual((await store.dueByFlow(visits, query)).deliveries, [delivery(other, longest, { attempts: 3, dueAt: 9 })]);
  });
}
