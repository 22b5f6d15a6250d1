import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { KafkaServer, withoutKafka } from '../../../test/kafka-server.ts';
import { until } from '../../../test/until.ts';
import { inletContract } from '../contract.ts';
import { kafka } from './kafka.ts';

describe('a topic of Kafka', { skip: withoutKafka }, () => {
  let server: KafkaServer;
  before(async () => {
    server = await KafkaServer.start();
  });
  after(() => server?.stop());

  inletContract('kafka', {
    partitions: 'many',
    async create({ partitions }) {
      const { admin, producer } = server.clients;
      const topic = await server.createTopic({ partitions });
      return {
        inlet: () => kafka({ brokers: server.address, topic }),
        async produce(partition, records) {
          const bytes = (text: string | Uint8Array | null | undefined) => (typeof text === 'string' ? Buffer.from(text) : text);
          const messages = records.map(({ key, value, headers = {} }) => ({
            topic,
            partition,
            // The producer's types know no tombstone, and it writes one.
            value: bytes(value) as Buffer,
            ...(key !== undefined && key !== null && { key: Buffer.from(key) }),
            headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
          }));
          await producer.send({ messages });
        },
        async addPartitions(count) {
          await admin.createPartitions({ topics: [{ name: topic, count: partitions + count, assignments: [{ brokerIds: [1] }] }] });
          producer.clearMetadata();
        },
        async recreate() {
          await admin.deleteTopics({ topics: [topic] });
          let isThere = false;
          await until(async () => {
            if (!isThere)
              await server.createNamed(topic, { partitions }).then(
                () => {
                  isThere = true;
                },
                () => undefined,
              );
            return isThere;
          });
          producer.clearMetadata();
        },
        async deleteBefore(partition, offset) {
          const deleted = await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: BigInt(offset) }] }] });
          assert.equal(deleted[0]?.partitions[0]?.lowWatermark, BigInt(offset));
        },
        async dispose() {
          await admin.deleteTopics({ topics: [topic] });
        },
      };
    },
  });
});
