import type { BatchTaken, PartitionId, SourceBatch, SourceOffset, SourceTaken } from '../../store.ts';
import type { Connections, Transaction } from '../connection/connections.ts';
import { fenced } from '../lease/fenced.ts';
import type { Leased } from '../statements.ts';
import { append, bury, fly, type InboxTakeMeans, idleMs, type Taking } from './inbox-takes.ts';

const isIt = 'pipeline = $1 AND source = $2 AND topic_id = $3 AND "partition" = $4';

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
 * Appends the contents of a batch of records and advances their partition's offset, in one transaction. The offset is moved first, by
 * compare-and-set, so a replaced process stores nothing, and waits at most until its successor has committed.
 */
export async function takeBatch({ connections, statements, listener, ...under }: InboxTakeMeans, batch: SourceBatch): Promise<BatchTaken> {
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
  const events = takings.flatMap((taking) => ('event' in taking ? [taking.event] : []));
  const { appended, owners: grown } = await append(transaction, events);
  owners.push(...grown);
  const verdicts = appended.values();
  const taken = takings.map((taking): SourceTaken => {
    if ('letter' in taking) return { status: 'buried' };
    return verdicts.next().value ?? { status: 'late' };
  });
  const letters = takings.flatMap((taking, at) => {
    if ('letter' in taking) return [taking.letter];
    return taken[at]?.status === 'late' && taking.late !== undefined ? [taking.late] : [];
  });
  if (letters.length > 0) await bury(transaction, under.partition, letters);
  return taken;
}
