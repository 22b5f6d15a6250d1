import type { DatabaseSync } from 'node:sqlite';
import { pageUpTo, sizeOfLetter } from '../../list-size.ts';
import { Select } from '../../node-sqlite/select.ts';
import type { DeadLetter, DeadLetterQuery, ListBounds } from '../../store.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';

type LetterRow = readonly [
  id: string,
  pipeline: string,
  slice: number,
  key: string,
  reason: string,
  failedAt: number,
  attempts: number,
  position: number | null,
  order: number | null,
  numberFrom: number | null,
  numberTo: number | null,
  parked: number,
  timerName: string | null,
  timerDueAt: number | null,
  timerData: string | null,
  delivery: string | null,
  origin: string | null,
  stack: string | null,
];
type EventRow = readonly [id: string, acceptedAt: number, body: string, origin: string | null];

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
      `SELECT id, pipeline, slice, key, reason, failed_at, attempts, position, "order", number_from, number_to, parked,
         timer_name, timer_due_at, timer_data, delivery, origin, stack
       FROM millrace_dead_letters WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ?`,
    );
    if (bounds?.charactersMax === undefined) return select.all(...parameters, limit).map((row) => this.#toDeadLetter(row));
    const letters = select.each(...parameters, limit).map((row) => this.#toDeadLetter(row));
    return pageUpTo(letters, sizeOfLetter, bounds.charactersMax);
  }

  #toDeadLetter(row: LetterRow): DeadLetter {
    const [id, pipeline, slice, key, reason, failedAt, attempts, position, order, numberFrom, numberTo, parked, ...others] = row;
    const [name, dueAt, data, delivery, origin, stack] = others;
    const event = position === null ? undefined : this.#event(pipeline, position);
    const [eventId, acceptedAt, body, eventOrigin] = event ?? [null, null, null, null];
    return {
      id,
      partition: { pipeline, slice },
      key,
      reason,
      stack,
      failedAt,
      attempts,
      event: position === null || order === null ? null : { position, order },
      timer: name === null || dueAt === null ? null : { name, dueAt, data },
      delivery: delivery === null ? null : JSON.parse(delivery),
      numbers: numberFrom === null || numberTo === null ? null : { from: numberFrom, to: numberTo },
      origin: origin ?? eventOrigin,
      parked: parked === 1,
      body,
      eventId,
      acceptedAt,
    };
  }

  #event(pipeline: string, position: number): EventRow | undefined {
    return new Select<EventRow>(this.#db, `SELECT id, accepted_at, body, origin FROM ${tablesOf(pipeline).log} WHERE position = ?`).get(
      position,
    );
  }
}
