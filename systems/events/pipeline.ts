import { v5 as uuidOf } from 'uuid';
import { type Duration, pipeline } from '../../src/index.ts';
import { fromTopic, type TopicAddress } from '../shared/kafka-topic.ts';
import { isPromiseLike } from '../shared/promise-like.ts';
import { toUtc } from '../shared/timestamp.ts';
import type { EventProcessor } from './processor.ts';
import { type EventStorage, rowIdLengthMax } from './storage.ts';
import type { Event, EventValidator, JsonObject } from './validator.ts';

export const pipelineName = 'events';

/** The parts of the pipeline. */
export interface EventsPipelineOptions {
  readonly validator: EventValidator;
  readonly processor: EventProcessor;
  readonly storage: EventStorage;
  /** Maximum concurrent asynchronous processors. */
  readonly workers: number;
  /** Attempts after the first. */
  readonly retries: number;
  readonly deduplicationWindow: Duration;
  /** Maximum duration of an attempt. */
  readonly timeout: Duration;
  /** The topic to read events from. */
  readonly kafka?: TopicAddress | undefined;
}

/** Ingests events and writes rows. Every event is its own key: none waits for another, and a permanently failed event blocks nothing. */
export function eventsPipeline({ validator, processor, storage, workers, retries, kafka, ...times }: EventsPipelineOptions) {
  return pipeline(pipelineName, {
    event: validator,
    id: (event) => event.id,
    tables: storage.tables,
    retry: { attempts: retries + 1 },
    onGiveUp: 'skip',
    concurrency: workers,
    ...times,
    ...fromTopic(kafka),
    handle(event, _state, turn) {
      const startedAt = performance.now();
      const save = (processed: JsonObject) => {
        const elapsedMs = performance.now() - startedAt;
        storage.save(turn, {
          id: rowIdOf(turn.id),
          ...described(event, turn.acceptedAt),
          processed_data: processed,
          processing_time_ms: Math.round(elapsedMs * 1000) / 1000,
          processed_at: new Date(turn.now + elapsedMs).toISOString(),
        });
      };
      const processed = processor(event, turn);
      // A synchronous result is saved at once: only processors that wait occupy a worker.
      return isPromiseLike(processed) ? processed.then(save) : save(processed);
    },
  });
}

/** The namespace for row ids (RFC 9562, section 5.5). */
const rowIds = '8f2c4d1e-6b0a-4c57-9d3e-1a7b52f0c9e4';

/**
 * Returns the id of an event's row. The system's own route accepts only UUIDs; an event from the engine's route, or the inbox, may have an
 * id too long for the column, and its row gets a UUID derived from it.
 */
function rowIdOf(id: string): string {
  return id.length <= rowIdLengthMax ? id : uuidOf(id, rowIds);
}

function described({ type, source, user_id, timestamp }: Event, acceptedAt: number) {
  const created_at = timestamp === undefined ? new Date(acceptedAt).toISOString() : toUtc(timestamp);
  return { type, source, user_id: user_id ?? null, created_at };
}
