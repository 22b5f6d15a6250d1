import assert from 'node:assert/strict';
import type { DeadLetterFilter, NewDeadLetter, Store } from '../store.ts';
import { event, gap, letter, numbered, own, type StoreTest, timerLetter } from './fixtures.ts';

/** Tests the grouping of dead letters by the pattern of their reasons. */
export function deadLetterGroupsContract(it: StoreTest): void {
  it('letters are found by kind, by the pattern of their reasons, and by when they failed', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await store.append(['a', 'b', 'c'].map((key) => event(visits, key)));
    const letters = [
      letter('1', 'a', 1, { reason: 'no answer from "north" in 3 s', failedAt: 100 }),
      letter('2', 'b', 2, { reason: 'no answer from “süd” in 12 s', failedAt: 200 }),
      letter('3', 'c', 3, { reason: 'the till is closed', failedAt: 300 }),
      timerLetter('4', 'a', { name: 'wake', dueAt: 7, data: null }),
    ];
    await owner.commit({ cursor: 3, deadLetters: letters });
    const found = async (filter: DeadLetterFilter) => (await store.deadLetters({ ...filter, limit: 10 })).map(({ id }) => id);
    assert.deepEqual(await found({ kind: 'timer' }), ['4']);
    assert.deepEqual(await found({ reason: 'no answer from "east" in 1 s' }), ['1', '2']);
    assert.deepEqual(await found({ reason: 'no answer from ‹name› in ‹number› s', pipeline: 'visits', key: 'b' }), ['2']);
    assert.deepEqual(await found({ reason: 'the till is closed', kind: 'timer' }), []);
    assert.deepEqual(await found({ kind: 'event', from: 200, to: 300 }), ['2']);
    assert.deepEqual(await found({ upTo: '2' }), ['1', '2']);
    const named = await store.deadLetters({ ids: ['3', 'none', '1'], pipeline: 'visits', limit: 10 });
    assert.deepEqual(
      named.map(({ id }) => id),
      ['1', '3'],
    );
    assert.deepEqual(await store.countDeadLetters({ reason: 'no answer from "x" in 9 s' }), { count: 2, last: '2' });
    assert.deepEqual(await store.countDeadLetters({ pipeline: 'visits', upTo: '3' }), { count: 3, last: '3' });
    assert.deepEqual(await store.countDeadLetters({ pipeline: 'orders' }), { count: 0, last: null });
    await owner.commit({ resolvedDeadLetters: ['1'] });
    assert.deepEqual(await store.countDeadLetters({ reason: 'no answer from "x" in 9 s' }), { count: 1, last: '2' });
  });

  it('groups contain letters of one kind with the same reason pattern, largest group first', async ({ store, visits, rockets }) => {
    const owner = await own(store, visits);
    await store.append(['a', 'b', 'c', 'd'].map((key) => event(visits, key)));
    const since = 1_750_000_000_000;
    const failed = (id: string, position: number, reason: string, failedAt: number) => letter(id, 'a', position, { reason, failedAt });
    await owner.commit({
      cursor: 4,
      deadLetters: [
        failed('1', 1, 'answered 500', since - 1),
        failed('2', 2, 'answered 503', since),
        failed('3', 3, 'answered 503', since + 59_999),
        failed('4', 4, 'answered 503', since + 60_000),
        { ...timerLetter('5', 'a', { name: 'wake', dueAt: 7, data: null }), reason: 'answered 1', failedAt: since },
      ] satisfies readonly NewDeadLetter[],
    });
    const ofRockets = await own(store, rockets);
    await store.append([numbered(rockets, 'a', 5)]);
    await ofRockets.commit({
      deadLetters: [
        { ...gap('6', 'a', 2, 4), failedAt: since + 5 },
        { ...gap('7', 'b', 2, 4), failedAt: since + 6 },
      ],
    });
    const groups = await store.deadLetterGroups({ since, limit: 10 });
    assert.deepEqual(
      groups.map(({ reason, ...group }) => group),
      [
        {
          pipeline: 'visits',
          kind: 'event',
          count: 4,
          first: since - 1,
          last: since + 60_000,
          arrivals: new Map([
            [0, 2],
            [1, 1],
          ]),
        },
        { pipeline: 'rockets', kind: 'gap', count: 2, first: since + 5, last: since + 6, arrivals: new Map([[0, 2]]) },
        { pipeline: 'visits', kind: 'timer', count: 1, first: since, last: since, arrivals: new Map([[0, 1]]) },
      ],
    );
    assert.equal(groups[0]?.reason, 'answered ‹number›');
    assert.deepEqual(await kinds(store, { kind: 'timer', since, limit: 10 }), ['visits timer']);
    assert.deepEqual(await kinds(store, { pipeline: 'rockets', since, limit: 10 }), ['rockets gap']);
    assert.deepEqual(await kinds(store, { since, limit: 1 }), ['visits event']);
    await ofRockets.commit({ resolvedDeadLetters: ['6', '7'] });
    assert.deepEqual(await kinds(store, { pipeline: 'rockets', since, limit: 10 }), []);
  });
}

async function kinds(store: Store, query: Parameters<Store['deadLetterGroups']>[0]): Promise<readonly string[]> {
  return (await store.deadLetterGroups(query)).map(({ pipeline, kind }) => `${pipeline} ${kind}`);
}
