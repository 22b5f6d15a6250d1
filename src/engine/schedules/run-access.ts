import { MillraceError } from '../../errors.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { QueryTables } from '../../pipeline/table-query.ts';
import type { Door } from '../door.ts';
import { type Identification, identify } from '../identify.ts';
import type { Partitions } from '../partitions.ts';
import type { ScheduleRunMeans } from './schedule-run.ts';

/** The parts of the engine that runs reach. */
export interface RunAccessMeans {
  readonly identification: Identification;
  readonly door: Door;
  readonly partitions: Partitions;
  readonly query: QueryTables;
}

/** What the runs of a pipeline's schedule may do to it. */
export function runAccess(
  { identification, door, partitions, query }: RunAccessMeans,
  pipeline: AnyPipeline,
): Omit<ScheduleRunMeans, 'clock' | 'log'> {
  const partitionOf = (key: string) => partitions.ofKey(pipeline.name, key);

  async function keyIngested(event: unknown): Promise<string> {
    try {
      return (await door.take(pipeline, event, {})).key;
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'MILL_STORE_UNAVAILABLE') throw error;
      return (await identify(identification, pipeline, event)).stored.key;
    }
  }

  return {
    query,
    async ingest(event) {
      const key = await keyIngested(event);
      partitionOf(key).restore(key);
      return key;
    },
    finished: (key) => partitionOf(key).finished(key),
    abort: (key) => partitionOf(key).abort(key, new MillraceError('MILL_HANDLER_TIMEOUT', 'the run took too long')),
  };
}
