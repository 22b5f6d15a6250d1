import assert from 'node:assert/strict';
import type { BatchTaken, NewDeadLetter, SourceBatch, SourceTaking } from '../store.ts';
import { chosen, event, gap, numbered, own, refusal, rejectedLetter, type StoreTest } from './fixtures.ts';

const first = { pipeline: 'visits', source: 'kafka:orders', topicId: 'one', partition: 0 };

/** A batch of the first partition, from one offset up to another. */
function batch(expected: number | null, next: number, takings: readonly SourceTaking[] = [], more: Partial<SourceBatch> = {}): SourceBatch {
  return { ...first, expected, next, takings, ...more };
}

function statusesOf(answer: BatchTaken): readonly string[] {
  assert.equal(answer.status, 'taken');
  return answer.status === 'taken' ? answer.taken.map(({ status }) => status) : [];
}

/** Tests the processing of brokers' records, and their offsets. */
export function sourceBatchesContract(it: StoreTest): void {
  it('a batch brings its events and moves the offset, once', async ({ store, visits }) => {
    assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), []);
    const lease = await store.claim(visits);
    const takings = [{ event: event(visits, 'a') }, { event: event(visits, 'b') }];
    const answer = await lease.takeBatch(batch(null, 7, takings));
    assert.deepEqual(answer, {
      status: 'taken',
      taken: [
        { status: 'accepted', position: 1 },
        { status: 'accepted', position: 2 },
      ],
    });
    assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), [{ ...first, next: 7 }]);
    assert.deepEqual(await lease.takeBatch(batch(null, 7, takings)), { status: 'moved' });
    assert.deepEqual(await lease.takeBatch(batch(5, 8, takings)), { status: 'moved' });
    assert.equal((await store.read(visits, 0, 10)).length, 2);
    assert.deepEqual(statusesOf(await lease.takeBatch(batch(7, 9, [{ event: event(visits, 'c') }]))), ['accepted']);
    assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), [{ ...first, next: 9 }]);
  });

  it('a batch changes nothing if its offset is missing, or is another one', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    const takings = [{ event: event(visits, 'a') }, { letter: rejectedLetter('1', 'x', '{"source":"s"}') }];
    assert.deepEqual(await lease.takeBatch(batch(3, 4, takings)), { status: 'moved' });
    assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), []);
    await lease.takeBatch(batch(null, 4));
    assert.deepEqual(await lease.takeBatch(batch(3, 5, takings)), { status: 'moved' });
    assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), [{ ...first, next: 4 }]);
    assert.deepEqual([await store.read(visits, 0, 10), await store.deadLetters({ limit: 10 })], [[], []]);
  });

  it('pipelines, sources, topics and partitions have separate offsets', async ({ store, visits, orders }) => {
    const lease = await store.claim(visits);
    const ofOrders = await store.claim(orders);
    await lease.takeBatch(batch(null, 1));
    await lease.takeBatch(batch(null, 2, [], { partition: 4_000_000_000 }));
    await lease.takeBatch(batch(null, 3, [], { topicId: 'two é' }));
    await lease.takeBatch(batch(null, 4, [], { source: 'kafka:other' }));
    await ofOrders.takeBatch(batch(null, 2 ** 53 - 1, [], { pipeline: 'orders' }));
    const of = async (pipeline: string, source: string) => {
      const offsets = await store.sourceOffsets(pipeline, source);
      return offsets.map(({ topicId, partition, next }) => [topicId, partition, next]).toSorted((a, b) => Number(a[2]) - Number(b[2]));
    };
    assert.deepEqual(await of('visits', 'kafka:orders'), [
      ['one', 0, 1],
      ['one', 4_000_000_000, 2],
      ['two é', 0, 3],
    ]);
    assert.deepEqual(await of('visits', 'kafka:other'), [['one', 0, 4]]);
    assert.deepEqual(await of('orders', 'kafka:orders'), [['one', 0, 2 ** 53 - 1]]);
    assert.deepEqual(await of('orders', 'kafka:other'), []);
  });

  it('simultaneous batches are judged separately', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    for (const partition of [0, 1, 2]) await lease.takeBatch(batch(null, 1, [], { partition }));
    const bringing = (partition: number, expected: number, takings: readonly SourceTaking[]) =>
      lease.takeBatch(batch(expected, 5, takings, { partition }));
    const both = [{ letter: rejectedLetter('1', 'x', '{"source":"s"}') }, { event: chosen(visits, 'a', 'id') }];
    const together = await Promise.all([
      bringing(0, 1, both),
      bringing(1, 1, [{ event: chosen(visits, 'a', 'id') }, { event: event(visits, 'b') }]),
      bringing(2, 1, []),
    ]);
    assert.deepEqual(together.map(statusesOf), [['buried', 'accepted'], ['duplicate', 'accepted'], []]);
    const again = await Promise.all([
      bringing(0, 5, [{ event: event(visits, 'c') }]),
      bringing(1, 1, [{ event: event(visits, 'd') }, { letter: rejectedLetter('2', 'x', '{"source":"s"}') }]),
      bringing(2, 5, [{ event: event(visits, 'e') }]),
    ]);
    assert.deepEqual(
      again.map(({ status }) => status),
      ['taken', 'moved', 'taken'],
    );
    assert.deepEqual((await store.read(visits, 0, 10)).map(({ key }) => key).toSorted(), ['a', 'b', 'c', 'e']);
    assert.equal((await store.claim(visits)).standing.deadLetters, 1);
  });

  it('events of a batch are judged like those of an append, and may be in any slice', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    const elsewhere = { pipeline: 'visits', slice: 0 };
    const takings = [{ event: chosen(visits, 'a', 'id 1') }, { event: chosen(visits, 'a', 'id 1') }, { event: event(elsewhere, 'b') }];
    assert.deepEqual(statusesOf(await lease.takeBatch(batch(null, 3, takings))), ['accepted', 'duplicate', 'accepted']);
    assert.deepEqual(statusesOf(await lease.takeBatch(batch(3, 4, [{ event: chosen(visits, 'a', 'id 1') }]))), ['duplicate']);
    assert.deepEqual((await store.read(elsewhere, 0, 10)).filter(({ key }) => key === 'b').length, 1);
  });

  it('a record that yields no event becomes a dead letter in the lease’s partition, which the next claim counts', async ({
    store,
    visits,
  }) => {
    const lease = await store.claim(visits);
    const takings = [{ letter: rejectedLetter('1', 'kafka:orders/0/1', '{"source":"s","offset":1}') }, { event: event(visits, 'a') }];
    assert.deepEqual(statusesOf(await lease.takeBatch(batch(null, 3, takings))), ['buried', 'accepted']);
    const letters = await store.deadLetters({ limit: 10 });
    assert.deepEqual(
      letters.map((letter) => [letter.kind, letter.id, letter.partition, letter.kind === 'rejected' && letter.record]),
      [['rejected', '1', visits, '{"source":"s","offset":1}']],
    );
    assert.equal((await store.claim(visits)).standing.deadLetters, 1);
  });

  it('an event that is too late becomes the dead letter it comes with', async ({ store, rockets }) => {
    const owner = await own(store, rockets);
    await owner.commit({ keys: [{ key: 'r', state: null, next: 3, parked: false }], deadLetters: [gap('gap', 'r', 1, 2)] });
    const late: NewDeadLetter = rejectedLetter('late', 'kafka:orders/0/1', '{"source":"s","offset":1}');
    const takings = [
      { event: numbered(rockets, 'r', 2), late },
      { event: numbered(rockets, 'r', 3), late: rejectedLetter('none', 'x', '{"source":"s"}') },
    ];
    const answer = await owner.lease.takeBatch(batch(null, 3, takings, { pipeline: 'rockets' }));
    assert.deepEqual(statusesOf(answer), ['late', 'accepted']);
    const letters = await store.deadLetters({ pipeline: 'rockets', limit: 10 });
    assert.deepEqual(
      letters.map(({ id }) => id),
      ['gap', 'late'],
    );
  });

  it('an expired lease takes nothing', async ({ store, visits }) => {
    const before = await store.claim(visits);
    const present = await store.claim(visits);
    const takings = [{ event: event(visits, 'a') }, { letter: rejectedLetter('1', 'x', '{"source":"s"}') }];
    await refusal(before.takeBatch(batch(null, 3, takings)), 'MILL_STORE_FENCED');
    assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), []);
    assert.deepEqual([await store.read(visits, 0, 10), await store.deadLetters({ limit: 10 })], [[], []]);
    assert.deepEqual(statusesOf(await present.takeBatch(batch(null, 3, takings))), ['accepted', 'buried']);
    const late = [{ event: event(visits, 'b') }, { letter: rejectedLetter('2', 'x', '{"source":"s"}') }];
    const [ofBefore, ofPresent] = await Promise.allSettled([before.takeBatch(batch(3, 4, late)), present.takeBatch(batch(3, 4))]);
    assert.deepEqual([ofBefore.status, ofPresent.status], ['rejected', 'fulfilled']);
    assert.deepEqual([(await store.read(visits, 0, 10)).length, (await store.deadLetters({ limit: 10 })).length], [1, 1]);
    await present.release();
    await refusal(present.takeBatch(batch(4, 5)), 'MILL_STORE_FENCED');
  });

  it('offsets survive a reopening, and are deleted with their pipeline', async ({ store, visits, reopen }) => {
    await (await store.claim(visits)).takeBatch(batch(null, 3));
    const again = await reopen();
    assert.deepEqual(await again.sourceOffsets('visits', 'kafka:orders'), [{ ...first, next: 3 }]);
    const without = await reopen({ pipelines: [{ name: 'orders', numbered: false }], tables: [] });
    await without.forget('visits');
    assert.deepEqual(await without.sourceOffsets('visits', 'kafka:orders'), []);
  });
}
