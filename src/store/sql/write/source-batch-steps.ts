import type { Appended, BatchTaken, NewEvent, PartitionId, SourceBatch, SourceTaken, SourceTaking } from '../../store.ts';
import type { Transaction } from '../connection/connections.ts';
import { fenced } from '../lease/fenced.ts';
import type { Leased } from '../statements.ts';
import { append, bury, fly, idleMs, type TakeMeans, type Taking } from './take-steps.ts';

/** Selects the offset of a partition. */
export const isIt = 'pipeline = $1 AND source = $2 AND topic_id = $3 AND "partition" = $4';

/**
 * Takes one batch of records in several round trips, which show whether its offset was as expected and which of its events came too late.
 * The offset is moved first, by compare-and-set, so a replaced process stores nothing, and waits at most until its successor has committed.
 */
export async function takeInSteps({ connections, statements, listener, ...under }: TakeMeans, batch: SourceBatch): Promise<BatchTaken> {
  const owners: [PartitionId, string | null][] = [];
  try {
    const answer = await connections.writing<BatchTaken>(
      async ({ run }) => {
        owners.length = 0;
        const transaction = { run, statements };
        await fly(transaction, (flight) => statements.addFence(flight, [under]));
        if (!(await move(transaction, batch))) return { status: 'moved' };
        return { status: 'taken', taken: await store(transaction, { under, batch, owners }) };
      },
      { idleMs },
    );
    for (const [partition, owner] of owners) listener.grown(partition, owner);
    return answer;
  } catch (error) {
    if (!connections.errors.isFenced(error)) throw error;
    throw fenced(under.partition, error);
  }
}

/**
 * Returns whether the offset was as expected. Whoever reads a partition holds the lease locked by its fence, so two cannot create its first
 * row at once.
 */
async function move({ run }: Transaction, { pipeline, source, topicId, partition, expected, next }: SourceBatch): Promise<boolean> {
  const place = [pipeline, source, topicId, partition];
  if (expected !== null) {
    const text = `UPDATE millrace_source_offsets SET next = $5 WHERE ${isIt} AND next = $6`;
    return (await run({ text, values: [...place, next, expected] })).count === 1;
  }
  const { rows } = await run({ text: `SELECT next FROM millrace_source_offsets WHERE ${isIt} FOR UPDATE`, values: place });
  if (rows.length > 0) return false;
  const text = 'INSERT INTO millrace_source_offsets (pipeline, source, topic_id, "partition", next) VALUES ($1, $2, $3, $4, $5)';
  await run({ text, values: [...place, next] });
  return true;
}

interface Stored {
  readonly under: Leased;
  readonly batch: SourceBatch;
  /** Collects the partitions that have grown. */
  readonly owners: [PartitionId, string | null][];
}

async function store(transaction: Taking, { under, batch: { takings }, owners }: Stored): Promise<readonly SourceTaken[]> {
  const events = eventsOf(takings);
  const { appended, owners: grown } = await append(transaction, events);
  owners.push(...grown);
  const taken = takenOf(takings, appended);
  const letters = takings.flatMap((taking, at) => {
    if ('letter' in taking) return [taking.letter];
    return taken[at]?.status === 'late' && taking.late !== undefined ? [taking.late] : [];
  });
  if (letters.length > 0) await bury(transaction, under.partition, letters);
  return taken;
}

/** Returns the events of a batch, in order. */
export function eventsOf(takings: readonly SourceTaking[]): readonly NewEvent[] {
  return takings.flatMap((taking) => ('event' in taking ? [taking.event] : []));
}

/** Returns the result of each taking, given those of its events. */
export function takenOf(takings: readonly SourceTaking[], appended: readonly Appended[]): readonly SourceTaken[] {
  const verdicts = appended.values();
  return takings.map((taking): SourceTaken => ('letter' in taking ? { status: 'buried' } : (verdicts.next().value ?? { status: 'late' })));
}
