import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { blockText } from '../../block-text.ts';
import { Select } from '../../node-sqlite/select.ts';
import type { BlocksQuery, EventAt, NewBlock, PartitionId } from '../../store.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';

const ofPartition = 'pipeline = ? AND slice = ?';

/** Writes and deletes blocks. */
export class BlockWriter {
  readonly #last: Select<[block: number | null]>;
  readonly #add: StatementSync;
  readonly #index: StatementSync;
  readonly #forget: StatementSync;
  readonly #forgetIndex: StatementSync;

  constructor(db: DatabaseSync) {
    this.#last = new Select(db, `SELECT max(block) FROM millrace_blocks WHERE ${ofPartition}`);
    this.#add = db.prepare('INSERT INTO millrace_blocks VALUES (?, ?, ?, ?)');
    this.#index = db.prepare('INSERT INTO millrace_key_blocks VALUES (?, ?, ?, ?)');
    this.#forget = db.prepare(
      `DELETE FROM millrace_blocks WHERE rowid IN (SELECT rowid FROM millrace_blocks WHERE ${ofPartition} AND block < ? ORDER BY block LIMIT ?)`,
    );
    // Index entries of deleted blocks lead nowhere.
    this.#forgetIndex = db.prepare(
      `DELETE FROM millrace_key_blocks WHERE ${ofPartition} AND block < ?
         AND block < coalesce((SELECT min(block) FROM millrace_blocks WHERE ${ofPartition}), ?)`,
    );
  }

  last({ pipeline, slice }: PartitionId): number | undefined {
    return this.#last.get(pipeline, slice)?.[0] ?? undefined;
  }

  add({ pipeline, slice }: PartitionId, { block, lines, keys }: NewBlock): void {
    this.#add.run(pipeline, slice, block, blockText(lines));
    for (const key of keys) this.#index.run(pipeline, slice, key, block);
  }

  forget({ pipeline, slice }: PartitionId, before: number, limit: number): number {
    const gone = Number(this.#forget.run(pipeline, slice, before, limit).changes);
    if (gone > 0) this.#forgetIndex.run(pipeline, slice, before, pipeline, slice, before);
    return gone;
  }
}

/** Names the blocks that a key's record or index names, highest first. */
export function readBlocksOfKey(
  db: DatabaseSync,
  { pipeline, slice }: PartitionId,
  key: string,
  { before, limit }: BlocksQuery,
): readonly number[] {
  const { keys } = tablesOf(pipeline);
  const named = new Select<[block: number]>(
    db,
    `SELECT block FROM ${keys} WHERE key = ?1 AND block < ?4
     UNION SELECT block FROM millrace_key_blocks WHERE pipeline = ?2 AND slice = ?3 AND key = ?1 AND block < ?4
     ORDER BY block DESC LIMIT ?5`,
  );
  return named.all(key, pipeline, slice, before, limit).map(([block]) => block);
}

/** Reads the text of a block; null if there is none. */
export function readBlock(db: DatabaseSync, { pipeline, slice }: PartitionId, block: number): string | null {
  const text = new Select<[text: string]>(db, `SELECT text FROM millrace_blocks WHERE ${ofPartition} AND block = ?`);
  return text.get(pipeline, slice, block)?.[0] ?? null;
}

/** Reads events by position, without their bodies. */
export function readEventsAt(db: DatabaseSync, { pipeline }: PartitionId, positions: readonly number[]): readonly EventAt[] {
  const found = new Select<[position: number, id: string, number: number | null, acceptedAt: number]>(
    db,
    `SELECT position, id, number, accepted_at FROM ${tablesOf(pipeline).log} WHERE position IN (SELECT value FROM json_each(?))`,
  );
  return found.all(JSON.stringify(positions)).map(([position, id, number, acceptedAt]) => ({ position, id, number, acceptedAt }));
}
