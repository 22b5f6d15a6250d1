import { sliceOf } from '../../src/engine/identify.ts';
import type { Query } from '../fleet/database.ts';

export interface TakeOverCounts {
  /** Number of the pipeline's slices that changed hands. */
  readonly slices: number;
  /** Number of the topic's partitions that changed hands with them. */
  readonly partitions: number;
}

/**
 * Counts changes of ownership of slices, and of the topic partitions read with them: each claim raises the epoch of its slice.
 */
export class TakeOvers {
  readonly #query: Query;
  readonly #source: string;
  readonly #partitions: number;
  #before: ReadonlyMap<number, number> = new Map();

  private constructor(query: Query, source: string, partitions: number) {
    this.#query = query;
    this.#source = source;
    this.#partitions = partitions;
  }

  /** Starts counting. @param source the topic's name in the store */
  static async from(query: Query, source: string, partitions: number): Promise<TakeOvers> {
    const takeOvers = new TakeOvers(query, source, partitions);
    takeOvers.#before = await takeOvers.#epochs();
    return takeOvers;
  }

  async count(): Promise<TakeOverCounts> {
    const after = await this.#epochs();
    const of = (slice: number) => (after.get(slice) ?? 0) - (this.#before.get(slice) ?? 0);
    const homes = Array.from({ length: this.#partitions }, (_, partition) => sliceOf(`${this.#source}/${partition}`, after.size));
    const sum = (slices: readonly number[]) => slices.reduce((total, slice) => total + of(slice), 0);
    return { slices: sum([...after.keys()]), partitions: sum(homes) };
  }

  async #epochs(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#query("SELECT slice, epoch FROM millrace_fences WHERE pipeline = 'steps'");
    return new Map(rows.map(({ slice, epoch }) => [Number(slice), Number(epoch)]));
  }
}
