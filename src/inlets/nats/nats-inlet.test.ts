import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
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

describe('a stream that changes while it is read', { skip: withoutNats }, () => {
  test('is not read when it was created anew, until its topic is asked for again', async (context) => {
    const { manager, inlet, publish, create, read } = await changing(context);
    await publish(3);
    await read(1);
    await manager.streams.delete('CHANGES');
    await create();
    await publish(6);
    await assert.rejects(read(4), /expected the one created at/);
    await inlet.topic(AbortSignal.timeout(20_000));
    assert.deepEqual(await read(4), [4, 5, 6]);
  });

  test('is read on after the server has lost the consumer', async (context) => {
    const { manager, publish, read } = await changing(context);
    await publish(2);
    assert.deepEqual(await read(1), [1, 2]);
    for await (const { name } of manager.consumers.list('CHANGES')) await manager.consumers.delete('CHANGES', name);
    await publish(1);
    assert.deepEqual(await read(3), [3]);
  });

  test('is not read past messages that its limits removed, but past individually deleted ones', async (context) => {
    const { manager, publish, read } = await changing(context);
    await publish(6);
    assert.deepEqual(await read(1), [1, 2, 3, 4, 5, 6]);
    await publish(6);
    await manager.streams.deleteMessage('CHANGES', 8);
    assert.deepEqual(await read(7), [7, 9, 10, 11, 12]);
    await publish(3);
    await manager.streams.purge('CHANGES', { seq: 15 });
    await assert.rejects(read(13), /messages from 13 on have gone before they were read/);
  });

  test('does not seem to end before the position that another process has reached', async (context) => {
    const { manager, inlet, publish, read } = await changing(context);
    const endOf = async () => (await inlet.topic(AbortSignal.timeout(20_000))).partitions[0]?.end;
    await publish(1);
    assert.deepEqual(await read(1), [1]);
    await publish(4);
    for (const sequence of [2, 3, 4]) await manager.streams.deleteMessage('CHANGES', sequence);
    // The other one has read the fifth message.
    assert.equal(await endOf(), 6);
    assert.deepEqual(await read(2), [5]);
    await publish(2);
    for (const sequence of [6, 7]) await manager.streams.deleteMessage('CHANGES', sequence);
    assert.equal(await endOf(), 6);
  });
});

async function changing(context: TestContext) {
  const server = await NatsServer.make(context);
  const { connection, manager } = await server.visit(context);
  const create = () => manager.streams.add({ name: 'CHANGES', subjects: ['changes'] });
  await create();
  const inlet = nats({ servers: server.url, stream: 'CHANGES' });
  context.after(() => inlet.close?.());
  return {
    manager,
    inlet,
    create,
    async publish(count: number) {
      for (let n = 0; n < count; n += 1) await jetstream(connection).publish('changes', '');
    },
    /** The sequences of the messages from one on. */
    async read(from: number) {
      const request = { positions: [{ partition: 0, offset: from }], waitMs: 1_000, bytesMax: 100_000 };
      const [read] = await inlet.read(request, AbortSignal.timeout(20_000));
      return read?.records.map(({ offset }) => offset);
    },
  };
}

/** Names of headers are ASCII there. */
function headersOf({ headers = {} }: ContractRecord) {
  const made = newHeaders();
  for (const [name, value] of Object.entries(headers)) if (/^[!-~]+$/.test(name)) made.set(name, value);
  return made;
}
