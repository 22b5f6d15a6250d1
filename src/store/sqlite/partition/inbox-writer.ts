import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import type { NewDeadLetter, NewInboxRow, PartitionId } from '../../store.ts';
import { type EventRow, isBuried, isGone, isLate } from './rows.ts';

/** A row that is taken, and its fate: exactly one of the two is set. */
export type TakingRow = readonly [place: number, event: EventRow | null, letter: NewDeadLetter | null];

/** The dependencies for taking rows, provided by the writer. */
export interface InboxWriterMeans {
  append(event: EventRow): number;
  bury(partition: PartitionId, letter: NewDeadLetter): void;
}

/** Takes rows of the inbox, and puts some back, within the caller's transaction. */
export class InboxWriter {
  readonly #means: InboxWriterMeans;
  readonly #any: Select<[1]>;
  readonly #find: Select<[1]>;
  readonly #delete: StatementSync;
  readonly #insert: StatementSync;

  constructor(db: DatabaseSync, means: InboxWriterMeans) {
    this.#means = means;
    this.#any = new Select(db, 'SELECT 1 FROM millrace_inbox LIMIT 1');
    this.#find = new Select(db, 'SELECT 1 FROM millrace_inbox WHERE place = ?');
    this.#delete = db.prepare('DELETE FROM millrace_inbox WHERE place = ?');
    this.#insert = db.prepare('INSERT INTO millrace_inbox (pipeline, event, id, traceparent) VALUES (?, ?, ?, ?)');
  }

  get hasRows(): boolean {
    return this.#any.get() !== undefined;
  }

  /**
   * Returns a number for each: as for an appended event, or {@link isBuried}, or {@link isGone}.
   *
   * @param partition the partition of the dead letters
   */
  take(partition: PartitionId, takings: readonly TakingRow[]): readonly number[] {
    return takings.map((taking) => this.#take(partition, taking));
  }

  insert({ pipeline, event, id, traceparent }: NewInboxRow): void {
    this.#insert.run(pipeline, event, id, traceparent);
  }

  #take(partition: PartitionId, [place, event, letter]: TakingRow): number {
    if (this.#find.get(place) === undefined) return isGone;
    const answer = event === null ? this.#bury(partition, letter) : this.#means.append(event);
    if (answer !== isLate) this.#delete.run(place);
    return answer;
  }

  #bury(partition: PartitionId, letter: NewDeadLetter | null): number {
    if (letter !== null) this.#means.bury(partition, letter);
    return isBuried;
  }
}
