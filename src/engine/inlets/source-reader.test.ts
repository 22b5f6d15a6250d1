import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import { MemoryTopic } from '../../inlets/memory-inlet.fixture.test.ts';
import type { Inlet } from '../../pipeline/inlet.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { type Mill, millrace } from '../mill.ts';
import { applied, record, started, stepsFrom, taking, upTo } from './inlets.fixture.test.ts';

test('a partition whose records the store does not take is tried less and less often, and the others are read on', async (context) => {
  const topic = new MemoryTopic(2);
  for (const n of upTo(5)) await topic.produce(0, [record('a', n)]);
  for (const n of upTo(5)) await topic.produce(1, [record('b', n)]);
  let [isRefused, refusals] = [true, 0];
  const store = taking(memory(), (lease) => async (batch) => {
    if (!isRefused || batch.partition !== 0) return lease.takeBatch(batch);
    refusals += 1;
    throw new MillraceError('MILL_STORE_FENCED', 'expected a batch of the latest lease, found one that is over');
  });
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const { mill } = await started(context, { store, pipelines: [stepsFrom(topic.inlet())], clock });
  const turn = (ms: number) => {
    for (const end = clock.now() + ms; clock.turnToNextAlarm(end); );
  };
  /** The other partition has been asked for again since. */
  const readOn = async () => {
    const reads = topic.reads + 2;
    await until(() => {
      topic.wake();
      return topic.reads >= reads;
    });
  };
  await until(() => refusals === 1);
  for (const [at, pauseMs] of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000].entries()) {
    await readOn();
    turn(pauseMs - 1);
    await readOn();
    assert.equal(refusals, at + 1, `${pauseMs - 1} ms after refusal ${at + 1}`);
    turn(1);
    await until(() => refusals === at + 2);
  }
  assert.equal(mill.counts().steps?.processed, 5);
  isRefused = false;
  turn(2_000);
  await until(() => mill.counts().steps?.processed === 10);
  for (const key of ['a', 'b']) assert.deepEqual(await applied(mill, key, 5), upTo(5));
});

test('a partition whose records the store does not take stays in status and lag, and is a trouble from the second failure on', async (context) => {
  const topic = new MemoryTopic(2);
  for (const n of upTo(5)) await topic.produce(0, [record('a', n)]);
  let [isRefused, refusals] = [true, 0];
  const store = taking(memory(), (lease) => async (batch) => {
    if (!isRefused || batch.partition !== 0) return lease.takeBatch(batch);
    refusals += 1;
    throw new MillraceError('MILL_COMMIT_REFUSED', 'a trigger refuses it');
  });
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const { mill, lines } = await started(context, { store, pipelines: [stepsFrom(topic.inlet())], clock });
  const turnUntil = (holds: () => boolean) =>
    until(() => {
      topic.wake();
      clock.turnToNextAlarm(clock.now() + 500);
      return holds();
    });
  /** What an operator sees of the partition that is refused. */
  const seen = () => {
    const source = mill.source('steps');
    return { position: source?.partitions.find(({ partition }) => partition === 0), lag: mill.counts().steps?.sourceLag };
  };
  const expected = { position: { partition: 0, next: 0, end: 5, lag: 5, noRoom: null }, lag: 5 };
  await turnUntil(() => refusals >= 2 && mill.source('steps')?.troubles.length === 1);
  const [first] = mill.source('steps')?.troubles ?? [];
  assert.deepEqual([first?.status, first?.partition, first?.reason], ['not taken', 0, 'a trigger refuses it']);
  for (const end = refusals + 5; refusals < end; ) {
    let turns = 0;
    await turnUntil(() => turns++ > 0);
    assert.deepEqual(seen(), expected);
    assert.equal(mill.source('steps')?.troubles[0]?.since, first?.since);
  }
  assert.match(mill.source('steps')?.warnings[0] ?? '', /partition 0: the store has not taken its records for \d+ s: a trigger refuses it/);
  const logged = lines.filter(({ message }) => message.startsWith('the store did not take records of a topic'));
  assert.deepEqual(
    logged.map(({ fields }) => [fields.partition, fields.reason]),
    [[0, 'a trigger refuses it']],
    'once a minute',
  );
  isRefused = false;
  await turnUntil(() => mill.source('steps')?.partitions[0]?.next === 5);
  assert.deepEqual(mill.source('steps')?.troubles, []);
});

test('with many partitions each read is smaller, so that all reads stay within a limit', async (context) => {
  const mebibyte = 1024 * 1024;
  for (const [partitions, expected] of [
    [2, mebibyte],
    [100, Math.floor((128 * mebibyte) / 200)],
    [5_000, mebibyte / 16],
  ] as const) {
    const inlet = new MemoryTopic(partitions).inlet();
    const asked = new Set<number>();
    const read: Inlet['read'] = (request, signal) => {
      asked.add(request.bytesMax);
      return inlet.read(request, signal);
    };
    const { mill } = await started(context, { store: memory(), pipelines: [stepsFrom({ ...inlet, read })] });
    await until(() => asked.size > 0);
    assert.deepEqual(Array.from(asked), [expected]);
    await mill.stop();
  }
});

test('while there is no room at most two reads of a partition are in memory', async (context) => {
  const topic = new MemoryTopic(1);
  const more = 'x'.repeat(300_000);
  for (const n of upTo(30)) await topic.produce(0, [{ value: JSON.stringify({ key: 'a', n, more }) }]);
  const inlet = topic.inlet();
  let records = 0;
  const read: Inlet['read'] = async (request, signal) => {
    const reads = await inlet.read(request, signal);
    records += reads.reduce((sum, one) => sum + one.records.length, 0);
    return reads;
  };
  const gate = Promise.withResolvers<void>();
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const steps = stepsFrom({ ...inlet, read }, { handle: () => gate.promise });
  const { mill } = await started(context, { store: memory(), pipelines: [steps], limits: { pendingPerKey: 1 }, clock });
  const turnUntil = (holds: () => boolean) =>
    until(() => {
      clock.turnToNextAlarm(clock.now() + 50);
      return holds();
    });
  // Rounds of reading go on, and find no room.
  await turnUntil(() => clock.elapsedMs() > 20_000 && (mill.source('steps')?.partitions[0]?.noRoom ?? null) !== null);
  // A read has the three records that fit into a mebibyte.
  assert.equal(records, 6);
  gate.resolve();
  await turnUntil(() => mill.counts().steps?.processed === 30);
  assert.deepEqual(await applied(mill, 'a', 30), upTo(30));
});

test('while handlers are behind, records wait on the topic and not in the log', async (context) => {
  const topic = new MemoryTopic(2);
  for (const partition of [0, 1]) {
    await topic.produce(
      partition,
      upTo(3_000).map((n) => record(`k${partition}-${n % 100}`, n)),
    );
  }
  const gate = Promise.withResolvers<void>();
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const steps = stepsFrom(topic.inlet(), { handle: () => gate.promise });
  const { mill } = await started(context, { store: memory(), pipelines: [steps], limits: { feed: 100 }, clock });
  const turnUntil = (holds: () => boolean) =>
    until(() => {
      clock.turnToNextAlarm(clock.now() + 50);
      return holds();
    });
  await turnUntil(() => clock.elapsedMs() > 20_000 && (mill.counts().steps?.received ?? 0) > 0);
  assert.equal(mill.counts().steps?.received, 1_000);
  assert.deepEqual(mill.source('steps')?.troubles, []);
  gate.resolve();
  await turnUntil(() => mill.counts().steps?.processed === 6_000);
});

test('records that wait for room are not decoded again and again', async (context) => {
  const topic = new MemoryTopic(3);
  for (const partition of [0, 1, 2]) {
    await topic.produce(
      partition,
      upTo(900).map((n) => record(`k${partition}-${n}`, n)),
    );
  }
  const inlet = topic.inlet();
  let decoded = 0;
  const decode: Inlet['decode'] = (one) => {
    decoded += 1;
    return inlet.decode(one);
  };
  const steps = stepsFrom({ ...inlet, decode }, { handle: () => setImmediate() });
  const { mill } = await started(context, { store: memory(), pipelines: [steps], limits: { backlog: 20, feed: 1_000 } });
  await until(() => mill.counts().steps?.processed === 2_700);
  assert.ok(decoded <= 2 * 2_700, `expected at most two tries of each record, found ${decoded}`);
});

test('a partition that ends before the offset in the store is not read until it has grown to there', async (context) => {
  const topic = new MemoryTopic(2);
  const store = memory();
  for (const n of upTo(4)) await topic.produce(0, [record('a', n)]);
  const first = millrace({ store, pipelines: [stepsFrom(topic.inlet())] }) as Mill;
  await first.start();
  await applied(first, 'a', 4);
  await first.stop();
  // The topic is the same. A broker that has just restarted reports an earlier end, or an unclean election has lost records.
  const shorter = new MemoryTopic(2);
  await shorter.produce(0, [record('a', 1), record('a', 2), record('a', 30)]);
  await shorter.produce(1, [record('b', 1)]);
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const { mill } = await started(context, { store, pipelines: [stepsFrom(shorter.inlet())], clock });
  assert.deepEqual(await applied(mill, 'b', 1), [1]);
  const warning = /partition 0, is not read: expected records up to offset 4, .* ends at 3/;
  assert.match(mill.source('steps')?.warnings[0] ?? '', warning);
  for (const n of [40, 5]) await shorter.produce(0, [record('a', n)]);
  await until(() => {
    clock.turnToNextAlarm(clock.now() + 50);
    return mill.source('steps')?.warnings.length === 0;
  });
  assert.deepEqual(await applied(mill, 'a', 5), [1, 2, 3, 4, 5]);
});
