import assert from 'node:assert/strict';
import type { BatchTaken, Lease, NewDeadLetter, SourceBatch, SourceTaking } from '../store.ts';
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

  it('a batch whose expected offset is wrong or missing changes nothing', async ({ store, visits }) => {
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

  it('batches that come at once are judged one by one', async ({ store, visits }) => {
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

  it('batches of one partition that come at once follow one another, and one that does not follow is refused alone', async ({
    store,
    visits,
  }) => {
    const lease = await store.claim(visits);
    await lease.takeBatch(batch(null, 1));
    const bringing = (expected: number, next: number, key: string) =>
      lease.takeBatch(batch(expected, next, [{ event: event(visits, key) }]));
    const answers = await Promise.all([bringing(1, 3, 'a'), bringing(3, 4, 'b'), bringing(9, 10, 'c'), bringing(4, 5, 'd')]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['taken', 'taken', 'moved', 'taken'],
    );
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map(({ key }) => key),
      ['a', 'b', 'd'],
    );
    assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), [{ ...first, next: 5 }]);
  });

  it('only one of the batches that expect the same offset is taken', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    for (const expected of [null, 1]) {
      const bringing = (key: string) =>
        lease.takeBatch(batch(expected, (expected ?? 0) + 1, [{ event: event(visits, key) }, { letter: rejectedLetter(key, 'x', '{}') }]));
      const answers = await Promise.all(['a', 'b', 'c'].map((key) => bringing(`${key} ${expected}`)));
      assert.deepEqual(answers.map(({ status }) => status).toSorted(), ['moved', 'moved', 'taken']);
    }
    assert.equal((await store.read(visits, 0, 10)).length, 2);
    assert.equal((await store.deadLetters({ limit: 10 })).length, 2);
  });

  it('the ids of a refused batch stay unknown to the batches beside it', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    for (const partition of [0, 1]) await lease.takeBatch(batch(null, 1, [], { partition }));
    const same = [{ event: chosen(visits, 'a', 'id') }, { letter: rejectedLetter('1', 'x', '{"source":"s"}') }];
    const [refused, taken] = await Promise.all([lease.takeBatch(batch(7, 8, same)), lease.takeBatch(batch(1, 2, same, { partition: 1 }))]);
    assert.equal(refused.status, 'moved');
    assert.deepEqual(statusesOf(taken), ['accepted', 'buried']);
    assert.deepEqual([(await store.read(visits, 0, 10)).length, (await store.deadLetters({ limit: 10 })).length], [1, 1]);
  });

  it('a batch whose lease is over is refused alone, and those under other leases are taken', async ({ store, visits, orders, rockets }) => {
    const zombie = await store.claim(visits);
    const leases = [await store.claim(visits), await store.claim(orders), await store.claim(rockets)] as const;
    for (const [at, lease] of leases.entries())
      await lease.takeBatch(batch(null, 1, [], { pipeline: lease.partition.pipeline, partition: at }));
    // Its successor has not read on, so the offset alone would not refuse its batch.
    await leases[0].takeBatch(batch(null, 1, [], { partition: 3 }));
    const bringing = (lease: Lease, partition: number, id: string) => {
      const { pipeline } = lease.partition;
      const takings = [{ event: chosen(lease.partition, id, id) }, { letter: rejectedLetter(id, 'x', '{"source":"s"}') }];
      return lease.takeBatch(batch(1, 2, pipeline === 'rockets' ? takings.slice(1) : takings, { pipeline, partition }));
    };
    const [ofOrders, ofZombie, ofRockets, ofVisits] = await Promise.allSettled([
      bringing(leases[1], 1, 'orders'),
      bringing(zombie, 3, 'zombie'),
      bringing(leases[2], 2, 'rockets'),
      bringing(leases[0], 0, 'visits'),
    ]);
    assert.ok(ofZombie.status === 'rejected' && ofZombie.reason.code === 'MILL_STORE_FENCED', String(ofZombie.status));
    for (const answer of [ofOrders, ofRockets, ofVisits]) assert.ok(answer.status === 'fulfilled' && answer.value.status === 'taken');
    assert.deepEqual(
      (await store.read(visits, 0, 10)).map(({ key }) => key),
      ['visits'],
    );
    const letters = await store.deadLetters({ limit: 10 });
    assert.deepEqual(letters.map(({ id }) => id).toSorted(), ['orders', 'rockets', 'visits']);
  });

  it('a batch with events that may be late and the batches beside it do not affect one another', async ({ store, visits, rockets }) => {
    const owner = await own(store, rockets);
    await owner.commit({ keys: [{ key: 'r', state: null, next: 3, parked: false }], deadLetters: [gap('gap', 'r', 1, 2)] });
    const ofRockets = { pipeline: 'rockets' };
    await owner.lease.takeBatch(batch(null, 1, [], ofRockets));
    const lease = await store.claim(visits);
    await lease.takeBatch(batch(null, 1));
    const late = (n: number) => ({ event: numbered(rockets, 'r', n), late: rejectedLetter(`late ${n}`, 'x', '{"source":"s"}') });
    const [mixed, moved, other] = await Promise.all([
      owner.lease.takeBatch(batch(1, 2, [late(1), late(3), { letter: rejectedLetter('bad', 'x', '{"source":"s"}') }], ofRockets)),
      owner.lease.takeBatch(batch(7, 8, [late(2)], ofRockets)),
      lease.takeBatch(batch(1, 2, [{ event: event(visits, 'a') }])),
    ]);
    assert.deepEqual(statusesOf(mixed), ['late', 'accepted', 'buried']);
    assert.equal(moved.status, 'moved');
    assert.deepEqual(statusesOf(other), ['accepted']);
    const letters = await store.deadLetters({ pipeline: 'rockets', limit: 10 });
    assert.deepEqual(letters.map(({ id }) => id).toSorted(), ['bad', 'gap', 'late 1']);
  });

  it('many batches that come at once keep the order of each partition', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    const partitions = Array.from({ length: 8 }, (_, partition) => partition);
    for (const partition of partitions) await lease.takeBatch(batch(null, 0, [], { partition }));
    const bringing = async (partition: number) => {
      for (let offset = 0; offset < 5; offset += 1) {
        const takings = Array.from({ length: 20 }, (_, at) => ({ event: event(visits, `p${partition}`, { id: `${offset * 20 + at}` }) }));
        const answer = await lease.takeBatch(batch(offset, offset + 1, takings, { partition }));
        assert.equal(answer.status, 'taken');
      }
    };
    await Promise.all(partitions.map(bringing));
    const log = await store.read(visits, 0, 1_000);
    const ids = Array.from({ length: 100 }, (_, at) => String(at));
    for (const partition of partitions)
      assert.deepEqual(
        log.filter(({ key }) => key === `p${partition}`).map(({ id }) => id),
        ids,
      );
    assert.deepEqual(
      log.map(({ position }) => position),
      Array.from({ length: 800 }, (_, at) => at + 1),
    );
  });

  it('the events of a batch are judged like those of an append, and may belong to any slice', async ({ store, visits }) => {
    const lease = await store.claim(visits);
    const elsewhere = { pipeline: 'visits', slice: 0 };
    const takings = [{ event: chosen(visits, 'a', 'id 1') }, { event: chosen(visits, 'a', 'id 1') }, { event: event(elsewhere, 'b') }];
    assert.deepEqual(statusesOf(await lease.takeBatch(batch(null, 3, takings))), ['accepted', 'duplicate', 'accepted']);
    assert.deepEqual(statusesOf(await lease.takeBatch(batch(3, 4, [{ event: chosen(visits, 'a', 'id 1') }]))), ['duplicate']);
    assert.deepEqual((await store.read(elsewhere, 0, 10)).filter(({ key }) => key === 'b').length, 1);
  });

  it('a record that is no event becomes a dead letter of the lease’s partition, which the next claim counts', async ({ store, visits }) => {
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

  it('an event that comes too late becomes the dead letter it came with', async ({ store, rockets }) => {
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
