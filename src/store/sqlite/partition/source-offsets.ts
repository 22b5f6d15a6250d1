import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import type { SourceBatch, SourceOffset } from '../../store.ts';

/** A batch without the fates of its records. */
export type OffsetMove = Omit<SourceBatch, 'takings'>;

const isIt = 'pipeline = ? AND source = ? AND topic_id = ? AND "partition" = ?';

/** Reads the positions at which a pipeline continues reading the partitions of a topic. */
export class SourceOffsetReader {
  readonly #select: Select<[topicId: string, partition: number, next: number]>;

  constructor(db: DatabaseSync) {
    this.#select = new Select(db, 'SELECT topic_id, "partition", next FROM millrace_source_offsets WHERE pipeline = ? AND source = ?');
  }

  read(pipeline: string, source: string): readonly SourceOffset[] {
    return this.#select.all(pipeline, source).map(([topicId, partition, next]) => ({ pipeline, source, topicId, partition, next }));
  }
}

/** Moves offsets, within the caller's transaction. */
export class SourceOffsetWriter {
  readonly #move: StatementSync;
  readonly #begin: StatementSync;

  constructor(db: DatabaseSync) {
    this.#move = db.prepare(`UPDATE millrace_source_offsets SET next = ? WHERE ${isIt} AND next = ?`);
    this.#begin = db.prepare(
      `INSERT INTO millrace_source_offsets (next, pipeline, source, topic_id, "partition") VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
  }

  /** Moves an offset from its expected position; returns whether it was there. */
  move({ pipeline, source, topicId, partition, expected, next }: OffsetMove): boolean {
    const moved = [next, pipeline, source, topicId, partition];
    const { changes } = expected === null ? this.#begin.run(...moved) : this.#move.run(...moved, expected);
    return changes !== 0;
  }
}
