import type { TenureContext } from './engine-context.ts';
import type { Lane } from './lane.ts';

/**
 * - `in`: the event may go to the log.
 * - `cold`: its key must be loaded first, since the store may hold some of its events.
 * - `key is full`: too many events wait for its key.
 * - `all is full`: too many events of the pipeline wait, and this one would have to wait too.
 * - `too early`: its number is too far beyond the next one.
 */
export type Admission = 'in' | 'cold' | 'key is full' | 'all is full' | 'too early';

/** The lanes, as seen by the door. */
export interface AdmittingLanes {
  peek(key: string): Lane | undefined;
  /** Returns whether the store may hold events of a key that is not in memory. */
  mayHoldMore(): boolean;
}

/**
 * Judges whether an event's key has room for it (promise 7). Both events waiting for the key and admitted events on their way to it count,
 * whichever call they came by. A key that is not in memory holds nothing unless some forgotten key does; in that case it must be loaded
 * first.
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
   * Judges an event, and counts it if admitted.
   *
   * @param isFull true if the pipeline's waiting events have reached their limit
   * @param wasWarmed true if its key was just loaded: it is not `cold` again
   */
  admit(key: string, number: number | null, isFull: boolean, wasWarmed: boolean): Admission {
    const lane = this.#lanes.peek(key);
    if (lane === undefined) return this.#admitCold(key, number, isFull, wasWarmed);
    const refusal = number === null ? this.#refusalOfArrival(lane, isFull) : this.#refusalOfNumber(lane, number, isFull);
    if (refusal !== undefined) return refusal;
    lane.admit();
    return 'in';
  }

  /** Notes that an admitted event will not arrive. */
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

  /** The number that all others wait for must be admitted; the store knows what became of any lower one. */
  #refusalOfNumber(lane: Lane, number: number, isFull: boolean): Admission | undefined {
    if (number <= lane.next) return undefined;
    if (number - lane.next > this.#jumpMax) return 'too early';
    if (this.#isKeyFull(lane)) return 'key is full';
    return isFull ? 'all is full' : undefined;
  }

  /** An event whose key is not blocked does not wait, however many others wait for theirs (promise 4). */
  #refusalOfArrival(lane: Lane, isFull: boolean): Admission | undefined {
    if (this.#isKeyFull(lane)) return 'key is full';
    return isFull && (lane.isStopped || lane.spilledFrom !== Number.POSITIVE_INFINITY) ? 'all is full' : undefined;
  }

  #isKeyFull({ pending, arriving }: Lane): boolean {
    return pending + arriving >= this.#pendingMax;
  }
}
