import { type KafkaTopic, kafka } from '../../src/index.ts';
import type { Values } from '../../src/server/index.ts';

/** A topic of Kafka that a system may take its events from. */
export interface TopicAddress {
  readonly brokers: string;
  readonly topic: string;
}

/** What a setting says that names a topic: its brokers, a slash, and its name. */
export const topicAddress: Values<TopicAddress> = {
  accepts: 'brokers and a topic, such as localhost:9092/orders',
  read: (text) => {
    const { brokers, topic } = /^(?<brokers>[^/\s]+:\d+)\/(?<topic>[\w.-]{1,249})$/.exec(text)?.groups ?? {};
    return brokers === undefined || topic === undefined ? undefined : { brokers, topic };
  },
};

/** The option of a pipeline that takes its events from a topic, where there is one. */
export function fromTopic(address: TopicAddress | undefined): { readonly from?: KafkaTopic } {
  return address === undefined ? {} : { from: kafka(address) };
}
