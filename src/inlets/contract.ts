/**
 * The requirements of `Inlet`, as tests. Every inlet must pass them, ours and any other:
 *
 * ```ts
 * inletContract('my broker', {
 *   partitions: 'many',
 *   async create({ partitions }) {
 *     const topic = await broker.createTopic(partitions);
 *     return {
 *       inlet: () => myInlet({ topic: topic.name }),
 *       produce: (partition, records) => topic.write(partition, records),
 *       dispose: () => topic.delete(),
 *     };
 *   },
 * });
 * ```
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Inlet, InletRead, InletRecord } from '../pipeline/inlet.ts';

/** A record to be written for the contract. */
export interface ContractRecord {
  readonly key?: string | null;
  readonly value: string | Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A topic of a broker, for one test. */
export interface ContractTopic {
  /** Returns an inlet on the topic, with its own connections. */
  inlet(): Inlet;
  /** Writes records in order, several of them at once. They are readable once it resolves. */
  produce(partition: number, records: readonly ContractRecord[]): Promise<void>;
  /** Absent if the broker does not support it. */
  addPartitions?(count: number): Promise<void>;
  /** Deletes the topic and creates another one with the same name and number of partitions. */
  recreate?(): Promise<void>;
  /** Deletes the records before an offset. */
  deleteBefore?(partition: number, offset: number): Promise<void>;
  dispose(): Promise<void>;
}

/** Provides topics of the broker under test. */
export interface InletHarness {
  /** The number of partitions of a topic: `one` only, or `many`. */
  readonly partitions: 'one' | 'many';
  /** The broker's records without a value: `null`, or an `empty` value instead. Default `null`. */
  readonly tombstones?: 'null' | 'empty';
  /** A record's key: `optional`, or present `always`. Default `optional`. */
  readonly keys?: 'optional' | 'always';
  /** Creates a topic with one partition or three. */
  create(options: { readonly partitions: number }): Promise<ContractTopic>;
}

interface Subject {
  readonly topic: ContractTopic;
  readonly inlet: Inlet;
  /** Returns the offset of the first record of a partition. */
  earliest(partition?: number): Promise<number>;
  /** Reads from a place until it has `count` records. */
  read(count: number, from?: Partial<Place>, on?: Inlet): Promise<InletRecord[]>;
}

interface Place {
  readonly partition: number;
  readonly offset: number;
}

const bytesMax = 1024 * 1024;

/** Declares the contract's tests, under `name`, for the inlet that the harness provides. Call it in a file that `node --test` runs. */
export function inletContract(name: string, harness: InletHarness): void {
  const partitions = harness.partitions === 'many' ? 3 : 1;
  const it = (sentence: string, body: (subject: Subject) => Promise<void>) =>
    test(sentence, async (context) => {
      const topic = await harness.create({ partitions });
      context.after(() => topic.dispose());
      const inlet = await opened(topic.inlet());
      context.after(() => inlet.close?.());
      await body({
        topic,
        inlet,
        earliest: (partition = 0) => earliestOf(inlet, partition),
        read: async (count, from = {}, on = inlet) => {
          const partition = from.partition ?? 0;
          return readOf(on, { partition, offset: from.offset ?? (await earliestOf(on, partition)) }, count);
        },
      });
    });

  describe(`${name} keeps the contract of an inlet`, () => {
    it('a topic has an id and partitions, each with its beginning and end', async ({ topic, inlet }) => {
      const { id, partitions: found } = await topicOf(inlet);
      assert.notEqual(id, '');
      assert.deepEqual(numbersOf(found), partitions === 3 ? [0, 1, 2] : [0]);
      assert.ok(found.every(({ earliest, end }) => earliest === end));
      await topic.produce(0, ['a', 'b', 'c'].map(plain));
      const { id: same, partitions: grown } = await topicOf(inlet);
      assert.equal(same, id);
      const [before, after] = [found, grown].map((all) => all.find(({ partition }) => partition === 0));
      assert.equal((after?.end ?? 0) - (before?.end ?? 0), 3);
      assert.equal(after?.earliest, before?.earliest);
    });

    it('records come in order and complete', async ({ topic, read }) => {
      const headers = { traceparent: '00-1', é: 'ü' };
      await topic.produce(0, [{ key: 'k', value: 'one', headers }, { value: 'two' }, { key: '', value: Buffer.from([0, 255]) }]);
      const [one, two, three] = await read(3);
      assert.deepEqual([textOf(one?.value), textOf(one?.key)], ['one', 'k']);
      const traceparent = one?.headers.find((header) => header.name === 'traceparent');
      assert.equal(textOf(traceparent?.value), '00-1');
      assert.equal(textOf(two?.value), 'two');
      if (harness.keys !== 'always') assert.equal(two?.key, null);
      assert.deepEqual(Array.from(three?.value ?? []), [0, 255]);
      assert.ok((one?.offset ?? 0) < (two?.offset ?? 0) && (two?.offset ?? 0) < (three?.offset ?? 0));
      assert.ok(Number.isSafeInteger(one?.timestamp));
    });

    it('a record without a value has none', async ({ topic, read }) => {
      await topic.produce(0, [{ key: 'k', value: null }, { value: 'next' }]);
      const [tombstone, next] = await read(2);
      const value = tombstone?.value ?? null;
      assert.ok(harness.tombstones === 'empty' ? (value?.length ?? 0) === 0 : value === null);
      assert.equal(textOf(next?.value), 'next');
    });

    it('reading begins at the requested offset, however often', async ({ topic, read }) => {
      await topic.produce(0, ['a', 'b', 'c', 'd'].map(plain));
      const all = await read(4);
      assert.deepEqual(
        all.map(({ value }) => textOf(value)),
        ['a', 'b', 'c', 'd'],
      );
      const [, , third] = all;
      const again = await read(2, { offset: third?.offset ?? 0 });
      assert.deepEqual(
        again.map(({ value }) => textOf(value)),
        ['c', 'd'],
      );
      const more = await read(4);
      assert.deepEqual(offsetsOf(more), offsetsOf(all));
    });

    it('another inlet reads the same records, from any offset', async ({ topic, read }) => {
      await topic.produce(0, ['a', 'b'].map(plain));
      const first = await read(2);
      const other = await opened(topic.inlet());
      try {
        assert.deepEqual(offsetsOf(await read(2, {}, other)), offsetsOf(first));
      } finally {
        await other.close?.();
      }
    });

    it('a read waits for a record, but no longer than requested', async ({ topic, inlet, earliest }) => {
      const offset = await earliest();
      const positions = [{ partition: 0, offset }];
      const nothing = await inlet.read({ positions, waitMs: 20, bytesMax }, AbortSignal.timeout(10_000));
      assert.deepEqual(
        nothing.flatMap(({ records }) => records),
        [],
      );
      const waiting = readOf(inlet, { partition: 0, offset }, 1);
      await topic.produce(0, [plain('late')]);
      const [late] = await waiting;
      assert.equal(textOf(late?.value), 'late');
    });

    it('a read ends when its signal aborts', async ({ inlet, earliest }) => {
      const positions = [{ partition: 0, offset: await earliest() }];
      const aborting = new AbortController();
      const read = inlet.read({ positions, waitMs: 60_000, bytesMax }, aborting.signal);
      const ended = read.then(
        () => true,
        () => true,
      );
      aborting.abort();
      assert.equal(await ended, true);
    });

    it('records beyond the byte limit come in later reads, and a record above the limit still comes', async ({
      topic,
      inlet,
      earliest,
    }) => {
      const large = 'x'.repeat(100_000);
      for (let written = 0; written < 12; written += 1) await topic.produce(0, [plain(large)]);
      let offset = await earliest();
      const reads: InletRead[] = [];
      while (reads.reduce((sum, { records }) => sum + records.length, 0) < 12) {
        const asked = { positions: [{ partition: 0, offset }], waitMs: 1_000, bytesMax: 50_000 };
        for (const read of await inlet.read(asked, AbortSignal.timeout(20_000))) {
          offset = read.next;
          if (read.records.length > 0) reads.push(read);
        }
      }
      assert.ok(reads.length > 1, `expected several reads, found ${reads.length}`);
    });

    it('a value becomes an event, with the traceparent of its record', async ({ topic, inlet, read }) => {
      await topic.produce(0, [{ value: '{"n":1}', headers: { traceparent: '00-1' } }, { value: 'no JSON' }]);
      const [good, bad] = await read(2);
      assert.ok(good !== undefined && bad !== undefined);
      assert.deepEqual(inlet.decode(good), [{ event: { n: 1 }, traceparent: '00-1' }]);
      assert.throws(() => inlet.decode(bad), /JSON/);
    });

    if (partitions > 1) manyPartitions(it);
    changes(it);
  });
}

function manyPartitions(it: (sentence: string, body: (subject: Subject) => Promise<void>) => void): void {
  it('partitions are read together, each from its own offset', async ({ topic, inlet, read }) => {
    await topic.produce(0, ['a0', 'a1'].map(plain));
    await topic.produce(2, ['c0', 'c1', 'c2'].map(plain));
    const [, second] = await read(3, { partition: 2 });
    const found: string[] = [];
    const next = new Map([
      [0, await earliestOf(inlet, 0)],
      [1, await earliestOf(inlet, 1)],
      [2, second?.offset ?? 0],
    ]);
    while (found.length < 4) {
      const positions = Array.from(next, ([partition, offset]) => ({ partition, offset }));
      for (const read of await inlet.read({ positions, waitMs: 1_000, bytesMax }, AbortSignal.timeout(20_000))) {
        next.set(read.partition, read.next);
        found.push(...read.records.map(({ value }) => textOf(value)));
      }
    }
    assert.deepEqual(found.toSorted(), ['a0', 'a1', 'c1', 'c2']);
  });

  it('added partitions are listed and can be read', async ({ topic, inlet, read }) => {
    if (topic.addPartitions === undefined) return;
    await topicOf(inlet);
    await topic.addPartitions(1);
    // It may not have a leader yet.
    const count = () =>
      topicOf(inlet).then(
        ({ partitions }) => partitions.length,
        () => 0,
      );
    for (let found = 0; found !== 4; ) found = await count();
    await topic.produce(3, [plain('new')]);
    const [record] = await read(1, { partition: 3 });
    assert.equal(textOf(record?.value), 'new');
  });
}

function changes(it: (sentence: string, body: (subject: Subject) => Promise<void>) => void): void {
  it('a topic that is created anew has another id', async ({ topic, inlet, read }) => {
    if (topic.recreate === undefined) return;
    const { id } = await topicOf(inlet);
    await topic.produce(0, [plain('old')]);
    await topic.recreate();
    let found = id;
    while (found === id) {
      found = await topicOf(inlet).then(
        (told) => told.id,
        // It does not exist yet.
        () => id,
      );
    }
    await topic.produce(0, [plain('new')]);
    const [record] = await read(1);
    assert.equal(textOf(record?.value), 'new');
  });

  it('a partition begins after its deleted records', async ({ topic, inlet, read }) => {
    if (topic.deleteBefore === undefined) return;
    await topic.produce(0, ['a', 'b', 'c'].map(plain));
    const [, , third] = await read(3);
    await topic.deleteBefore(0, third?.offset ?? 0);
    const [first] = (await topicOf(inlet)).partitions;
    assert.equal(first?.earliest, third?.offset);
    const [left] = await read(1);
    assert.equal(textOf(left?.value), 'c');
  });
}

async function opened(inlet: Inlet): Promise<Inlet> {
  await inlet.open?.({ info: () => undefined, warn: () => undefined });
  return inlet;
}

function topicOf(inlet: Inlet) {
  return inlet.topic(AbortSignal.timeout(20_000));
}

async function earliestOf(inlet: Inlet, partition: number): Promise<number> {
  const found = (await topicOf(inlet)).partitions.find((one) => one.partition === partition);
  assert.ok(found !== undefined, `partition ${partition} is there`);
  return found.earliest;
}

async function readOf(inlet: Inlet, { partition, offset }: Place, count: number): Promise<InletRecord[]> {
  const signal = AbortSignal.timeout(20_000);
  const records: InletRecord[] = [];
  let next = offset;
  while (records.length < count) {
    const reads = await inlet.read({ positions: [{ partition, offset: next }], waitMs: 1_000, bytesMax }, signal);
    for (const read of reads) {
      records.push(...read.records);
      next = read.next;
    }
  }
  return records;
}

function plain(value: string): ContractRecord {
  return { value };
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}

function offsetsOf(records: readonly InletRecord[]): number[] {
  return records.map(({ offset }) => offset);
}

function numbersOf(partitions: readonly { readonly partition: number }[]): number[] {
  return partitions.map(({ partition }) => partition).toSorted((a, b) => a - b);
}
