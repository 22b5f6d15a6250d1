import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { DiscardPolicy, type StreamConfig } from '@nats-io/jetstream';
import { NatsServer, type NatsVisit, withoutNats } from '../../../test/nats-server.ts';
import type { OutgoingCall, Transport } from '../../pipeline/endpoint.ts';
import type { NatsDeliveryOptions } from './delivery-options.ts';
import { nats } from './nats.ts';

const call: OutgoingCall = {
  ...{ id: 'd1', pipeline: 'orders', endpoint: 'out', key: 'a', body: '{"n":1}', url: undefined, attempt: 1, askedAt: 0 },
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};
const { signal } = new AbortController();

describe('a transport to NATS', { skip: withoutNats }, () => {
  test('a delivery is a message under its id, once within the duplicate window', async (context) => {
    const { out, stored } = await endpoint(context);
    assert.deepEqual(await out.call(call, signal), {
      result: 'delivered',
      answer: { stream: 'ORDERS', sequence: 1, duplicate: false },
    });
    assert.deepEqual(await out.call({ ...call, attempt: 2 }, signal), {
      result: 'delivered',
      answer: { stream: 'ORDERS', sequence: 1, duplicate: true },
    });
    assert.deepEqual(await stored(), [
      {
        subject: 'orders.paid',
        body: '{"n":1}',
        headers: { 'Nats-Msg-Id': 'd1', 'content-type': 'application/json', traceparent: call.traceparent },
      },
    ]);
  });

  test('a function may name the subject, and an invalid one is refused', async (context) => {
    const { out, stored } = await endpoint(context, { options: { subject: ({ key }) => `orders.${key}` } });
    await out.call(call, signal);
    const refused = await out.call({ ...call, key: 'b.*' }, signal);
    assert.deepEqual(refused, {
      result: 'refused',
      reason: 'subject: expected a subject such as orders.paid, without wildcards and spaces, found "orders.b.*"',
    });
    assert.deepEqual(
      (await stored()).map(({ subject }) => subject),
      ['orders.a'],
    );
  });

  test('a delivery is a CloudEvent with its attributes in the headers or in the body', async (context) => {
    const cloudEvents = { source: '/shop', type: 'order.paid' };
    const { out, server, stored } = await endpoint(context, { options: { cloudEvents, headers: { 'x-team': 'b' } } });
    await out.call({ ...call, key: 'ä 1' }, signal);
    const structured = transport(context, server, { cloudEvents: { ...cloudEvents, mode: 'structured' } });
    await structured.call({ ...call, id: 'd2', traceparent: undefined }, signal);
    const [binary, whole] = await stored();
    assert.deepEqual(binary, {
      subject: 'orders.paid',
      body: '{"n":1}',
      headers: {
        ...{ 'Nats-Msg-Id': 'd1', 'content-type': 'application/json', 'x-team': 'b' },
        ...{ 'ce-specversion': '1.0', 'ce-id': 'd1', 'ce-source': '/shop', 'ce-type': 'order.paid', 'ce-subject': '%C3%A4%201' },
        ...{ 'ce-time': '1970-01-01T00:00:00.000Z', 'ce-traceparent': call.traceparent, traceparent: call.traceparent },
      },
    });
    assert.deepEqual(whole?.headers, { 'Nats-Msg-Id': 'd2', 'content-type': 'application/cloudevents+json' });
    assert.deepEqual(JSON.parse(whole?.body ?? ''), {
      ...{ specversion: '1.0', id: 'd2', source: '/shop', type: 'order.paid', subject: 'a', time: '1970-01-01T00:00:00.000Z' },
      ...{ datacontenttype: 'application/json', data: { n: 1 } },
    });
  });

  test('a subject without a stream is a failure that says so', async (context) => {
    const { out } = await endpoint(context, { options: { subject: 'nobody' } });
    assert.deepEqual(await out.call(call, signal), {
      result: 'failed',
      reason: 'no stream takes messages of the subject nobody: create a stream that has it, or enable JetStream for this account',
    });
  });

  test('a message that the server or the stream will never accept is refused', async (context) => {
    const { out } = await endpoint(context, { settings: 'max_payload: 4000', stream: { max_msg_size: 2_000 } });
    for (const length of [3_000, 5_000]) {
      const { result } = await out.call({ ...call, body: JSON.stringify('x'.repeat(length)) }, signal);
      assert.equal(result, 'refused', `${length} bytes`);
    }
    assert.equal((await out.call({ ...call, id: 'a\nb' }, signal)).result, 'refused');
  });

  test('a stream that is full fails the delivery until there is room', async (context) => {
    const { out, visit } = await endpoint(context, { stream: { max_msgs: 1, discard: DiscardPolicy.New } });
    await out.call(call, signal);
    assert.deepEqual(await out.call({ ...call, id: 'd2' }, signal), {
      result: 'failed',
      reason: 'the stream took no message of the subject orders.paid: maximum messages exceeded',
    });
    await visit.manager.streams.purge('ORDERS');
    assert.equal((await out.call({ ...call, id: 'd2' }, signal)).result, 'delivered');
  });

  test('the stream of the subject must be the named one', async (context) => {
    const { out } = await endpoint(context, { options: { stream: 'OTHER' } });
    assert.deepEqual(await out.call(call, signal), {
      result: 'failed',
      reason: 'the stream took no message of the subject orders.paid: expected stream does not match',
    });
  });

  test('while the server is down deliveries fail at once, and they succeed once it is back', async (context) => {
    const { out, server } = await endpoint(context);
    await out.call(call, signal);
    await server.kill();
    const answer = await out.call({ ...call, id: 'd2' }, signal);
    assert.ok(answer.result === 'failed' && answer.isUnanswered, JSON.stringify(answer));
    assert.match(answer.reason, /^no server of NATS answers: /);
    await server.start();
    assert.equal((await out.call({ ...call, id: 'd2' }, signal)).result, 'delivered');
  });
});

interface Endpoint {
  readonly server: NatsServer;
  readonly visit: NatsVisit;
  readonly out: Transport;
  /** The messages of the stream, in order. */
  stored(): Promise<readonly StoredMessage[]>;
}

interface StoredMessage {
  readonly subject: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function endpoint(
  context: TestContext,
  {
    options,
    stream,
    ...server
  }: {
    readonly options?: Partial<NatsDeliveryOptions>;
    readonly stream?: Partial<StreamConfig>;
    readonly settings?: string;
  } = {},
): Promise<Endpoint> {
  const made = await NatsServer.make(context, server);
  const visit = await made.visit(context);
  await visit.manager.streams.add({ name: 'ORDERS', subjects: ['orders.>'], allow_direct: true, ...stream });
  return { server: made, visit, out: transport(context, made, options), stored: () => storedMessages(visit) };
}

function transport(context: TestContext, server: NatsServer, options: Partial<NatsDeliveryOptions> = {}): Transport {
  const out = nats({ servers: server.url, subject: 'orders.paid', ...options });
  context.after(() => out.close?.());
  return out;
}

async function storedMessages({ manager }: NatsVisit): Promise<readonly StoredMessage[]> {
  const { state } = await manager.streams.info('ORDERS');
  const messages: StoredMessage[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await manager.streams.getMessage('ORDERS', { seq });
    if (message === null) continue;
    const headers = Object.fromEntries(Array.from(message.header, ([name, [value = '']]) => [name, value]));
    messages.push({ subject: message.subject, body: message.string(), headers });
  }
  return messages;
}
