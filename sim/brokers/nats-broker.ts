import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { nats } from '../../src/inlets/nats/nats.ts';
import { NatsServer } from '../../test/nats-server.ts';
import { until } from '../../test/until.ts';
import type { Broker, BrokerOptions } from './broker.ts';
import { endsOf, readAll } from './read-all.ts';

/** Time limit for the acknowledgement of a message, in milliseconds. */
const acknowledgedMsMax = 5_000;

/** A stream is a single partition, so it ignores the other partitions. */
export async function startNats({ nodes }: BrokerOptions): Promise<Broker> {
  const ends: (() => unknown)[] = [];
  const lifetime = { after: (end: () => unknown) => void ends.push(end) };
  const servers = nodes === 1 ? [await NatsServer.make(lifetime)] : await NatsServer.makeCluster(lifetime, nodes);
  const urls = servers.map(({ url }) => url);
  const connection = await connect({ servers: urls, maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  const manager = await jetstreamManager(connection, { checkAPI: false });
  for (const [name, subject] of Object.entries({ STEPS: 'steps', OUT: 'out' })) {
    const config = { name, subjects: [subject], storage: StorageType.File, num_replicas: nodes };
    // The servers of a cluster must find one another first.
    await until(() =>
      manager.streams.add(config).then(
        () => true,
        () => false,
      ),
    );
  }
  const client = jetstream(connection);
  const topics = ['STEPS', 'OUT'].map((stream) => nats({ servers: urls, stream })) as [Nats, Nats];
  const [steps, out] = topics;
  return {
    nodes,
    environment: { BROKERS_KIND: 'nats', BROKERS_SERVERS: urls.join(',') },
    source: steps.name,
    async write(all) {
      // All at once: each step is of a different key.
      const written = all.map(({ key, n }) => client.publish('steps', JSON.stringify({ key, n }), { timeout: acknowledgedMsMax }));
      const failed = (await Promise.allSettled(written)).find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    },
    async kill(node) {
      await servers[node]?.kill();
    },
    async run(node) {
      await servers[node]?.start();
    },
    ends: () => endsOf(steps),
    steps: () => readAll(steps),
    delivered: () => readAll(out),
    async stop() {
      await Promise.all([connection.close(), ...topics.map((topic) => topic.close?.())]);
      for (const end of ends.toReversed()) await end();
    },
  };
}

type Nats = ReturnType<typeof nats>;
