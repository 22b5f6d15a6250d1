import { type KafkaTopic, kafka } from '../../src/index.ts';
import type { Values } from '../../src/server/index.ts';

/** A Kafka topic from which a system may read its events. */
export interface TopicAddress {
  readonly brokers: string;
  readonly topic: string;
}

/** The form of a topic setting: its brokers, a slash, and its name. */
export const topicAddress: Values<TopicAddress> = {
  accepts: 'brokers and a topic, such as localhost:9092/orders',
  read: (text) => {
    const { brokers, topic } = /^(?<brokers>[^/\s]+:\d+)\/(?<topic>[\w.-]{1,249})$/.exec(text)?.groups ?? {};
    return brokers === undefined || topic === undefined ? undefined : { brokers, topic };
  },
};

/** Returns the pipeline option for reading events from a topic, if there is one. */
export function fromTopic(address: TopicAddress | undefined): { readonly from?: KafkaTopic } {
  return address === undefined ? {} : { from: kafka(address) };
}
