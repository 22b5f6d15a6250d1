import { MillraceError } from '../../errors.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { QueryTables } from '../../pipeline/table-query.ts';
import type { Store } from '../../store/store.ts';
import type { Door } from '../door.ts';
import { type Identification, identify } from '../identify.ts';
import type { Partitions } from '../partitions.ts';
import type { ScheduleRunMeans, TakenIn } from './schedule-run.ts';

/** The parts of the engine that runs reach. */
export interface RunAccessMeans {
  readonly store: Pick<Store, 'pendingOrigins'>;
  readonly identification: Identification;
  readonly door: Door;
  readonly partitions: Partitions;
  readonly query: QueryTables;
}

/** Origins that a store is asked about at once. */
const originsMax = 1_000;

/** What the runs of a pipeline's schedule may do to it. */
export function runAccess(
  { store, identification, door, partitions, query }: RunAccessMeans,
  pipeline: AnyPipeline,
): Omit<ScheduleRunMeans, 'clock' | 'log'> {
  const partitionOf = (key: string) => partitions.ofKey(pipeline.name, key);

  /** Answers the event's key also where nobody knows whether the event is in the log. */
  async function take(event: unknown, origin: string | undefined): Promise<TakenIn> {
    try {
      const { key, ingested } = await door.take(pipeline, event, { origin, isOfRun: true });
      return { key, isDuplicate: ingested.status === 'duplicate' };
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'MILL_STORE_UNAVAILABLE') throw error;
      const { stored } = await identify(identification, pipeline, event);
      return { key: stored.key, isDuplicate: false };
    }
  }

  return {
    query,
    async pending(origins) {
      const pending = new Set<string>();
      for (let from = 0; from < origins.length; from += originsMax) {
        const some = origins.slice(from, from + originsMax);
        // An origin does not tell the key of its event.
        const found = await Promise.all(partitions.of(pipeline.name).map(({ id }) => store.pendingOrigins(id, some)));
        for (const origin of found.flat()) pending.add(origin);
      }
      return pending;
    },
    async ingest(event, origin) {
      const taken = await take(event, origin);
      partitionOf(taken.key).restore(taken.key);
      return taken;
    },
    bury(row) {
      const key = row.key.slice(0, identification.limits.keyLength).toWellFormed();
      return partitionOf(key).bury({ ...row, key });
    },
    finished: (key, deadline) => partitionOf(key).finished(key, deadline),
    abort: (key) => partitionOf(key).abort(key, new MillraceError('MILL_HANDLER_TIMEOUT', 'the run took too long')),
  };
}
