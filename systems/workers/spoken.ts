import type { Turn } from '../../src/index.ts';
import type { Place } from './place.ts';
import type { Speech } from './speech.ts';
import type { Worker } from './worker.ts';

/** A worker speaks: what it says and to whom, and whom and what it had heard last. */
export interface Spoken extends Speech, Pick<Worker, 'worker_listened' | 'message_listened'> {
  /** Undefined: the message is not of a play. */
  readonly place: Place | undefined;
}

/**
 * Is told that a worker speaks, before that is on disk: after a crash, what the last commit would have held is told once
 * more. It may answer a promise, and nothing is decided before that resolves.
 */
export type Observe = (spoken: Spoken, turn: Pick<Turn, 'log'>) => void | PromiseLike<void>;

/** The default: who speaks to whom, and at debug what is said, too. */
export const logSpoken: Observe = ({ place: _, ...spoken }, turn) => {
  const { worker, destination_worker, worker_listened } = spoken;
  turn.log.info('spoke', { worker, destination_worker, worker_listened });
  turn.log.debug('said', spoken);
};
