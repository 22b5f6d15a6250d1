import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { Consumer } from '@platformatic/kafka';
import { KafkaServer, withoutKafka } from '../../../test/kafka-server.ts';
import type { OutgoingCall } from '../../pipeline/endpoint.ts';
import { kafka } from './kafka.ts';

function callOf(key: string, n: number): OutgoingCall {
  const facts = { pipeline: 'notes', endpoint: 'out', url: undefined, attempt: 1, askedAt: 0, traceparent: undefined };
  return { id: `${key}/${n}`, key, body: JSON.stringify({ key, n }), ...facts };
}

describe('deliveries to a topic', { skip: withoutKafka }, () => {
  let server: KafkaServer;
  before(async () => {
    server = await KafkaServer.start();
  });
  after(() => server?.stop());

  async function openTopic(context: TestContext, partitions = 1) {
    const name = await server.createTopic({ partitions });
    const topic = kafka({ brokers: server.address, topic: name });
    context.after(() => topic.close());
    return { name, topic };
  }

  test('are written in the order of the calls, in as many requests as they need', async (context) => {
    const { topic } = await openTopic(context, 3);
    const calls = Array.from({ length: 2_500 }, (_, at) => callOf(`key ${at % 7}`, at));
    const answers = await Promise.all(calls.map((call) => topic.call(call, AbortSignal.timeout(20_000))));
    const last = new Map<string, number>();
    for (const [at, answer] of answers.entries()) {
      assert.equal(answer.result, 'delivered');
      const { partition, offset } = (answer as { answer: { partition: number; offset: number } }).answer;
      const key = calls[at]?.key ?? '';
      assert.ok(offset > (last.get(key) ?? -1), `${key}: ${offset} behind ${last.get(key)}`);
      last.set(key, offset);
      const [read] =
        at % 500 === 0
          ? await topic.read({ positions: [{ partition, offset }], waitMs: 1_000, bytesMax: 100 }, AbortSignal.timeout(20_000))
          : [];
      if (read !== undefined) assert.equal(String(read.records[0]?.value), calls[at]?.body);
    }
  });

  test('are written by an idempotent producer, so the broker drops its repetitions after a lost answer', async (context) => {
    const { name, topic } = await openTopic(context);
    for (const n of [1, 2]) assert.equal((await topic.call(callOf('a', n), AbortSignal.timeout(20_000))).result, 'delivered');
    const consumer = new Consumer({ clientId: 'test', groupId: 'test', bootstrapBrokers: [server.address] });
    context.after(() => consumer.close(true));
    const found = (await consumer.metadata({ topics: [name] })).topics.get(name);
    const partitions = [{ partition: 0, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1, partitionMaxBytes: 1_000_000 }];
    const { responses } = await consumer.fetch({
      node: found?.partitions[0]?.leader ?? 1,
      topics: [{ topicId: found?.id ?? '', partitions }],
      maxWaitTime: 1_000,
      minBytes: 1,
    });
    const batches = responses.flatMap((response) => response.partitions).flatMap(({ records }) => records ?? []);
    assert.deepEqual(
      batches.map(({ firstSequence }) => firstSequence),
      [0, 1],
    );
    assert.equal(new Set(batches.map(({ producerId }) => producerId)).size, 1);
    assert.ok(batches.every(({ producerId }) => producerId >= 0n));
  });
});
