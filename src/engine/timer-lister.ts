import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { ListedTimer, Store } from '../store/store.ts';
import { compareText } from '../store/text-order.ts';
import type { Clock } from './clock.ts';
import { within } from './deadline.ts';
import { freshnessMs } from './key-reader.ts';
import type { Freshness, TimerListQuery } from './mill-options.ts';
import type { Partitions } from './partitions.ts';
import type { Reads } from './reads.ts';

/** The dependencies for listing timers, provided by the engine. */
export interface TimerListerMeans {
  readonly store: Pick<Store, 'timers'>;
  readonly clock: Clock;
  readonly reads: Reads;
  readonly partitions: Partitions;
}

const limitDefault = 100;

/**
 * Lists the pending timers of a pipeline. A page of all of them costs one page; a page of one name or prefix also examines the others in
 * between.
 */
export class TimerLister {
  readonly #means: TimerListerMeans;

  constructor(means: TimerListerMeans) {
    this.#means = means;
  }

  /** Returns a page, soonest first. Waits up to `waitMs` for events accepted before. */
  async list(
    { name: pipeline }: AnyPipeline,
    { limit = limitDefault, ...query }: TimerListQuery,
    { waitMs = freshnessMs, ...reading }: Freshness,
  ): Promise<readonly ListedTimer[]> {
    const { store, clock, reads, partitions } = this.#means;
    const slices = partitions.of(pipeline);
    await within(clock, waitMs, (deadline) => Promise.all(slices.map((slice) => slice.caughtUp(deadline))));
    const pages = await reads.run(
      reading,
      (signal) => Promise.all(slices.map(({ id }) => store.timers(id, { ...query, limit }, { signal }))),
      () => 0,
    );
    return pages.flat().sort(byPlace).slice(0, limit);
  }
}

function byPlace(a: ListedTimer, b: ListedTimer): number {
  return a.dueAt - b.dueAt || compareText(a.key, b.key) || compareText(a.name, b.name);
}
