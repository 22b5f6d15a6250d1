import { setImmediate } from 'node:timers/promises';

/** UTF-16 units of what was read from which on it is large: to parse it and to answer with it takes a millisecond and more. */
const largeFrom = 64 * 1024;

/**
 * Hands out what was read where it is large: one read in each turn of the event loop, in the order in which they ended, so that everything
 * else has its turn in between. What comes of a small read is handed out at once.
 */
export class LargeReads {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Resolves when it is the turn of a read of so many UTF-16 units; undefined for a small one. One whose caller has gone by then keeps no
   * other waiting.
   */
  turn(size: number, signal: AbortSignal): Promise<unknown> | undefined {
    if (size < largeFrom) return undefined;
    this.#last = this.#last.then(() => (signal.aborted ? undefined : setImmediate()));
    return this.#last;
  }
}
