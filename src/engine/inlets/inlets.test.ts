import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import { MemoryTopic } from '../../inlets/memory-inlet.fixture.test.ts';
import { lettersOf } from '../../store/letters-of.ts';
import { memory, sharedMemory } from '../../store/memory/memory-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { type Mill, millrace } from '../mill.ts';
import { withMembers } from '../promises/fixture.test.ts';
import { applied, record, started, stepsFrom, taking, upTo } from './inlets.fixture.test.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-inlets-'));
after(() => rmSync(folder, { recursive: true }));

test('records take effect once, in the order of their partition, over restarts', async (context) => {
  const topic = new MemoryTopic(3);
  const path = join(folder, 'restarts.db');
  for (const n of upTo(300)) await topic.produce(n % 3, [record(`k${n % 3}`, n)]);
  for (const run of [1, 2, 3]) {
    const mill = millrace({ store: sqlite(path), pipelines: [stepsFrom(topic.inlet())] }) as Mill;
    await mill.start();
    const before = 300 + (run - 1) * 30;
    await applied(mill, 'k0', before / 3 - (run === 1 ? 99 : 0));
    await mill.stop();
    for (const n of upTo(30)) await topic.produce(n % 3, [record(`k${n % 3}`, before + n)]);
  }
  const { mill } = await started(context, { store: sqlite(path), pipelines: [stepsFrom(topic.inlet())] });
  for (const rest of [0, 1, 2]) {
    const expected = upTo(390).filter((n) => n % 3 === rest);
    assert.deepEqual(await applied(mill, `k${rest}`, expected.length), expected);
  }
  await until(() => mill.source('steps')?.partitions.every(({ lag }) => lag === 0) === true);
  assert.deepEqual(
    mill.source('steps')?.partitions.map(({ next }) => next),
    [130, 130, 130],
  );
  assert.equal(mill.counts().steps?.sourceLag, 0);
});

test('a record that is no event becomes a dead letter with its place and bytes, and the partition continues', async (context) => {
  const topic = new MemoryTopic(1);
  await topic.produce(0, [
    { key: 'k', value: 'no JSON', headers: { h: 'v' } },
    { value: Buffer.from([0xff, 0x00]) },
    { value: '{"key":"a"}' },
    { key: 'gone', value: null },
    { value: `{"key":"a","n":1,"more":"${'x'.repeat(5_000_000)}"}` },
    record('a', 2),
  ]);
  const { mill, lines } = await started(context, { store: memory(), pipelines: [stepsFrom(topic.inlet())] });
  assert.deepEqual(await applied(mill, 'a', 1), [2]);
  const letters = lettersOf('rejected', await mill.deadLetters());
  const origins = letters.map(({ record }) => JSON.parse(record));
  assert.deepEqual(
    origins.map(({ offset }) => offset),
    [0, 1, 2, 3, 4],
  );
  const [text, bytes, , tombstone, large] = origins;
  const place = { source: 'memory:topic', topicId: 'first', partition: 0 };
  assert.deepEqual(text, {
    ...place,
    offset: 0,
    timestamp: 0,
    key: { text: 'k' },
    headers: [{ name: 'h', value: { text: 'v' } }],
    value: { text: 'no JSON' },
  });
  assert.deepEqual(bytes.value, { base64: '/wA=' });
  assert.equal(tombstone.value, null);
  assert.ok(large.length > 5_000_000 && large.value.text.length < 2_000_000);
  const reasons = [/JSON/, /UTF-8/, /n:/, /tombstone/, /bytes/];
  for (const [at, reason] of reasons.entries()) assert.match(letters[at]?.reason ?? '', reason);
  assert.equal(mill.counts().steps?.rejectedRecords, 5);
  assert.equal(mill.counts().steps?.deadLetters, 5);
  assert.ok(lines.some(({ message }) => message === 'no events can be made of records: they are dead letters'));
});

test('while the door has no room a partition waits, and loses nothing', async (context) => {
  const topic = new MemoryTopic(1);
  for (const n of upTo(50)) await topic.produce(0, [record('a', n)]);
  const gate = Promise.withResolvers<void>();
  const handle = () => gate.promise;
  const { mill } = await started(context, {
    store: memory(),
    pipelines: [stepsFrom(topic.inlet(), { handle })],
    limits: { backlog: 10, pendingPerKey: 7 },
  });
  await until(() => mill.counts().steps?.received === 7);
  assert.equal(mill.source('steps')?.partitions[0]?.next, 7);
  await until(() => mill.counts().steps?.sourceLag === 43);
  assert.equal(mill.counts().steps?.rejected, 0);
  gate.resolve();
  assert.deepEqual(await applied(mill, 'a', 50), upTo(50));
});

test('a key without room holds up its partition alone, with a warning and a log line once a minute', async (context) => {
  const topic = new MemoryTopic(2);
  for (const n of upTo(9)) await topic.produce(0, [record('a', n)]);
  for (const n of upTo(9)) await topic.produce(1, [record('b', n)]);
  let isPoison = true;
  const handle = (n: number, key: string) => {
    if (key === 'a' && n === 1 && isPoison) throw new Error('poison');
  };
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const steps = stepsFrom(topic.inlet(), { handle });
  const { mill, lines } = await started(context, { store: memory(), pipelines: [steps], limits: { pendingPerKey: 4 }, clock });
  const heldUp = () => lines.filter(({ message }) => message.startsWith('a partition of a topic is held up'));
  const turnUntil = (holds: () => boolean) =>
    until(() => {
      clock.turnToNextAlarm(clock.now() + 500);
      return holds();
    });
  await turnUntil(() => heldUp().length === 1);
  const [first] = heldUp();
  assert.deepEqual([first?.level, first?.fields.partition], ['warn', 0]);
  assert.match(String(first?.fields.reason), /^key a: 4 events already wait for it/);
  assert.ok(clock.elapsedMs() >= 10_000);
  assert.match(JSON.stringify(mill.health()), /partition 0, is held up: there has been no room for its next record for \d+ s: key a/);
  const [held, other] = mill.source('steps')?.partitions ?? [];
  assert.deepEqual([held?.next, held?.lag, other?.next, other?.noRoom], [4, 5, 9, null]);
  assert.match(held?.noRoom ?? '', /^key a/);
  const loggedAt = clock.elapsedMs();
  await turnUntil(() => heldUp().length === 2);
  assert.ok(clock.elapsedMs() - loggedAt >= 60_000);
  isPoison = false;
  const [letter] = await mill.deadLetters();
  await mill.redrive(letter?.id ?? '');
  await turnUntil(() => mill.source('steps')?.partitions[0]?.next === 9);
  assert.deepEqual(mill.source('steps')?.warnings, []);
  assert.deepEqual(await applied(mill, 'a', 9), upTo(9));
});

test('keys that are not in memory are loaded once for all records of a batch', async (context) => {
  const topic = new MemoryTopic(1);
  await topic.produce(0, [record('parked', 1)]);
  const handle = (_: number, key: string) => {
    if (key === 'parked') throw new Error('parked');
  };
  const store = memory();
  const loads: string[][] = [];
  const counting = withMembers(store, {
    load: (...call) => {
      loads.push([...call[1]]);
      return store.load(...call);
    },
  });
  const { mill } = await started(context, { store: counting, pipelines: [stepsFrom(topic.inlet(), { handle })] });
  // From now on the store may hold events of any key that is not in memory.
  await until(() => mill.counts().steps?.parked === 1);
  loads.length = 0;
  const keys = upTo(300).map((n) => `k${n}`);
  await topic.produce(0, [{ value: 'no JSON' }, ...keys.flatMap((key) => [record(key, 1), record(key, 2)])]);
  await until(() => mill.counts().steps?.processed === 600);
  assert.deepEqual(loads, [keys]);
  for (const key of keys) assert.deepEqual(await applied(mill, key, 2), [1, 2]);
});

test('an array of events is taken as a whole, and each element is judged by itself', async (context) => {
  const topic = new MemoryTopic(1);
  await topic.produce(0, [
    { value: JSON.stringify([{ key: 'a', n: 1 }, { key: 'a' }, { key: 'a', n: 3 }]) },
    { value: '{}' },
    { value: '[]' },
  ]);
  const { mill } = await started(context, { store: memory(), pipelines: [stepsFrom(topic.inlet({ value: 'json-array' }))] });
  assert.deepEqual(await applied(mill, 'a', 2), [1, 3]);
  await until(() => mill.source('steps')?.partitions[0]?.next === 3);
  const origins = lettersOf('rejected', await mill.deadLetters()).map(({ record }) => JSON.parse(record));
  assert.deepEqual(
    origins.map(({ offset, element }) => [offset, element]),
    [
      [0, 1],
      [1, undefined],
    ],
  );
});

test('a record whose number was skipped becomes a dead letter', async (context) => {
  const topic = new MemoryTopic(1);
  await topic.produce(0, [record('a', 1), record('a', 4)]);
  const { mill } = await started(context, { store: memory(), pipelines: [stepsFrom(topic.inlet(), { numbered: true })] });
  assert.deepEqual(await applied(mill, 'a', 2), [1, 4]);
  await topic.produce(0, [record('a', 2), record('a', 5)]);
  assert.deepEqual(await applied(mill, 'a', 3), [1, 4, 5]);
  const [letter] = lettersOf('rejected', await mill.deadLetters());
  assert.match(letter?.reason ?? '', /number 2 came after it was skipped/);
});

test('added partitions are read from their beginning', async (context) => {
  const topic = new MemoryTopic(1);
  await topic.produce(0, [record('a', 1)]);
  const { mill } = await started(context, { store: memory(), pipelines: [stepsFrom(topic.inlet())] });
  await applied(mill, 'a', 1);
  await topic.addPartitions(1);
  await topic.produce(1, [record('b', 1), record('b', 2)]);
  assert.deepEqual(await applied(mill, 'b', 2), [1, 2]);
});

test('a topic that was created anew is not read until somebody decides so', async (context) => {
  const topic = new MemoryTopic(1);
  const store = memory();
  await topic.produce(0, [record('a', 1), record('a', 2)]);
  const first = millrace({ store, pipelines: [stepsFrom(topic.inlet())] }) as Mill;
  await first.start();
  await applied(first, 'a', 2);
  await first.stop();
  await topic.recreate();
  await topic.produce(0, [record('a', 3), record('a', 4), record('a', 5)]);
  const second = await started(context, { store, pipelines: [stepsFrom(topic.inlet())] });
  const warningsOf = (mill: Mill) => {
    const health = mill.health();
    return health.status === 'ok' ? (health.warnings ?? []) : [];
  };
  await until(() => warningsOf(second.mill).length > 0);
  assert.match(
    warningsOf(second.mill)[0] ?? '',
    /memory:topic, partition 0, is not read: expected the topic first, found one that was created anew/,
  );
  assert.ok(second.lines.some(({ level, message }) => level === 'error' && message === 'a partition of a topic is not read'));
  assert.equal(((await second.mill.state('steps', 'a')) as { ns: number[] }).ns.length, 2);
  await second.mill.stop();
  const third = await started(context, { store, pipelines: [stepsFrom(topic.inlet({ acceptedTopicId: 'first again' }))] });
  assert.deepEqual(await applied(third.mill, 'a', 5), upTo(5));
  assert.deepEqual(warningsOf(third.mill), []);
});

for (const mayLoseRecords of [false, true]) {
  test(`records that were deleted before they were read ${mayLoseRecords ? 'are skipped if that is allowed' : 'stop their partition'}`, async (context) => {
    const topic = new MemoryTopic(1);
    const store = memory();
    await topic.produce(0, [record('a', 1)]);
    const first = millrace({ store, pipelines: [stepsFrom(topic.inlet())] }) as Mill;
    await first.start();
    await applied(first, 'a', 1);
    await first.stop();
    await topic.produce(0, [record('a', 2), record('a', 3), record('a', 4)]);
    await topic.deleteBefore(0, 3);
    const { mill, lines } = await started(context, { store, pipelines: [stepsFrom(topic.inlet({ mayLoseRecords }))] });
    if (mayLoseRecords) {
      assert.deepEqual(await applied(mill, 'a', 2), [1, 4]);
      assert.ok(lines.some(({ message }) => message.includes('passed over')));
    } else {
      await until(() => JSON.stringify(mill.health()).includes('2 were deleted before they were read'));
      assert.deepEqual(await applied(mill, 'a', 1), [1]);
    }
  });
}

test('an unreachable broker ends nothing: its topic is read once it is back', async (context) => {
  const topic = new MemoryTopic(1);
  topic.outage = new Error('no broker');
  await topic.produce(0, [record('a', 1)]);
  const { mill } = await started(context, { store: memory(), pipelines: [stepsFrom(topic.inlet())] });
  await until(() => JSON.stringify(mill.health()).includes('memory:topic cannot be read: no broker'));
  topic.outage = undefined;
  assert.deepEqual(await applied(mill, 'a', 1), [1]);
  topic.outage = new Error('again');
  topic.wake();
  await topic.produce(0, [record('a', 2)]);
  topic.outage = undefined;
  assert.deepEqual(await applied(mill, 'a', 2), [1, 2]);
  await until(() => !JSON.stringify(mill.health()).includes('cannot be read'));
});

test('a paused pipeline reads nothing until it is resumed', async (context) => {
  const topic = new MemoryTopic(1);
  const { mill } = await started(context, { store: memory(), pipelines: [stepsFrom(topic.inlet())] });
  await mill.pause('steps');
  await topic.produce(0, [record('a', 1)]);
  const { reads } = topic;
  await mill.resume('steps');
  assert.deepEqual(await applied(mill, 'a', 1), [1]);
  assert.ok(topic.reads > reads);
});

test('a batch that another process has already taken is dropped, and reading continues after it', async (context) => {
  const topic = new MemoryTopic(1);
  await topic.produce(0, [record('a', 1), record('a', 2)]);
  let isOvertaken = false;
  const store = taking(memory(), (lease) => async (batch) => {
    if (!isOvertaken) {
      isOvertaken = true;
      await lease.takeBatch({ ...batch, next: 1, takings: batch.takings.slice(0, 1) });
    }
    return lease.takeBatch(batch);
  });
  const { mill } = await started(context, { store, pipelines: [stepsFrom(topic.inlet())] });
  await until(() => mill.source('steps')?.partitions[0]?.next === 2);
  assert.equal(mill.counts().steps?.droppedBatches, 1);
  assert.equal((await mill.settled('steps', 10_000)) && mill.counts().steps?.rejected, 0);
});

test('a batch that the store refuses because the lease is over is dropped and counted, and nothing of it is stored', async (context) => {
  const topic = new MemoryTopic(1);
  await topic.produce(0, [record('a', 1), record('a', 2)]);
  let refusals = 2;
  const store = taking(memory(), (lease) => async (batch) => {
    if (refusals === 0) return lease.takeBatch(batch);
    refusals -= 1;
    throw new MillraceError('MILL_STORE_FENCED', 'expected a batch of the latest lease, found one that is over');
  });
  const { mill, lines } = await started(context, { store, pipelines: [stepsFrom(topic.inlet())] });
  assert.deepEqual(await applied(mill, 'a', 2), [1, 2]);
  assert.equal(mill.counts().steps?.droppedBatches, 2);
  assert.equal(mill.counts().steps?.received, 2);
  assert.ok(
    !lines.some(({ message }) => message.startsWith('the store did not take records')),
    'the loss of a lease is told once, elsewhere',
  );
});

test('after store failures with unknown results each record still takes effect once', async (context) => {
  const topic = new MemoryTopic(2);
  for (const n of upTo(200)) await topic.produce(n % 2, [record(`k${n % 2}`, n)]);
  let calls = 0;
  const store = taking(memory({ partitions: 4 }), (lease) => async (batch) => {
    calls += 1;
    const isDone = calls % 3 !== 0;
    const answer = isDone ? await lease.takeBatch({ ...batch }) : undefined;
    if (calls % 3 !== 1 || answer === undefined) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the answer was lost');
    return answer;
  });
  const { mill } = await started(context, { store, pipelines: [stepsFrom(topic.inlet())], limits: { backlog: 20 } });
  for (const rest of [0, 1]) {
    const expected = upTo(200).filter((n) => n % 2 === rest);
    assert.deepEqual(await applied(mill, `k${rest}`, expected.length), expected);
  }
});

test('in a fleet one engine reads each partition, and another takes over where the first has stopped', async (context) => {
  const topic = new MemoryTopic(8);
  for (const n of upTo(80)) await topic.produce(n % 8, [record(`k${n % 8}`, n)]);
  const store = sharedMemory({ partitions: 8, leaseMs: 300, now: () => performance.now() });
  const mills: Mill[] = [];
  for (const _ of upTo(2)) {
    const { mill } = await started(context, { store: store(), pipelines: [stepsFrom(topic.inlet())] });
    mills.push(mill);
  }
  const read = () => mills.flatMap((mill) => mill.source('steps')?.partitions ?? []);
  await until(() => read().length === 8 && mills.every((mill) => (mill.source('steps')?.partitions.length ?? 0) > 0));
  const [first, second] = mills;
  assert.ok(first !== undefined && second !== undefined);
  for (const n of upTo(80)) await topic.produce(n % 8, [record(`k${n % 8}`, 80 + n)]);
  await first.stop();
  for (const n of upTo(80)) await topic.produce(n % 8, [record(`k${n % 8}`, 160 + n)]);
  for (const rest of [0, 3, 7]) {
    const expected = upTo(240).filter((n) => n % 8 === rest);
    assert.deepEqual(await applied(second, `k${rest}`, expected.length), expected);
  }
  await until(() => second.source('steps')?.partitions.length === 8);
});
