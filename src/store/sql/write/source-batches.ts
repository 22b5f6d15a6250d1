import type { Appended, BatchTaken, PartitionId, SourceBatch, SourceOffset } from '../../store.ts';
import type { Connections } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import { fenced } from '../lease/fenced.ts';
import type { Leased, WriteStatements } from '../statements.ts';
import type { AppendListener } from './appends.ts';
import { CommitParts } from './commit-parts.ts';
import { newFlightId } from './flight-id.ts';
import { GroupQueue } from './group-queue.ts';
import { partitionsOf } from './partitions-of.ts';
import { eventsOf, isIt, takeInSteps, takenOf } from './source-batch-steps.ts';

/** Takings per transaction, unless a single batch has more. */
const takingsMax = 5_000;

/** The dependencies for taking batches of records, provided by the store. */
export interface SourceBatchMeans {
  readonly connections: Connections;
  readonly statements: WriteStatements;
  readonly listener: AppendListener;
}

/** A batch, and the lease under which it is taken. */
interface LeasedBatch extends Leased {
  readonly batch: SourceBatch;
}

export async function readSourceOffsets(read: Connections['read'], pipeline: string, source: string): Promise<readonly SourceOffset[]> {
  const text = 'SELECT topic_id, "partition", next FROM millrace_source_offsets WHERE pipeline = $1 AND source = $2';
  const [found] = await read({ text, values: [pipeline, source] });
  return (found?.rows ?? []).map(([topicId, partition, next]) => ({
    pipeline,
    source,
    topicId: String(topicId),
    partition: Number(partition),
    next: Number(next),
  }));
}

/**
 * Appends the contents of batches of records and advances their partitions' offsets, each batch with its offset in one transaction. All
 * batches that wait go together in one flight, which fails unless every offset is as expected: then they are taken one by one, in steps. A
 * partition's first batch, and one whose events may come too late, are always taken in steps.
 */
export class SourceBatches {
  readonly #means: SourceBatchMeans;
  readonly #queue: GroupQueue<LeasedBatch, BatchTaken>;

  constructor(means: SourceBatchMeans) {
    this.#means = means;
    this.#queue = new GroupQueue<LeasedBatch, BatchTaken>({
      weightMax: takingsMax,
      weigh: ({ batch }) => batch.takings.length,
      run: (group) => this.#run(group),
      isRefusal: means.connections.errors.isRefusal,
    });
  }

  /** Throws `MILL_STORE_FENCED` once the lease is over. A lost answer needs no investigation: the offset shows what was taken. */
  async take(leased: LeasedBatch): Promise<BatchTaken> {
    const { batch } = leased;
    const mayBeLate = batch.takings.some((taking) => 'event' in taking && taking.late !== undefined);
    if (batch.expected === null || mayBeLate) return this.#takeInSteps(leased);
    try {
      return await this.#queue.do(leased);
    } catch (error) {
      const { errors } = this.#means.connections;
      if (errors.isFenced(error)) throw fenced(leased.partition, error);
      if (!errors.isRefusal(error)) throw error;
      return this.#takeInSteps(leased);
    }
  }

  #takeInSteps({ batch, ...under }: LeasedBatch): Promise<BatchTaken> {
    return takeInSteps({ ...this.#means, ...under }, batch);
  }

  async #run(group: readonly LeasedBatch[]): Promise<readonly BatchTaken[]> {
    const { connections, statements, listener } = this.#means;
    const owners: [PartitionId, string | null][] = [];
    const events = group.flatMap(({ batch }) => eventsOf(batch.takings));
    let answers: readonly Appended[] = [];
    await connections.write(() => {
      owners.length = 0;
      const flight = new Flight();
      statements.addFence(flight, leasesOf(group));
      for (const { batch } of group) addMove(flight, batch);
      if (events.length > 0) {
        statements.addHeadLocks(flight, partitionsOf(events), (partition, owner) => owners.push([partition, owner]));
        answers = statements.addAppends(flight, events, newFlightId());
      }
      const letters = group.flatMap(({ partition, batch }) =>
        batch.takings.flatMap((taking) => ('letter' in taking ? [{ partition, item: taking.letter }] : [])),
      );
      new CommitParts(flight, statements).addDeadLetters(letters);
      return flight;
    });
    for (const [partition, owner] of owners) listener.grown(partition, owner);
    let from = 0;
    return group.map(({ batch: { takings } }): BatchTaken => {
      const { length } = eventsOf(takings);
      from += length;
      return { status: 'taken', taken: takenOf(takings, answers.slice(from - length, from)) };
    });
  }
}

/** Returns each lease once: one may be that of several batches. */
function leasesOf(group: readonly LeasedBatch[]): readonly Leased[] {
  return Array.from(new Map(group.map(({ partition, epoch }) => [JSON.stringify([partition, epoch]), { partition, epoch }])).values());
}

/**
 * Moves an offset, and fails unless it is as expected: a row without a pipeline is refused. Whoever moves it holds the lease locked by its
 * fence, so it does not change between the two statements.
 */
function addMove(flight: Flight, { pipeline, source, topicId, partition, expected, next }: SourceBatch): void {
  const place = [pipeline, source, topicId, partition];
  flight.add({
    text: `INSERT INTO millrace_source_offsets (pipeline, source, topic_id, "partition", next)
      SELECT NULL, NULL, NULL, NULL, NULL WHERE NOT EXISTS (SELECT 1 FROM millrace_source_offsets WHERE ${isIt} AND next = $5)`,
    values: [...place, expected],
  });
  flight.add({ text: `UPDATE millrace_source_offsets SET next = $5 WHERE ${isIt} AND next = $6`, values: [...place, next, expected] });
}
