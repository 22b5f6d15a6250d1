import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { Producer } from '@platformatic/kafka';
import * as z from 'zod';
import { KafkaServer, kafkaUser, withoutKafka } from '../../../test/kafka-server.ts';
import { until } from '../../../test/until.ts';
import { recordingLogger } from '../../engine/logger.fixture.test.ts';
import { type Mill, millrace } from '../../engine/mill.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { lettersOf } from '../../store/letters-of.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import type { Store } from '../../store/store.ts';
import { applied, stepsFrom } from './consumer.fixture.test.ts';
import { kafka } from './kafka.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-pipelines-'));
after(() => rmSync(folder, { recursive: true }));
const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

describe('pipelines on Kafka', { skip: withoutKafka }, () => {
  let server: KafkaServer;
  before(async () => {
    server = await KafkaServer.start();
  });
  after(() => server?.stop());

  /** Writes steps of keys `k0`, `k1` …, each to a partition of its own. */
  async function write(topic: string, { keys, from = 1, to }: { readonly keys: number; readonly from?: number; readonly to: number }) {
    const messages = upTo(to - from + 1).flatMap((_, at) =>
      Array.from({ length: keys }, (_, key) => ({
        topic,
        partition: key,
        value: Buffer.from(JSON.stringify({ key: `k${key}`, n: from + at })),
      })),
    );
    await server.clients.producer.send({ messages });
  }

  async function started(context: TestContext, store: Store, ...pipelines: readonly AnyPipeline[]) {
    const { log, lines } = recordingLogger();
    const mill = millrace({ store, pipelines, log }) as Mill;
    await mill.start();
    context.after(() => mill.stop());
    return { mill, lines };
  }

  async function rowsOf(mill: Mill, key: string, count: number): Promise<readonly number[]> {
    let rows: readonly { readonly n: number }[] = [];
    await until(async () => {
      rows = await mill.query(applied).selectAll().where('key', '=', key).orderBy('nth').execute();
      return rows.length >= count;
    });
    return rows.map(({ n }) => n);
  }

  test('a process that is killed again and again takes each record once', async (context) => {
    const topic = await server.createTopic({ partitions: 2 });
    const path = join(folder, 'killed.db');
    const program = join(import.meta.dirname, 'consumer.fixture.test.ts');
    await write(topic, { keys: 2, to: 1_000 });
    for (const _ of upTo(4)) {
      const child = fork(program, [server.address, topic, path]);
      await once(child, 'message');
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await write(topic, { keys: 2, from: 1_001, to: 1_100 });
    const { mill } = await started(context, sqlite(path), stepsFrom({ brokers: server.address, topic }));
    for (const key of ['k0', 'k1']) assert.deepEqual(await rowsOf(mill, key, 1_100), upTo(1_100));
    await until(() => mill.counts().steps?.sourceLag === 0);
  });

  test('after a broker was killed and restarted, reading continues from the offset in the store', async (context) => {
    const topic = await server.createTopic({ partitions: 1 });
    const { mill } = await started(context, memory(), stepsFrom({ brokers: server.address, topic }));
    await write(topic, { keys: 1, to: 10 });
    await rowsOf(mill, 'k0', 10);
    await server.kill();
    await until(() => JSON.stringify(mill.health()).includes('cannot be read'));
    await server.run();
    await write(topic, { keys: 1, from: 11, to: 20 });
    assert.deepEqual(await rowsOf(mill, 'k0', 20), upTo(20));
  });

  test('poison records become dead letters, and the partition continues', async (context) => {
    const topic = await server.createTopic();
    const send = (value: Buffer | null) => server.clients.producer.send({ messages: [{ topic, partition: 0, value: value as Buffer }] });
    await send(Buffer.from('no JSON'));
    await send(Buffer.from([0xff]));
    await send(Buffer.from('{"key":"k0"}'));
    await send(null);
    await send(Buffer.from(`{"key":"k0","n":1,"more":"${'x'.repeat(5_000_000)}"}`));
    await write(topic, { keys: 1, to: 1 });
    const { mill } = await started(context, memory(), stepsFrom({ brokers: server.address, topic }));
    assert.deepEqual(await rowsOf(mill, 'k0', 1), [1]);
    const origins = lettersOf('rejected', await mill.deadLetters()).map(({ record }) => JSON.parse(record));
    assert.deepEqual(
      origins.map(({ offset, source }) => [offset, source]),
      upTo(5).map((n) => [n - 1, `kafka:${topic}`]),
    );
  });

  test('the records of a transaction are read once it has committed, and never if it was aborted', async (context) => {
    const topic = await server.createTopic();
    const producer = new Producer({
      clientId: 'test',
      bootstrapBrokers: [server.address],
      transactionalId: 'test',
      idempotent: true,
      retryDelay: 50,
      retries: 100,
    });
    context.after(() => producer.close(true));
    for (const n of upTo(6)) {
      const transaction = await producer.beginTransaction();
      for (const part of [1, 2]) {
        const value = Buffer.from(JSON.stringify({ key: 'k0', n: 10 * n + part }));
        await transaction.send({ messages: [{ topic, partition: 0, value }] });
      }
      if (n % 3 === 0) await transaction.commit();
      else await transaction.abort();
    }
    const { mill } = await started(context, memory(), stepsFrom({ brokers: server.address, topic }));
    assert.deepEqual(await rowsOf(mill, 'k0', 4), [31, 32, 61, 62]);
    await until(() => mill.source('steps')?.partitions[0]?.lag === 0);
    assert.deepEqual(await rowsOf(mill, 'k0', 4), [31, 32, 61, 62]);
  });

  test('a failed sign-in ends nothing, and a successful one reads', async (context) => {
    const topic = await server.createTopic();
    await write(topic, { keys: 1, to: 3 });
    const brokers = server.signInAddress;
    const sasl = { mechanism: 'PLAIN', ...kafkaUser } as const;
    const store = memory();
    const wrong = await started(context, store, stepsFrom({ brokers, topic, sasl: { ...sasl, password: 'wrong' } }));
    await until(() => JSON.stringify(wrong.mill.health()).includes('cannot be read'));
    assert.match(JSON.stringify(wrong.mill.health()), /authentication/i);
    await wrong.mill.stop();
    const none = await started(context, store, stepsFrom({ brokers, topic }));
    await until(() => JSON.stringify(none.mill.health()).includes('cannot be read'));
    await none.mill.stop();
    const { mill } = await started(context, store, stepsFrom({ brokers, topic, sasl }));
    assert.deepEqual(await rowsOf(mill, 'k0', 3), upTo(3));
  });

  const Note = z.object({ key: z.string(), n: z.int() });

  /** A pipeline that delivers each of its events to a topic. */
  function notesTo(topic: string, options: Partial<Parameters<typeof kafka>[0]> = {}) {
    return pipeline('notes', {
      event: Note,
      key: ({ key }) => key,
      deliver: {
        out: {
          to: kafka({ brokers: server.address, topic, ...options }),
          order: 'key',
          concurrency: 200,
          retry: { attempts: 100, backoff: '50ms', maxBackoff: '200ms' },
        },
      },
      handle: (note, _state, turn) => turn.deliver('out', note),
    });
  }

  /** All records of a topic, by partition. */
  async function recordsOf(topic: string) {
    const reader = kafka({ brokers: server.address, topic });
    const signal = AbortSignal.timeout(60_000);
    try {
      const { partitions } = await reader.topic(signal);
      const records = await Promise.all(
        partitions.map(async ({ partition, earliest, end }) => {
          const found = [];
          for (let offset = earliest; offset < end; ) {
            const reads = await reader.read({ positions: [{ partition, offset }], waitMs: 1_000, bytesMax: 1_000_000 }, signal);
            for (const read of reads) {
              found.push(...read.records);
              offset = read.next;
            }
          }
          return found;
        }),
      );
      return records;
    } finally {
      await reader.close();
    }
  }

  test('deliveries arrive in order per key, at least once under their ids, although the broker is killed in the middle', async (context) => {
    const topic = await server.createTopic({ partitions: 3 });
    const { mill } = await started(context, memory(), notesTo(topic));
    const keys = upTo(50).map((key) => `key ${key}`);
    const ingestAll = async (from: number, to: number) => {
      for (const n of upTo(to).slice(from - 1))
        await mill.ingestBatch(
          'notes',
          keys.map((key) => ({ key, n })),
        );
    };
    await ingestAll(1, 10);
    await until(() => (mill.counts().notes?.delivered ?? 0) > 50);
    await server.kill();
    await ingestAll(11, 20);
    await server.run();
    await until(() => mill.counts().notes?.delivered === 1_000);
    const partitions = await recordsOf(topic);
    assert.ok(partitions.every((records) => records.length > 0));
    const records = partitions.flat();
    for (const key of keys) {
      const own = records.filter((record) => record.key?.toString() === key);
      const ids = own.map(({ headers }) => headers.find(({ name }) => name === 'millrace-delivery-id')?.value?.toString());
      // A repetition comes under the id of the first.
      const first = own.filter((_, at) => ids.indexOf(ids[at]) === at);
      assert.deepEqual(
        first.map(({ value }) => JSON.parse(String(value)).n),
        upTo(20),
      );
    }
    context.diagnostic(`${records.length - 1_000} of 1,000 deliveries were repeated`);
  });

  test('deliveries are CloudEvents if so declared, and keys go to the partitions that Java’s clients choose', async (context) => {
    const topic = await server.createTopic({ partitions: 3 });
    const out = pipeline('notes', {
      event: Note,
      key: ({ key }) => key,
      deliver: { out: { to: kafka({ brokers: server.address, topic, cloudEvents: { type: 'note' } }) } },
      handle: (note, _state, turn) => turn.deliver('out', note, { id: `note ${note.n}` }),
    });
    const into = pipeline('seen', {
      event: z.object({ id: z.string(), source: z.string(), type: z.string(), data: Note }),
      key: ({ data }) => data.key,
      state: z.object({ ids: z.array(z.string()) }),
      from: kafka({ brokers: server.address, topic, value: 'cloudevents' }),
      handle: ({ id, source, type }, state) => ({ ids: [...(state?.ids ?? []), `${id} ${source} ${type}`] }),
    });
    const { mill } = await started(context, memory(), out, into);
    await mill.ingest('notes', { key: 'a', n: 1 });
    await until(async () => (await mill.state('seen', 'a')) !== undefined);
    assert.deepEqual(await mill.state('seen', 'a'), { ids: ['note 1 /pipelines/notes note'] });
    for (const key of ['b', 'c', 'd', 'e']) await mill.ingest('notes', { key, n: key.charCodeAt(0) });
    await until(() => mill.counts().notes?.delivered === 5);
    const partitions = await recordsOf(topic);
    // By org.apache.kafka.common.utils.Utils.murmur2 of Kafka 4.3.
    const expected = new Map(Object.entries(javaPartitions));
    for (const [partition, records] of partitions.entries()) {
      for (const { key } of records) assert.equal(expected.get(String(key)), partition, String(key));
    }
  });
});

/** The partitions, out of three, that Java's default partitioner chooses for keys. */
const javaPartitions: Readonly<Record<string, number>> = { a: 1, b: 2, c: 1, d: 2, e: 2 };
