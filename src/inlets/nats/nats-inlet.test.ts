import { after, before, describe } from 'node:test';
import { type JetStreamManager, jetstream } from '@nats-io/jetstream';
import { headers as newHeaders } from '@nats-io/transport-node';
import { NatsServer, withoutNats } from '../../../test/nats-server.ts';
import { type ContractRecord, type ContractTopic, inletContract } from '../contract.ts';
import { nats } from './nats.ts';

describe('NATS JetStream', { skip: withoutNats }, () => {
  const ends: (() => unknown)[] = [];
  let server: NatsServer;
  let streams = 0;
  before(async () => {
    server = await NatsServer.make({ after: (end) => ends.push(end) });
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  inletContract('a stream', {
    partitions: 'one',
    keys: 'always',
    tombstones: 'empty',
    async create(): Promise<ContractTopic> {
      streams += 1;
      const [stream, subjects] = [`S${streams}`, ['k', 'none']];
      const { connection, manager } = await server.visit({ after: (end) => ends.push(end) });
      const add = (jsm: JetStreamManager) => jsm.streams.add({ name: stream, subjects });
      await add(manager);
      const client = jetstream(connection);
      return {
        inlet: (options = {}) => nats({ servers: server.url, stream, ...options }),
        async produce(_partition, records) {
          for (const record of records) {
            await client.publish(record.key || 'none', record.value ?? '', { headers: headersOf(record) });
          }
        },
        async recreate() {
          await manager.streams.delete(stream);
          await add(manager);
        },
        deleteBefore: async (_partition, offset) => void (await manager.streams.purge(stream, { seq: offset })),
        dispose: async () => void (await manager.streams.delete(stream)),
      };
    },
  });
});

/** Names of headers are ASCII there. */
function headersOf({ headers = {} }: ContractRecord) {
  const made = newHeaders();
  for (const [name, value] of Object.entries(headers)) if (/^[!-~]+$/.test(name)) made.set(name, value);
  return made;
}
