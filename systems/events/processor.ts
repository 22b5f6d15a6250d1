import type { Turn } from '../../src/index.ts';
import type { Event, JsonObject } from './validator.ts';

/** What a processor learns of its turn: the event's id, which attempt this is, a signal that aborts at the time-out, a log. */
type ProcessorTurn = Pick<Turn, 'id' | 'attempt' | 'acceptedAt' | 'now' | 'signal' | 'log'>;

/**
 * The second of the three seams: what is done with an event. Answers what is stored as `processed_data`. It is tried
 * again when it throws, rejects, or takes too long, so what it does elsewhere may happen more than once.
 */
export type EventProcessor = (event: Event, turn: ProcessorTurn) => JsonObject | PromiseLike<JsonObject>;

/** The default: the data as it is. */
export const keepData: EventProcessor = (event) => event.data;
