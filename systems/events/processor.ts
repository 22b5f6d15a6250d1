import type { Turn } from '../../src/index.ts';
import type { Event, JsonObject } from './validator.ts';

/** A processor's view of its turn: the event's id, the attempt's number, a signal that aborts at the time-out, a log. */
type ProcessorTurn = Pick<Turn, 'id' | 'attempt' | 'acceptedAt' | 'now' | 'signal' | 'log'>;

/**
 * The second of the three seams: processes an event. Returns the value stored as `processed_data`. It is retried when it throws, rejects,
 * or takes too long, so its external effects may happen more than once.
 */
export type EventProcessor = (event: Event, turn: ProcessorTurn) => JsonObject | PromiseLike<JsonObject>;

/** The default: the data unchanged. */
export const keepData: EventProcessor = (event) => event.data;
