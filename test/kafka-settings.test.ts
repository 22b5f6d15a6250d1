import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KafkaServer, withoutKafka } from './kafka-server.ts';
import { Program, temporaryFolder } from './program.ts';
import { until } from './until.ts';

const channel = '193270a9-c9cf-404a-8f83-838e71d9ae67';

describe('systems that read from a topic by a setting', { skip: withoutKafka }, () => {
  let server: KafkaServer;
  before(async () => {
    server = await KafkaServer.start();
  });
  after(() => server?.stop());

  async function topicOf(values: readonly unknown[]): Promise<string> {
    const topic = await server.createTopic({ partitions: 2 });
    const messages = values.map((value) => ({ topic, partition: 1, value: Buffer.from(JSON.stringify(value)) }));
    await server.clients.producer.send({ messages });
    return `${server.address}/${topic}`;
  }

  async function read(url: string): Promise<unknown> {
    const answer = await fetch(url);
    return answer.status === 200 ? answer.json() : undefined;
  }

  test('ROCKETS_KAFKA: messages from the topic and POSTed ones share one log', async (context) => {
    const metadata = { channel, messageNumber: 1, messageTime: '2022-02-02T19:39:05.86337+01:00', messageType: 'RocketLaunched' };
    const launch = { metadata, message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' } };
    const faster = (messageNumber: number) => ({
      metadata: { ...metadata, messageNumber, messageType: 'RocketSpeedIncreased' },
      message: { by: 100 },
    });
    // The topic repeats the launch, as a producer may, and the second message arrives another way.
    const address = await topicOf([launch, launch, faster(3)]);
    const words = ['serve', 'rockets', '--port', '0', '--database', './rockets.db'];
    const program = new Program(context, words, { folder: temporaryFolder(context), environment: { ROCKETS_KAFKA: address } });
    const url = await program.listening();
    const posted = await fetch(`${url}/messages`, { method: 'POST', body: JSON.stringify(faster(2)) });
    assert.equal(posted.status, 202);
    let rocket: unknown;
    await until(async () => {
      rocket = await read(`${url}/rockets/${channel}`);
      return Object(rocket).speed === 700;
    });
    assert.equal(Object(rocket).mission, 'ARTEMIS');
    const { source } = Object(await read(`${url}/pipelines/rockets`));
    assert.deepEqual([source.name, source.partitions.length], [`kafka:${address.split('/')[1]}`, 2]);
    await until(async () => Object(await read(`${url}/pipelines/rockets`)).source.partitions[1].next === 3);
  });

  test('EVENTS_KAFKA: events from the topic are processed', async (context) => {
    const address = await topicOf([1, 2, 3].map((n) => ({ type: 'sensor_data', source: 'iot_device', data: { n } })));
    const words = ['serve', 'events', '--port', '0', '--database', './events.db'];
    const program = new Program(context, words, { folder: temporaryFolder(context), environment: { EVENTS_KAFKA: address } });
    const url = await program.listening();
    await until(async () => Object(await read(`${url}/metrics`)).events_processed === 3);
  });

  test('a setting that names no topic ends the start, with the accepted form', async (context) => {
    const environment = { ROCKETS_KAFKA: 'localhost:9092' };
    const words = ['serve', 'rockets', '--port', '0', '--database', './rockets.db'];
    const { code, stderr } = await new Program(context, words, { folder: temporaryFolder(context), environment }).ended;
    assert.notEqual(code, 0);
    assert.match(stderr, /ROCKETS_KAFKA: expected brokers and a topic, such as localhost:9092\/orders/);
  });
});
