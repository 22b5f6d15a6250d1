import type { MillraceError } from '../errors.ts';
import type { Clock } from './clock.ts';

/** Interval between reports of the same failure. In milliseconds. */
const newsAgainMs = 60_000;
/** Maximum failures remembered; more than one store has at a time. */
const rememberedMax = 100;

/** Lets a failure of the store that affects all partitions be reported once, not by each of them. */
export class FailuresInCommon {
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  /** The times at which each was last reported, in elapsed time, oldest first. */
  readonly #newsAt = new Map<string, number>();

  constructor(clock: Pick<Clock, 'elapsedMs'>) {
    this.#clock = clock;
  }

  /**
   * Returns whether no partition has met the same failure within the last minute. A failure of a single partition names it in the message.
   */
  isNews({ code, message }: MillraceError): boolean {
    const failure = `${code} ${message}`;
    const now = this.#clock.elapsedMs();
    const before = this.#newsAt.get(failure);
    if (before !== undefined && now - before < newsAgainMs) return false;
    this.#newsAt.delete(failure);
    this.#newsAt.set(failure, now);
    const [oldest] = this.#newsAt.keys();
    if (this.#newsAt.size > rememberedMax && oldest !== undefined) this.#newsAt.delete(oldest);
    return true;
  }
}
