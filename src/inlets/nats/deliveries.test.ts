import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import * as z from 'zod';
import { NatsServer, withoutNats } from '../../../test/nats-server.ts';
import { until } from '../../../test/until.ts';
import { millrace } from '../../engine/mill.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { nats } from './nats.ts';

const keys = Array.from({ length: 20 }, (_, at) => `k${at}`);
const perKey = 25;

describe('deliveries to NATS', { skip: withoutNats }, () => {
  test('a server that is killed in the middle has all deliveries in the end, and those of a key in order', async (context) => {
    const server = await NatsServer.make(context, { start: false });
    const mill = await started(context, server.url);
    for (let n = 1; n <= perKey; n += 1) for (const key of keys) await mill.ingest('orders', { key, n });
    const delivered = () => mill.counts().orders?.delivered ?? 0;
    // The server was never there so far: whatever was called has failed.
    await until(() => (mill.counts().orders?.deliveryRetries ?? 0) > 0);
    await server.start();
    const { manager } = await server.visit(context);
    await manager.streams.add({ name: 'ORDERS', subjects: ['orders'] });
    for (const share of [0.2, 0.5, 0.8]) {
      await until(() => delivered() > share * keys.length * perKey);
      await server.kill();
      await server.start();
    }
    await until(() => delivered() === keys.length * perKey);
    await mill.stop();

    const messages = await ordersOf(context, server);
    for (const key of keys) {
      const numbers = messages.filter((message) => message.key === key).map(({ n }) => n);
      // A message whose acknowledgement was lost comes again, under its id: the server, which has lost nothing, keeps one of them.
      assert.deepEqual(
        numbers,
        Array.from({ length: perKey }, (_, at) => at + 1),
        `those of ${key}`,
      );
    }
  });
});

async function started(context: TestContext, servers: string) {
  const orders = pipeline('orders', {
    event: z.object({ key: z.string(), n: z.int() }),
    key: ({ key }) => key,
    deliver: {
      out: {
        to: nats({ servers, subject: 'orders' }),
        order: 'key',
        concurrency: 50,
        retry: { attempts: 100, backoff: '20ms', maxBackoff: '100ms' },
      },
    },
    handle: (order, _, turn) => turn.deliver('out', order),
  });
  const mill = await millrace({ store: memory(), pipelines: [orders] }).start();
  context.after(() => mill.stop());
  return mill;
}

async function ordersOf(context: TestContext, server: NatsServer) {
  const { manager } = await server.visit(context);
  const { state } = await manager.streams.info('ORDERS');
  const messages: { readonly key: string; readonly n: number }[] = [];
  for (let seq = 1; seq <= state.last_seq; seq += 1) {
    const message = await manager.streams.getMessage('ORDERS', { seq });
    if (message !== null) messages.push(message.json());
  }
  return messages;
}
