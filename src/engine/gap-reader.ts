import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Store, StoredGap } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { within } from './deadline.ts';
import type { GapsQuery, WaitingKey } from './mill-options.ts';
import type { Partition } from './partition.ts';
import type { Partitions } from './partitions.ts';

/** The dependencies for reading gaps, provided by the engine. */
export interface GapReaderMeans {
  readonly store: Pick<Store, 'gaps' | 'load'>;
  readonly clock: Clock;
  readonly partitions: Partitions;
}

const limitDefault = 100;
/** Maximum UTF-16 units of the states read together with the number of waiting events. */
const charactersAtOnce = 1024 * 1024;

/** Lists the keys that wait for a number. Costs one page, however many there are. */
export class GapReader {
  readonly #means: GapReaderMeans;

  constructor(means: GapReaderMeans) {
    this.#means = means;
  }

  /** Returns a page of a pipeline's keys that wait for a number, longest wait first. Waits up to `waitMs` for events accepted before. */
  async read({ name, order }: AnyPipeline, { after, limit = limitDefault }: GapsQuery, waitMs: number): Promise<readonly WaitingKey[]> {
    if (order === undefined) return [];
    const { clock, partitions, store } = this.#means;
    const slices = partitions.of(name);
    await within(clock, waitMs, (deadline) => Promise.all(slices.map((slice) => slice.noteGaps(deadline))));
    const pages = await Promise.all(
      slices.map(async (slice) => (await store.gaps(slice.id, { after, limit })).map((gap) => ({ slice, gap }))),
    );
    const page = pages.flat().sort((a, b) => compareAge(a.gap, b.gap));
    return this.#withPending(page.slice(0, limit));
  }

  async #withPending(page: readonly { readonly slice: Partition; readonly gap: StoredGap }[]): Promise<readonly WaitingKey[]> {
    const { store } = this.#means;
    const pending = new Map<string, number>();
    for (const [slice, own] of Map.groupBy(page, (row) => row.slice)) {
      const keys = own.map(({ gap }) => gap.key);
      while (keys.length > 0) {
        const records = await store.load(slice.id, keys, { charactersMax: charactersAtOnce });
        for (const [at, key] of keys.splice(0, records.length).entries()) pending.set(key, records[at]?.held ?? 0);
      }
    }
    return page.map(({ gap: { key, next, first, since } }) => ({ key, next, first, pending: pending.get(key) ?? 0, since }));
  }
}

/** Orders like a store: keys by their UTF-8 bytes. */
function compareAge(a: StoredGap, b: StoredGap): number {
  return a.since - b.since || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
}
