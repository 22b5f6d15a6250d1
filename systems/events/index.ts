import type { Duration } from '../../src/index.ts';
import { durationUpTo, integerBetween, system } from '../../src/server/index.ts';
import { topicAddress } from '../shared/kafka-topic.ts';
import { eventsPipeline } from './pipeline.ts';
import { type EventProcessor, keepData } from './processor.ts';
import { addRoutes } from './routes.ts';
import { type EventStorage, tableStorage } from './storage.ts';
import { type EventValidator, eventValidator } from './validator.ts';

/** Replaceable parts. */
export interface EventsOptions {
  readonly validator?: EventValidator;
  readonly processor?: EventProcessor;
  readonly storage?: EventStorage;
  /** Maximum duration of an attempt to process an event. Default 30 s. */
  readonly timeout?: Duration;
}

const settings = {
  workers: {
    variable: 'WORKER_COUNT',
    meaning: 'maximum events processed at once',
    values: integerBetween(1, 10_000),
    otherwise: '10',
  },
  retries: {
    variable: 'MAX_RETRIES',
    meaning: 'maximum retries after a failed attempt',
    values: integerBetween(0, 100),
    otherwise: '3',
  },
  deduplicationWindow: {
    variable: 'DEDUPLICATION_WINDOW',
    meaning: 'how long event ids are remembered to detect duplicates',
    values: durationUpTo('8760h'),
    otherwise: '24h',
  },
  kafka: {
    variable: 'EVENTS_KAFKA',
    meaning: 'Kafka topic to read events from, in addition to POST requests',
    values: topicAddress,
  },
} as const;

/**
 * Returns the system with custom parts.
 *
 * ```ts
 * export default eventsSystem({ processor: async (event) => ({ ...event.data, weather: await weatherAt(event.data.place) }) });
 * ```
 */
export function eventsSystem({
  validator = eventValidator,
  processor = keepData,
  storage = tableStorage,
  timeout = '30s',
}: EventsOptions = {}) {
  return system({
    name: 'events',
    title: 'Events',
    description: 'Ingests user actions, sensor data and system logs, one by one or in batches, and stores the results of a processor.',
    settings,
    build: (configuration) => ({
      pipelines: [eventsPipeline({ validator, processor, storage, timeout, ...configuration })],
      routes: (app, mill) => addRoutes(app, mill, { validator, storage }),
    }),
  });
}

/** Ingests events over an API, with metrics. */
export const events = eventsSystem();
