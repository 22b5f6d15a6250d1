import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { KeySummary, KeysQuery, PartitionId, Store } from '../store/store.ts';
import { compareText } from '../store/text-order.ts';
import type { Clock } from './clock.ts';
import { within } from './deadline.ts';
import { freshnessMs } from './key-reader.ts';
import { standingOf } from './key-standing.ts';
import type { Freshness, KeyListQuery, KeyStanding, ListedKey } from './mill-options.ts';
import type { Partition } from './partition.ts';
import type { Partitions } from './partitions.ts';
import type { Reads } from './reads.ts';

/** The dependencies for listing keys, provided by the engine. */
export interface KeyListerMeans {
  readonly store: Pick<Store, 'keys'>;
  readonly clock: Clock;
  readonly reads: Reads;
  readonly partitions: Partitions;
}

const limitDefault = 100;

/** The parts of the store that may have keys with each status. Some of their keys may have another status. */
const among: Readonly<Record<KeyStanding, KeysQuery['among']>> = { open: undefined, waiting: 'gaps', blocked: 'retried', parked: 'parked' };

/** Lists the keys of a pipeline. A page of all keys, or of those with a prefix, costs one page, however many there are. */
export class KeyLister {
  readonly #means: KeyListerMeans;

  constructor(means: KeyListerMeans) {
    this.#means = means;
  }

  /** Returns a page of keys in byte order. Waits up to `waitMs` for events accepted before. */
  async list(
    pipeline: AnyPipeline,
    { limit = limitDefault, ...query }: KeyListQuery,
    { waitMs = freshnessMs, ...reading }: Freshness,
  ): Promise<readonly ListedKey[]> {
    const { clock, reads, partitions } = this.#means;
    const slices = partitions.of(pipeline.name);
    await within(clock, waitMs, (deadline) => Promise.all(slices.map((slice) => noteAll(pipeline, slice, deadline))));
    const pages = await reads.run(
      reading,
      (signal) => Promise.all(slices.map(({ id }) => this.#page(pipeline, id, { ...query, limit, signal }))),
      () => 0,
    );
    return pages
      .flat()
      .sort((a, b) => compareText(a.key, b.key))
      .slice(0, limit);
  }

  /** Skips keys with another standing until the page is full. */
  async #page({ order }: AnyPipeline, partition: PartitionId, { status, signal, ...asked }: Page): Promise<readonly ListedKey[]> {
    const page: ListedKey[] = [];
    const query = { ...asked, ...(status !== undefined && { among: among[status] }) };
    for (let { after } = asked; ; ) {
      const found: readonly KeySummary[] = await this.#means.store.keys(partition, { ...query, after }, { signal });
      for (const summary of found) {
        const standing = standingOf(order, summary);
        if (status === undefined || standing === status) page.push(toListed(summary, standing));
      }
      if (found.length < query.limit || page.length >= query.limit || signal.aborted) return page;
      after = found.at(-1)?.key;
    }
  }
}

interface Page extends KeyListQuery {
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Gaps can be listed once they are noted. */
async function noteAll({ order }: AnyPipeline, slice: Partition, deadline: Parameters<Partition['noteGaps']>[0]): Promise<void> {
  if (order === undefined) await slice.caughtUp(deadline);
  else await slice.noteGaps(deadline);
}

function toListed({ key, held, next }: KeySummary, status: KeyStanding): ListedKey {
  return { key, status, pending: held, next };
}
