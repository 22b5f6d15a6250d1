import type { Turn } from '../../src/index.ts';
import type { Place } from './place.ts';
import type { Speech } from './speech.ts';
import type { Worker } from './worker.ts';

/** A worker speaks: its message and addressee, and the last message it had heard. */
export interface Spoken extends Speech, Pick<Worker, 'worker_listened' | 'message_listened'> {
  /** Undefined: the message is not from a play. */
  readonly place: Place | undefined;
}

/**
 * Called when a worker speaks, before that is on disk: after a crash, the messages of the last commit are reported again. It may return a
 * promise, and nothing is decided before that resolves.
 */
export type Observe = (spoken: Spoken, turn: Pick<Turn, 'log'>) => void | PromiseLike<void>;

/** The default: logs the sender and the receiver, and at debug also the message. */
export const logSpoken: Observe = ({ place: _, ...spoken }, turn) => {
  const { worker, destination_worker, worker_listened } = spoken;
  turn.log.info('spoke', { worker, destination_worker, worker_listened });
  turn.log.debug('said', spoken);
};
