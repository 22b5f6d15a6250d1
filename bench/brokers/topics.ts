import type { KafkaServer } from '../../test/kafka-server.ts';
import { EventStream } from '../work/event.ts';

const batch = 2_000;

/** A topic with the events of the work, from 0 on; the producer chooses partitions by key. */
export interface FilledTopic {
  readonly topic: string;
  readonly events: number;
}

/** Makes a topic, and writes this many events to it. */
export async function fillTopic(
  server: KafkaServer,
  { events, keys, partitions }: { readonly events: number; readonly keys: number; readonly partitions: number },
): Promise<FilledTopic> {
  const topic = await server.createTopic({ partitions });
  const stream = new EventStream({ seed: 1, keys, sender: 0, senders: 1 });
  for (let left = events; left > 0; left -= batch) {
    const messages = stream.take(Math.min(batch, left)).map((event) => ({
      topic,
      key: Buffer.from(event.key),
      value: Buffer.from(JSON.stringify(event)),
    }));
    await server.clients.producer.send({ messages });
  }
  return { topic, events };
}
