import { Producer } from '@platformatic/kafka';
import { kafka } from '../../src/inlets/kafka/kafka.ts';
import { KafkaServer } from '../../test/kafka-server.ts';
import type { Broker, BrokerOptions } from './broker.ts';
import { endsOf, readAll } from './read-all.ts';

/** Longest downtime of a killed server. */
const producing = { acks: -1, retries: 3, retryDelay: 300, connectTimeout: 2_000, requestTimeout: 5_000, timeout: 5_000 };

export async function startKafka({ nodes, partitions }: BrokerOptions): Promise<Broker> {
  const servers = await KafkaServer.startCluster(nodes);
  const addresses = servers.map(({ address }) => address);
  const [first] = servers as [KafkaServer, ...KafkaServer[]];
  await first.createNamed('steps', { partitions });
  await first.createNamed('out', { partitions });
  const producer = new Producer({ clientId: 'trial', bootstrapBrokers: addresses, ...producing });
  // The caller learns of a failure from the call itself.
  producer.connections.on('connecting', ({ connection }: { readonly connection: NodeJS.EventEmitter }) =>
    connection.on('error', () => undefined),
  );
  const topics = ['steps', 'out'].map((topic) => kafka({ brokers: addresses, topic })) as [Kafka, Kafka];
  const [steps, out] = topics;
  return {
    nodes,
    environment: { BROKERS_KIND: 'kafka', BROKERS_SERVERS: addresses.join(',') },
    source: steps.name,
    async write(all) {
      const messages = all.map(({ key, n, partition }) => ({
        topic: 'steps',
        partition,
        key: Buffer.from(key),
        value: Buffer.from(JSON.stringify({ key, n })),
      }));
      await producer.send({ messages });
    },
    async kill(node) {
      await servers[node]?.kill();
    },
    async run(node) {
      await servers[node]?.run();
    },
    ends: () => endsOf(steps),
    steps: () => readAll(steps),
    delivered: () => readAll(out),
    async stop() {
      await Promise.all([producer.close(true), ...topics.map((topic) => topic.close())]);
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

type Kafka = ReturnType<typeof kafka>;
