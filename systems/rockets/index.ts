import { system } from '../../src/server/index.ts';
import { topicAddress } from '../shared/kafka-topic.ts';
import { webhookSettings } from './explosions.ts';
import { rocketsPipeline } from './pipeline.ts';
import { addRoutes } from './routes.ts';

const settings = {
  ...webhookSettings,
  kafka: {
    variable: 'ROCKETS_KAFKA',
    meaning: 'Kafka topic to read messages from, in addition to POST requests',
    values: topicAddress,
  },
} as const;

/** The state of every rocket, from telemetry that arrives out of order and more than once. */
export const rockets = system({
  name: 'rockets',
  title: 'Rockets',
  description: 'The state of every rocket, from messages that arrive out of order and more than once.',
  port: 8088,
  settings,
  build: ({ kafka, ...webhook }) => ({ pipelines: [rocketsPipeline(webhook, kafka)], routes: addRoutes }),
});
