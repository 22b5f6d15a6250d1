import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Retention } from '../store.ts';
import { ChosenIds } from './chosen-ids.ts';
import { tablesOf } from './pipeline-tables.ts';
import type { EventRow } from './rows.ts';
import { Select } from './select.ts';

/** What became of an event, as a number: its position when it was accepted, otherwise one of these. */
export const isDuplicate = 0;
export const isLate = -1;

/** Events that one call of `prune` looks at: some milliseconds, so that no commit waits for long. */
const pieceMax = 5_000;

/** What a call of `prune` came to: how many events and ids went, and behind which position it goes on; null at the end. */
export interface Pruned {
  readonly removed: number;
  readonly next: number | null;
}

/**
 * The log of one pipeline, as the writer sees it: judges and appends events, and forgets old ones. Positions are dense
 * and given out here; the head lives in memory and is read anew after a rollback.
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
  readonly #pieceEnd: Select<[last: number | null, events: number]>;
  readonly #pruneLog: StatementSync;
  #head = 0;

  constructor(db: DatabaseSync, pipeline: string) {
    const { log, keys, held } = tablesOf(pipeline);
    this.#pipeline = pipeline;
    this.#insert = db.prepare(`INSERT INTO ${log} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#ids = new ChosenIds(db, pipeline);
    this.#hold = db.prepare(`INSERT OR IGNORE INTO ${held} VALUES (?, ?, ?, 0, NULL)`);
    this.#next = new Select(db, `SELECT next FROM ${keys} WHERE key = ?`);
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
      `SELECT max(position), count(*) FROM (SELECT position FROM ${log} WHERE position > ? AND position <= ? ORDER BY position LIMIT ?)`,
    );
    this.#pruneLog = db.prepare(`DELETE FROM ${log} WHERE position IN (
      SELECT position FROM ${log} AS settled WHERE position > ? AND position <= ?
        AND NOT EXISTS (SELECT 1 FROM ${held} AS held WHERE held.key = settled.key AND held."order" = coalesce(settled.number, settled.position))
        AND NOT EXISTS (SELECT 1 FROM millrace_dead_letters AS letter WHERE letter.pipeline = ? AND letter.position = settled.position)
      ORDER BY position LIMIT ?)`);
    this.reload();
  }

  /** The highest position that was given out. */
  get head(): number {
    return this.#head;
  }

  /** Finds the head in the database. The log may be empty, but not what it has come to: nothing above the cursor is ever pruned. */
  reload(): void {
    this.#ids.reload();
    const [, last, cursor] = this.#bounds.get(this.#pipeline) ?? [null, null, null];
    this.#head = Math.max(last ?? 0, cursor ?? 0);
  }

  /** The position of the event, or {@link isDuplicate}, or {@link isLate}. */
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

  /**
   * Forgets old events behind a position, and ids. Of events it looks at a piece alone: those that dead letters or their keys keep
   * may be a million.
   */
  prune({ acceptedBefore, idsBefore, limit }: Retention, after: number): Pruned {
    const last = this.#lastBefore(acceptedBefore);
    const [end, looked] = this.#pieceEnd.get(after, last, pieceMax) ?? [null, 0];
    const events = end === null ? 0 : Number(this.#pruneLog.run(after, end, this.#pipeline, limit).changes);
    // What the limit left of the piece is looked at again.
    const isWhole = end === null || events < limit;
    const next = isWhole && looked < pieceMax ? null : isWhole ? end : after;
    return { removed: events + this.#ids.forget(idsBefore, limit), next };
  }

  /** Holds the event by its number, unless that is known. */
  #judgeNumber(key: string, number: number, position: number): typeof isDuplicate | typeof isLate | undefined {
    const next = this.#next.get(key)?.[0] ?? null;
    if (next !== null && number < next) return this.#skipped.get(this.#pipeline, key, number) === undefined ? isDuplicate : isLate;
    return this.#hold.run(key, number, position).changes === 0 ? isDuplicate : undefined;
  }

  /**
   * The highest settled position that was accepted before a moment; 0 if there is none. Found by halving, without an
   * index that every append would pay for: events are accepted in the order of their positions.
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
