import assert from 'node:assert/strict';
import type { AuditEntry, StoredOperation } from '../store.ts';
import { event, letter, own, refusal, type StoreTest } from './fixtures.ts';

/** Tests operators' actions on many dead letters. */
export function operationsContract(it: StoreTest): void {
  it('operations are listed latest first, a page at a time, and survive a reopening', async ({ store, reopen }) => {
    const first = operation('1');
    const second = operation('2', { pipeline: 'orders', action: 'discard', who: null, reason: null, filter: {} });
    const third = operation('3', { state: 'ended', begunAt: 6, endedAt: 7, matched: 2, upTo: 'x', reached: 'x', done: 1, refused: 1 });
    for (const one of [first, second, third]) await store.operations.add(one);
    assert.deepEqual(await store.operations.list({ limit: 10 }), [third, second, first]);
    assert.deepEqual(await store.operations.list({ limit: 1, before: '3' }), [second]);
    assert.deepEqual(await store.operations.list({ limit: 10, isOpen: true }), [second, first]);
    assert.deepEqual(await store.operations.list({ limit: 10, pipeline: 'visits' }), [third, first]);
    assert.deepEqual(await store.operations.list({ limit: 10, id: '2' }), [second]);
    assert.deepEqual(await (await reopen()).operations.list({ limit: 10 }), [third, second, first]);
  });

  it('an operation changes only from its expected state, together with its audit entry', async ({ store }) => {
    await store.operations.add(operation('1'), entry('1'));
    const fresh = { state: 'starting', reached: '' } as const;
    const begun = { state: 'running', begunAt: 9, matched: 3, upTo: 'c' } as const;
    assert.equal(await store.operations.change('1', fresh, begun), true);
    assert.equal(await store.operations.change('1', fresh, { state: 'undone', endedAt: 9 }, entry('2')), false);
    assert.equal(await store.operations.change('none', fresh, begun), false);
    assert.equal(await store.operations.change('1', { state: 'running', reached: '' }, { reached: 'b', refused: 1 }), true);
    assert.equal(await store.operations.change('1', { state: 'running', reached: '' }, { reached: 'b', refused: 2 }), false);
    const stopped = { state: 'stopped', endedAt: 11 } as const;
    assert.equal(await store.operations.change('1', { state: 'running', reached: 'b' }, stopped, entry('3')), true);
    assert.deepEqual(await store.operations.list({ limit: 1 }), [operation('1', { ...begun, ...stopped, reached: 'b', refused: 1 })]);
    assert.deepEqual(await store.audit({ limit: 10 }), [entry('3'), entry('1')]);
  });

  it('an operation’s progress is that of the commits that record it', async ({ store, visits, reopen }) => {
    await store.operations.add(operation('1', { state: 'running' }));
    await store.operations.add(operation('2', { state: 'running' }));
    const former = await own(store, visits);
    const owner = await own(store, visits);
    await store.append([event(visits, 'a')]);
    await owner.commit({ cursor: 1, deadLetters: [letter('one', 'a', 1)] });
    await owner.commit({
      resolvedDeadLetters: ['one'],
      operations: [
        { id: '2', done: 1 },
        { id: '1', done: 2 },
        { id: '2', done: 3 },
        { id: 'none', done: 1 },
      ],
    });
    await refusal(former.commit({ operations: [{ id: '1', done: 1 }] }), 'MILL_STORE_FENCED');
    const found = await (await reopen()).operations.list({ limit: 10 });
    assert.deepEqual(
      found.map(({ id, done }) => ({ id, done })),
      [
        { id: '2', done: 4 },
        { id: '1', done: 2 },
      ],
    );
  });

  it('operations are deleted like other operators’ actions', async ({ store }) => {
    await store.operations.add(operation('1', { askedAt: 1 }));
    await store.operations.add(operation('2', { askedAt: 2 }));
    await store.forgetAudit(2);
    assert.deepEqual(
      (await store.operations.list({ limit: 10 })).map(({ id }) => id),
      ['2'],
    );
  });
}

function operation(id: string, more: Partial<StoredOperation> = {}): StoredOperation {
  return {
    ...{ id, action: 'redrive', pipeline: 'visits', filter: { kind: 'event', reason: 'nö “x”' }, who: 'ann', reason: 'it is “back”' },
    ...{ askedAt: 5, startsAt: 10, state: 'starting', begunAt: null, endedAt: null },
    ...{ matched: 0, upTo: null, reached: '', done: 0, refused: 0 },
    ...more,
  };
}

function entry(id: string): AuditEntry {
  return { id, at: 5, who: 'ann', action: 'redrive letters', pipeline: 'visits', key: null, subject: 'x', reason: null };
}
