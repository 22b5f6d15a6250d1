import { blockText } from '../../block-text.ts';
import type { BlocksQuery, NewBlock, PartitionId } from '../../store.ts';
import type { Transaction } from '../connection/connections.ts';
import type { Flight } from '../connection/flight.ts';
import type { WriteStatements } from '../statements.ts';
import { column, type Of, partitionColumns } from './columns.ts';

const ofPartition = 'pipeline = $1 AND slice = $2';

/** Adds the commits' timeline blocks to a transaction. */
export function addBlocks(flight: Flight, statements: Pick<WriteStatements, 'addInsert'>, blocks: readonly Of<NewBlock>[]): void {
  if (blocks.length === 0) return;
  statements.addInsert(flight, 'millrace_blocks', [
    ...partitionColumns(blocks),
    column('block', 'int8', blocks, ({ item }) => item.block),
    column('text', 'text', blocks, ({ item }) => blockText(item.lines)),
  ]);
  const indexed = blocks.flatMap(({ partition, item: { block, keys } }) => keys.map((key) => ({ partition, item: { key, block } })));
  if (indexed.length === 0) return;
  statements.addInsert(flight, 'millrace_key_blocks', [
    ...partitionColumns(indexed),
    column('key', 'text', indexed, ({ item }) => item.key),
    column('block', 'int8', indexed, ({ item }) => item.block),
  ]);
}

/** Deletes the first blocks below a number, with their index entries; returns how many. */
export async function forgetBlocks(
  { run }: Pick<Transaction, 'run'>,
  { pipeline, slice }: PartitionId,
  { before, limit }: BlocksQuery,
): Promise<number> {
  const first = `SELECT max(block) FROM (SELECT block FROM millrace_blocks WHERE ${ofPartition} AND block < $3 ORDER BY block LIMIT $4) AS first`;
  const last = (await run({ text: first, values: [pipeline, slice, before, limit] })).rows[0]?.[0] ?? null;
  if (last === null) return 0;
  const deletion = (table: string) => ({
    text: `DELETE FROM ${table} WHERE ${ofPartition} AND block <= $3`,
    values: [pipeline, slice, Number(last)],
  });
  await run(deletion('millrace_key_blocks'));
  return (await run(deletion('millrace_blocks'))).count;
}
