import { MillraceError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { LargeReads } from './large-reads.ts';
import type { Limits } from './limits.ts';

/** The limits of a read from outside. */
export interface ReadOptions {
  /** Ends the read once the caller has gone, as a route's `signalOf(reply)` reports. */
  readonly signal?: AbortSignal | undefined;
  /** Maximum time for the store, in milliseconds. Default `limits.readTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /**
   * Ends a list with the item that brings the total length of its texts to this many UTF-16 units, or with the second item: for a list
   * shown page by page through `pageOf`. See {@link isCutShort}.
   */
  readonly charactersMax?: number | undefined;
}

interface ReadsMeans {
  readonly clock: Pick<Clock, 'after'>;
  readonly limits: Pick<Limits, 'reads' | 'readTimeoutMs'>;
}

/** The wait before a retry if there are too many reads. */
const retryAfterMs = 1_000;

/**
 * The reads of callers outside the engine (promise 7): limited in number and time, and none for a caller that has gone. The store keeps
 * them apart from the engine's own.
 */
export class Reads {
  readonly #means: ReadsMeans;
  readonly #large = new LargeReads();
  #underWay = 0;

  constructor(means: ReadsMeans) {
    this.#means = means;
  }

  /**
   * Runs a read, which must end once its signal is aborted; nobody waits for it then. Throws `MILL_READS_FULL`, `MILL_READ_TIMEOUT`, and
   * `MILL_READ_CANCELLED` once the caller's own signal is aborted.
   *
   * @param sizeOf the size of the result in UTF-16 units, which determines the caller's work: see {@link LargeReads}
   */
  async run<T>(
    { signal, timeoutMs = this.#means.limits.readTimeoutMs }: ReadOptions,
    read: (signal: AbortSignal) => Promise<T>,
    sizeOf: (found: T) => number,
  ): Promise<T> {
    const { clock, limits } = this.#means;
    if (signal?.aborted === true) throw cancelled(signal);
    if (this.#underWay >= limits.reads) {
      throw new MillraceError('MILL_READS_FULL', `${limits.reads} reads are already under way; try again later`, { retryAfterMs });
    }
    const controller = new AbortController();
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const end = (error: MillraceError) => {
      reject(error);
      controller.abort(error);
    };
    const gone = () => end(cancelled(signal));
    signal?.addEventListener('abort', gone, { once: true });
    const disarm = clock.after(timeoutMs, () => end(tooLong(timeoutMs)));
    this.#underWay += 1;
    try {
      const found = await Promise.race([read(controller.signal), ended]);
      const turn = this.#large.turn(sizeOf(found), controller.signal);
      if (turn !== undefined) await Promise.race([turn, ended]);
      return found;
    } finally {
      this.#underWay -= 1;
      disarm();
      signal?.removeEventListener('abort', gone);
    }
  }
}

function tooLong(timeoutMs: number): MillraceError {
  return new MillraceError('MILL_READ_TIMEOUT', `the read took longer than ${timeoutMs} ms and was ended`, {
    retryAfterMs,
  });
}

function cancelled(signal: AbortSignal | undefined): MillraceError {
  return new MillraceError('MILL_READ_CANCELLED', "the read's signal was aborted", { cause: signal?.reason });
}
