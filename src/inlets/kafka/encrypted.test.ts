import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import * as z from 'zod';
import { type Certificates, makeAuthority, makeCertificates } from '../../../test/certificates.ts';
import { KafkaServer, kafkaUser, withoutKafka } from '../../../test/kafka-server.ts';
import { until } from '../../../test/until.ts';
import { type Mill, millrace } from '../../engine/mill.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { kafka } from './kafka.ts';
import type { KafkaOptions } from './kafka-options.ts';

const Step = z.object({ key: z.string(), n: z.int() });

describe('a Kafka with encryption and sign-in', { skip: withoutKafka }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-encrypted-'));
  const sasl = { mechanism: 'PLAIN', ...kafkaUser } as const;
  let certificates: Certificates;
  let server: KafkaServer;
  before(async () => {
    certificates = makeCertificates(folder);
    server = await KafkaServer.start(certificates);
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  /** An engine that takes steps from one topic and delivers each to another one, over the same kind of connection. */
  async function started(context: TestContext, from: string, to: string, options: Partial<KafkaOptions>): Promise<Mill> {
    const connection = { brokers: server.encryptedAddress, ...options };
    const steps = pipeline('steps', {
      event: Step,
      key: ({ key }) => key,
      state: z.object({ ns: z.array(z.int()) }),
      from: kafka({ ...connection, topic: from }),
      deliver: { out: { to: kafka({ ...connection, topic: to }) } },
      handle(step, state, turn) {
        turn.deliver('out', step);
        return { ns: [...(state?.ns ?? []), step.n] };
      },
    });
    const mill = millrace({ store: memory(), pipelines: [steps] }) as Mill;
    await mill.start();
    context.after(() => mill.stop());
    return mill;
  }

  async function topics(): Promise<readonly [from: string, to: string]> {
    const [from, to] = [await server.createTopic(), await server.createTopic()];
    const messages = [1, 2, 3].map((n) => ({ topic: from, partition: 0, value: Buffer.from(JSON.stringify({ key: 'a', n })) }));
    await server.clients.producer.send({ messages });
    return [from, to];
  }

  const readTls = () => ({ ca: readFileSync(certificates.authority, 'utf8') });

  test('can be read and written by clients that trust its authority and sign in', async (context) => {
    const [from, to] = await topics();
    const mill = await started(context, from, to, { tls: readTls(), sasl });
    await until(() => mill.counts().steps?.delivered === 3);
    assert.deepEqual(await mill.state('steps', 'a'), { ns: [1, 2, 3] });
    const out = kafka({ brokers: server.address, topic: to });
    context.after(() => out.close());
    const { partitions } = await out.topic(AbortSignal.timeout(20_000));
    assert.equal(partitions[0]?.end, 3);
  });

  test('is not trusted by clients that trust another authority, or none', async (context) => {
    const [from, to] = await topics();
    for (const tls of [{ ca: readFileSync(makeAuthority(folder, 'other'), 'utf8') }, true]) {
      const mill = await started(context, from, to, { tls, sasl });
      await until(() => /cannot be read: .*certificate/i.test(JSON.stringify(mill.health().warnings)));
      assert.equal(mill.counts().steps?.received, 0);
    }
  });

  test('cannot be read with a wrong password, or without encryption', async (context) => {
    const [from, to] = await topics();
    const refused = async (options: Partial<KafkaOptions>) => {
      const mill = await started(context, from, to, options);
      await until(() => JSON.stringify(mill.health().warnings ?? []).includes('cannot be read'));
      assert.equal(mill.counts().steps?.received, 0);
      const said = JSON.stringify(mill.health());
      assert.ok(!said.includes('a wrong one'), 'no secret is told');
      return said;
    };
    assert.match(await refused({ tls: readTls(), sasl: { ...sasl, password: 'a wrong one' } }), /authentication/i);
    await refused({ sasl });
  });
});
