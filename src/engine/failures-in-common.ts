import type { MillraceError } from '../errors.ts';
import type { Clock } from './clock.ts';

/** How often one failure is news. In milliseconds. */
const newsAgainMs = 60_000;
/** So many failures are remembered; more than one store has at a time. */
const rememberedMax = 100;

/** What the store does to all partitions at once is said once, and not by each of them. */
export class FailuresInCommon {
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  /** When each was last news, in elapsed time, the oldest first. */
  readonly #newsAt = new Map<string, number>();

  constructor(clock: Pick<Clock, 'elapsedMs'>) {
    this.#clock = clock;
  }

  /** Whether no partition has met the same within the last minute. One of a single partition names it in its message. */
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
