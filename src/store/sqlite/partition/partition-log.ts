import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import type { Pruned, Retention } from '../../store.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import { ChosenIds } from './chosen-ids.ts';
import { type EventRow, isDuplicate, isLate } from './rows.ts';

/**
 * The log of one pipeline, as the writer sees it: judges and appends events, and deletes old ones. Positions are dense and assigned here;
 * the head is in memory, and reread after a rollback.
 */
export class PartitionLog {
  readonly #pipeline: string;
  readonly #insert: StatementSync;
  readonly #ids: ChosenIds;
  readonly #hold: StatementSync;
  readonly #next: Select<[next: number | null]>;
  readonly #skipped: Select<[1]>;
  readonly #bounds: Select<[first: number | null, last: number | null, cursor: number | null]>;
  readonly #from: Select<[position: number, acceptedAt: number]>;
  readonly #pieceEnd: Select<[position: number | null]>;
  readonly #pruneLog: StatementSync;
  #head = 0;

  constructor(db: DatabaseSync, pipeline: string) {
    const { log, keys, held } = tablesOf(pipeline);
    this.#pipeline = pipeline;
    this.#insert = db.prepare(`INSERT INTO ${log} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#ids = new ChosenIds(db, pipeline);
    this.#hold = db.prepare(`INSERT OR IGNORE INTO ${held} VALUES (?, ?, ?, 0, NULL)`);
    this.#next = new Select(db, `SELECT CAST(next AS REAL) FROM ${keys} WHERE key = ?`);
    this.#skipped = new Select(
      db,
      'SELECT 1 FROM millrace_dead_letters WHERE pipeline = ? AND key = ? AND ? BETWEEN number_from AND number_to',
    );
    this.#bounds = new Select(
      db,
      `SELECT (SELECT min(position) FROM ${log}), (SELECT max(position) FROM ${log}), (SELECT cursor FROM millrace_partitions WHERE pipeline = ?)`,
    );
    this.#from = new Select(db, `SELECT position, accepted_at FROM ${log} WHERE position >= ? ORDER BY position LIMIT 1`);
    this.#pieceEnd = new Select(
      db,
      `SELECT max(position) FROM (SELECT position FROM ${log} WHERE position > ? AND position <= ? ORDER BY position LIMIT ?)`,
    );
    this.#pruneLog = db.prepare(`DELETE FROM ${log} WHERE position IN (
      SELECT position FROM ${log} AS settled WHERE position > ? AND position <= ?
        AND NOT EXISTS (SELECT 1 FROM ${held} AS held WHERE held.key = settled.key AND held."order" = coalesce(settled.number, settled.position))
        AND NOT EXISTS (SELECT 1 FROM millrace_dead_letters AS letter WHERE letter.pipeline = ? AND letter.position = settled.position))`);
    this.reload();
  }

  /** The highest assigned position. */
  get head(): number {
    return this.#head;
  }

  /** Finds the head in the database. The log may be empty, but the head stays known: nothing above the cursor is ever deleted. */
  reload(): void {
    this.#ids.reload();
    const [, last, cursor] = this.#bounds.get(this.#pipeline) ?? [null, null, null];
    this.#head = Math.max(last ?? 0, cursor ?? 0);
  }

  /** Returns the position of the event, or {@link isDuplicate}, or {@link isLate}. */
  append([, , knownSince, key, id, number, acceptedAt, body, traceparent, origin]: EventRow): number {
    if (knownSince !== null && !this.#ids.remember(id, acceptedAt, knownSince)) return isDuplicate;
    const position = this.#head + 1;
    if (number !== null) {
      const known = this.#judgeNumber(key, number, position);
      if (known !== undefined) return known;
    }
    this.#insert.run(position, key, id, number, acceptedAt, body, traceparent, origin);
    this.#head = position;
    return position;
  }

  /** Deletes old events and ids. It limits the rows examined, not those deleted: all of them may be held. */
  prune({ acceptedBefore, idsBefore, after, limit }: Retention): Pruned {
    const last = this.#lastBefore(acceptedBefore);
    const end = this.#pieceEnd.get(after, last, limit)?.[0] ?? null;
    const events = end === null ? 0 : Number(this.#pruneLog.run(after, end, this.#pipeline).changes);
    const ids = this.#ids.forget(idsBefore, limit);
    const isDone = (end === null || end === last) && ids < limit;
    return { count: events + ids, after: isDone ? null : (end ?? after) };
  }

  /** Holds the event by its number, unless that is known. */
  #judgeNumber(key: string, number: number, position: number): typeof isDuplicate | typeof isLate | undefined {
    const next = this.#next.get(key)?.[0] ?? null;
    if (next !== null && number < next) return this.#skipped.get(this.#pipeline, key, number) === undefined ? isDuplicate : isLate;
    return this.#hold.run(key, number, position).changes === 0 ? isDuplicate : undefined;
  }

  /**
   * Returns the highest settled position accepted before a moment; 0 if there is none. Uses bisection, without an index that every append
   * would pay for: events are accepted in order of position.
   */
  #lastBefore(moment: number): number {
    const [first, , cursor] = this.#bounds.get(this.#pipeline) ?? [null, null, null];
    let low = (first ?? 1) - 1;
    let high = cursor ?? 0;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const [, acceptedAt = moment] = this.#from.get(middle) ?? [];
      if (acceptedAt < moment) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
