import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import type { Answer } from '../../pipeline/endpoint.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import { sliceOf } from '../identify.ts';
import { type CommitCall, failing, onEveryStore, steps, stepsOf, withCalls } from './fixture.test.ts';
import { delivered, heldAnswers, shop, toldTo } from './shop.fixture.test.ts';

/** Store reads that wait, once the test says so, until it releases them. */
function heldReads() {
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  let isSlow = false;
  return {
    /** Number of reads that have waited. */
    get begun() {
      return begun;
    },
    get isSlow() {
      return isSlow;
    },
    async pass() {
      if (!isSlow) return;
      begun += 1;
      await gate.promise;
    },
    hold() {
      isSlow = true;
    },
    release() {
      isSlow = false;
      gate.resolve();
    },
  };
}

/** Keys in the same slice as `a`. */
function besideA(count: number, partitions: number): readonly string[] {
  const found: string[] = [];
  for (let n = 0; found.length < count; n += 1) if (sliceOf(`x${n}`, partitions) === sliceOf('a', partitions)) found.push(`x${n}`);
  return found;
}

onEveryStore('slow reads of the store', ({ testMill, makeStore }) => {
  test('promise 6: a delivery whose outcome arrives while its key is being read is not repeated', async () => {
    const base = makeStore();
    const reads = heldReads();
    const load: Store['load'] = async (...asked) => {
      const records = await base.load(...asked);
      await reads.pass();
      return records;
    };
    let outcomes = 0;
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      outcomes += work.outcomes.length;
      return committed;
    };
    const said: string[] = [];
    const letters = pipeline('letters', {
      event: z.object({}),
      deliver: { door: { to: { call: failing }, outcome: (_state, _turn, { status }) => void said.push(status) } },
      handle(_event, _state, turn) {
        turn.deliver('door', {}, { id: 'a 1' });
        turn.timers.set('again', { after: 1_000 });
      },
      timers: {
        again(_state, turn) {
          said.push('again');
          turn.deliver('door', {}, { id: 'a 1' });
        },
      },
    });
    const answered = Promise.withResolvers<Answer>();
    const t = await testMill({ pipelines: [letters], store: withCalls(base, { commit, load }), answer: () => answered.promise });
    await t.ingest('letters', {}, { id: 'a' });
    await until(() => t.calls.length === 1);
    reads.hold();
    t.clock.turnToNextAlarm(t.clock.now() + 1_000);
    await until(() => reads.begun === 1);
    // The outcome finds no free place for its turn, and is left to a later look.
    await t.mill.pause('letters');
    answered.resolve(delivered);
    await until(() => outcomes === 1);
    reads.release();
    await t.mill.resume('letters');
    await t.drain();
    assert.deepEqual([t.calls.length, said], [1, ['again', 'delivered']]);
    await t.stop();
  });

  test('promise 5: a timer follows an event accepted before it was due, and waits for another key to be read', async () => {
    const base = makeStore();
    const reads = heldReads();
    const load: Store['load'] = async (...asked) => {
      await reads.pass();
      return base.load(...asked);
    };
    const said: string[] = [];
    const speech = pipeline('speech', {
      event: z.object({ key: z.string(), say: z.string() }),
      key: ({ key }) => key,
      handle({ say }, _state, turn) {
        said.push(say);
        if (say === 'set') turn.timers.set('ring', { after: 1_000 });
      },
      timers: { ring: () => void said.push('ring') },
    });
    const t = await testMill({ pipelines: [speech], store: withCalls(base, { load }) });
    await t.ingest('speech', { key: 'a', say: 'set' });
    await t.drain();
    reads.hold();
    const [key = ''] = besideA(1, base.partitions);
    await t.ingestBatch('speech', [
      { key, say: 'first' },
      { key: 'a', say: 'second' },
    ]);
    await until(() => reads.begun > 0);
    t.clock.turnToNextAlarm(t.clock.now() + 1_000);
    for (let turns = 0; turns < 100; turns += 1) await setImmediate();
    reads.release();
    await t.drain();
    assert.deepEqual(said, ['set', 'first', 'second', 'ring']);
    await t.stop();
  });

  test('promise 5: an overdue timer of an event without a key fires even if another event with the same id, much later, is under way', async () => {
    const base = makeStore();
    const reads = heldReads();
    const dueCauses: Store['dueCauses'] = async (...asked) => {
      await reads.pass();
      return base.dueCauses(...asked);
    };
    const said: string[] = [];
    const begun = Promise.withResolvers<void>();
    const ends = Promise.withResolvers<void>();
    const letters = pipeline('letters', {
      event: z.object({ at: z.int().optional() }),
      deduplicationWindow: '1s',
      async handle({ at }, _state, turn) {
        if (at !== undefined) return turn.timers.set('ring', { at });
        begun.resolve();
        await ends.promise;
        said.push(`ended ${turn.key}`);
      },
      timers: { ring: (_state, turn) => void said.push(`rung ${turn.key}`) },
    });
    const t = await testMill({ pipelines: [letters], store: withCalls(base, { dueCauses }), startAt: 10_000 });
    const [before = ''] = besideA(1, base.partitions);
    await t.ingest('letters', { at: 9_000 }, { id: before });
    await t.drain();
    assert.deepEqual(said, [`rung ${before}`]);
    reads.hold();
    await t.ingest('letters', { at: 5_000 }, { id: 'a' });
    await until(() => reads.begun > 0);
    t.clock.turnToNextAlarm(t.clock.now() + 2_000);
    await t.ingest('letters', {}, { id: 'a' });
    await begun.promise;
    reads.release();
    await t.advance(0);
    ends.resolve();
    await t.drain();
    assert.deepEqual(said, [`rung ${before}`, 'ended a', 'rung a']);
    await t.stop();
  });

  test('promise 6: an outcome does not overtake an earlier one of its key that waits for its place', async () => {
    const base = makeStore();
    const reads = heldReads();
    const dueCauses: Store['dueCauses'] = async (...asked) => {
      await reads.pass();
      return base.dueCauses(...asked);
    };
    let outcomes = 0;
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      outcomes += work.outcomes.filter(({ dueAt }) => dueAt !== null).length;
      return committed;
    };
    const { waiting, answer } = heldAnswers();
    const t = await testMill({ pipelines: [shop({ order: 'key' })], store: withCalls(base, { commit, dueCauses }), answer });
    for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
    await until(() => waiting.length === 1);
    await t.mill.pause('shop');
    reads.hold();
    waiting[0]?.give(delivered);
    await until(() => outcomes === 1);
    await t.mill.resume('shop');
    await until(() => waiting.length === 2 && reads.begun > 0);
    waiting[1]?.give(delivered);
    await until(() => outcomes === 2);
    reads.release();
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1', 'delivered a 2 after 1']);
    await t.stop();
  });

  test('promise 3: a number is given up in time even if the log reaches events that were read back earlier', async () => {
    const base = makeStore();
    const reads = heldReads();
    // Returns only the first event of the log until the test releases the reads.
    const read: Store['read'] = async (partition, after, limit, bounds) => {
      if (after > 0) await reads.pass();
      return base.read(partition, after, reads.isSlow ? 1 : limit, bounds);
    };
    const t = await testMill({
      pipelines: [steps({}, { numbered: true, skipAfter: '5m' })],
      store: withCalls(base, { read }),
    });
    await t.mill.pause('steps');
    for (const n of [3, 5, 2, 1]) await t.ingest('steps', { key: 'a', n });
    reads.hold();
    await t.crash();
    await t.mill.resume('steps');
    const partition = { pipeline: 'steps', slice: sliceOf('a', base.partitions) };
    await until(async () => (await base.progress(partition)).cursor === 4);
    t.clock.turnToNextAlarm(t.clock.now() + 1_000);
    await until(async () => (await base.gaps(partition, { limit: 1 })).length === 1);
    reads.release();
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3]);
    await t.advance('5m');
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 5]);
    await t.stop();
  });
});
