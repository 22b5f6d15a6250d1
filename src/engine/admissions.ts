import type { TenureContext } from './engine-context.ts';
import type { Lane } from './lane.ts';

/**
 * - `in`: it may go to the log.
 * - `cold`: its key must be in memory first, since the store may hold events of it.
 * - `key is full`: too many events wait for its key.
 * - `all is full`: too many events of the pipeline wait, and this one would.
 * - `too early`: its number lies too far beyond the next one.
 */
export type Admission = 'in' | 'cold' | 'key is full' | 'all is full' | 'too early';

/** The lanes, as the door needs to know them. */
export interface AdmittingLanes {
  peek(key: string): Lane | undefined;
  /** Whether the store may hold events of a key that is not in memory. */
  mayHoldMore(): boolean;
}

/**
 * Judges whether the key of an event has room for it (promise 7). What counts is what waits for the key and what was let in on its way
 * there, by whatever call. A key that is not in memory holds nothing unless some key does that was forgotten; then it must be looked at first.
 */
export class Admissions {
  readonly #lanes: AdmittingLanes;
  readonly #pendingMax: number;
  readonly #jumpMax: number;
  readonly #from: number;
  /** Events on their way to keys that are not in memory. */
  readonly #arriving = new Map<string, number>();

  constructor({ engine, pipeline }: TenureContext, lanes: AdmittingLanes) {
    const { order } = pipeline.declaration;
    this.#lanes = lanes;
    this.#pendingMax = order?.pendingMax ?? engine.limits.pendingPerKey;
    this.#jumpMax = order?.jumpMax ?? Number.POSITIVE_INFINITY;
    this.#from = order?.from ?? 0;
  }

  /**
   * Judges an event, and counts it in where it may come in.
   *
   * @param isFull whether as many events of the pipeline wait as may
   * @param wasWarmed whether its key was just brought into memory: it is not `cold` again
   */
  admit(key: string, number: number | null, isFull: boolean, wasWarmed: boolean): Admission {
    const lane = this.#lanes.peek(key);
    if (lane === undefined) return this.#admitCold(key, number, isFull, wasWarmed);
    const refusal = number === null ? this.#refusalOfArrival(lane, isFull) : this.#refusalOfNumber(lane, number, isFull);
    if (refusal !== undefined) return refusal;
    lane.admit();
    return 'in';
  }

  /** An event that was let in will not come. */
  gone(key: string): void {
    const lane = this.#lanes.peek(key);
    lane?.endArrival();
    const arriving = this.#arriving.get(key) ?? 0;
    if (lane !== undefined || arriving === 0) return;
    if (arriving === 1) this.#arriving.delete(key);
    else this.#arriving.set(key, arriving - 1);
  }

  /** Hands the count of events on their way to a key over to its lane. */
  take(key: string): number {
    if (this.#arriving.size === 0) return 0;
    const arriving = this.#arriving.get(key) ?? 0;
    this.#arriving.delete(key);
    return arriving;
  }

  #admitCold(key: string, number: number | null, isFull: boolean, wasWarmed: boolean): Admission {
    const arriving = this.#arriving.get(key) ?? 0;
    const isKeyFull = arriving >= this.#pendingMax;
    const isFarAhead = number !== null && number - this.#from > this.#jumpMax;
    if (!wasWarmed && (isKeyFull || isFarAhead || isFull || this.#lanes.mayHoldMore())) return 'cold';
    if (isKeyFull) return 'key is full';
    this.#arriving.set(key, arriving + 1);
    return 'in';
  }

  /** The number that all others wait for must come in, and of a lower one the store says what became. */
  #refusalOfNumber(lane: Lane, number: number, isFull: boolean): Admission | undefined {
    if (number <= lane.next) return undefined;
    if (number - lane.next > this.#jumpMax) return 'too early';
    if (this.#isKeyFull(lane)) return 'key is full';
    return isFull ? 'all is full' : undefined;
  }

  /** An event whose key goes on does not wait for it, however many others do for theirs (promise 4). */
  #refusalOfArrival(lane: Lane, isFull: boolean): Admission | undefined {
    if (this.#isKeyFull(lane)) return 'key is full';
    return isFull && (lane.isStopped || lane.spilledFrom !== Number.POSITIVE_INFINITY) ? 'all is full' : undefined;
  }

  #isKeyFull({ pending, arriving }: Lane): boolean {
    return pending + arriving >= this.#pendingMax;
  }
}
