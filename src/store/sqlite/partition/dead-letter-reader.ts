import type { DatabaseSync } from 'node:sqlite';
import { pageUpTo, sizeOfLetter } from '../../list-size.ts';
import { Select } from '../../node-sqlite/select.ts';
import type { DeadLetter, DeadLetterQuery, ListBounds } from '../../store.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import { type FailureRow, failureColumns, toFailure } from './dead-letter-columns.ts';

type LetterRow = readonly [
  id: string,
  pipeline: string,
  slice: number,
  key: string,
  reason: string,
  stack: string | null,
  failedAt: number,
  attempts: number,
  ...failure: FailureRow,
];
type EventRow = readonly [id: string, acceptedAt: number, body: string, origin: string | null];

/** What is told of an event that somebody's SQL has deleted from the log: the other letters of the list are told all the same. */
const deletedEvent: EventRow = ['', 0, 'null', null];

/** Reads dead letters with their events, also those of pipelines that are no longer declared. */
export class DeadLetterReader {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  read({ pipeline, key, id, after, limit }: DeadLetterQuery, bounds?: ListBounds): readonly DeadLetter[] {
    const filters = { 'pipeline =': pipeline, 'key =': key, 'id =': id, 'id >': after };
    const conditions = ['resolved = 0'];
    const parameters: string[] = [];
    for (const [condition, value] of Object.entries(filters)) {
      if (value === undefined) continue;
      conditions.push(`${condition} ?`);
      parameters.push(value);
    }
    const select = new Select<LetterRow>(
      this.#db,
      `SELECT id, pipeline, slice, key, reason, stack, failed_at, attempts, ${failureColumns}
       FROM millrace_dead_letters WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ?`,
    );
    if (bounds?.charactersMax === undefined) return select.all(...parameters, limit).map((row) => this.#toDeadLetter(row));
    const letters = select.each(...parameters, limit).map((row) => this.#toDeadLetter(row));
    return pageUpTo(letters, sizeOfLetter, bounds.charactersMax);
  }

  #toDeadLetter([id, pipeline, slice, key, reason, stack, failedAt, attempts, ...row]: LetterRow): DeadLetter {
    const head = { id, partition: { pipeline, slice }, key, reason, stack, failedAt, attempts };
    const failure = toFailure(row);
    if (failure.kind !== 'event') return { ...head, ...failure };
    const [eventId, acceptedAt, body, origin] = this.#event(pipeline, failure.event.position);
    return { ...head, ...failure, eventId, acceptedAt, body, origin };
  }

  #event(pipeline: string, position: number): EventRow {
    const sql = `SELECT id, accepted_at, body, origin FROM ${tablesOf(pipeline).log} WHERE position = ?`;
    return new Select<EventRow>(this.#db, sql).get(position) ?? deletedEvent;
  }
}
