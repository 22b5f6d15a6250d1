import { setImmediate } from 'node:timers/promises';

/** Size from which a read counts as large, in UTF-16 units: parsing and answering it takes a millisecond or more. */
const largeFrom = 64 * 1024;

/**
 * Hands out large results one per turn of the event loop, in order of completion, so that everything else runs in between. Small results
 * are handed out at once.
 */
export class LargeReads {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Resolves when a read of this size, in UTF-16 units, may proceed; undefined for a small one. A read whose caller has gone by then delays
   * no other.
   */
  turn(size: number, signal: AbortSignal): Promise<unknown> | undefined {
    if (size < largeFrom) return undefined;
    this.#last = this.#last.then(() => (signal.aborted ? undefined : setImmediate()));
    return this.#last;
  }
}
