import { type CopiedRow, type CopyPart, cellOf, type columnsOfKind, type PipelineKind } from './copy-part.ts';

type PlacedKind = Exclude<PipelineKind, 'blocks'>;

/** A part whose rows stay rows. */
type PlacedPart = Exclude<CopyPart, { readonly kind: 'blocks' }>;

/** Returns the slice in which a key of a pipeline lives. */
export type SliceOf = (pipeline: string, key: string) => number;

/** The places of one part's rows in the target. */
export class Placing {
  readonly #part: PlacedPart;
  readonly #sliceOf: SliceOf;
  readonly #slices: number;
  /** The highest position of each slice. */
  readonly #heads: Map<number, number>;
  /** Number of deliveries so far. */
  #nth: number;

  /**
   * @param heads the highest position of each slice, for a partly copied log
   * @param from number of rows already there
   */
  constructor(
    part: PlacedPart,
    { sliceOf, slices }: { readonly sliceOf: SliceOf; readonly slices: number },
    heads: ReadonlyMap<number, number>,
    from: number,
  ) {
    this.#part = part;
    this.#sliceOf = sliceOf;
    this.#slices = slices;
    this.#heads = new Map(heads);
    this.#nth = from;
  }

  /**
   * Gives events the next position of their slice. An id stays in its slice if that is kept; otherwise an id whose key is unknown becomes
   * known in all slices.
   */
  place(rows: readonly CopiedRow[]): readonly CopiedRow[] {
    const part = this.#part;
    if (!('pipeline' in part)) return rows.map(({ values }) => ({ slice: 0, place: 0, values }));
    return rows.flatMap(({ values, slice: before }) => {
      const { pipeline, kind, keepsSlices } = part;
      const key = keyOf(kind, values);
      if (kind === 'ids') {
        const slices = keepsSlices ? [before] : this.#slicesOfId(pipeline, key);
        return slices.map((slice) => ({ slice, place: 0, values: [...values.slice(0, 2), null] }));
      }
      const slice = this.#sliceOf(pipeline, key ?? '');
      return [{ slice, place: this.#next(kind, slice), values }];
    });
  }

  #next(kind: PlacedKind, slice: number): number {
    if (kind === 'deliveries') {
      this.#nth += 1;
      return this.#nth;
    }
    if (kind !== 'log') return 0;
    const next = (this.#heads.get(slice) ?? 0) + 1;
    this.#heads.set(slice, next);
    return next;
  }

  #slicesOfId(pipeline: string, key: string | null): readonly number[] {
    return key === null ? Array.from({ length: this.#slices }, (_, slice) => slice) : [this.#sliceOf(pipeline, key)];
  }
}

function keyOf(kind: PlacedKind, values: CopiedRow['values']): string | null {
  const key = cellOf(kind, 'key' satisfies keyof (typeof columnsOfKind)[typeof kind], values);
  return key === null ? null : String(key);
}
