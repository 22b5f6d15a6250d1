import type { Source } from '../pipeline/schedule.ts';
import type { Table } from '../pipeline/table.ts';
import type { TableQuery } from '../pipeline/table-query.ts';

/** A query that yields rows; one of Kysely's is. */
interface Rows<Row> {
  limit(count: number): { execute(): Promise<readonly Row[]> };
}

export interface TableSourceOptions<T extends Table, Row, Input> {
  /** The rows that wait, those first that shall go first. */
  rows(query: TableQuery<T>): Rows<Row>;
  /** The event that a row is. One that the pipeline's schema refuses is logged and taken again by the next run. */
  event(row: Row): Input;
}

/**
 * A source of the rows that anyone may have put into a declared table, for a pipeline's `schedule`.
 *
 * A row waits for as long as `rows` finds it: a handler that is done with one changes it with `turn.update`, and that commits
 * with the turn. A run ends before the next begins, and only the owner of the pipeline's partition makes runs and commits
 * (a stale owner is fenced off), so no two instances take the same row.
 *
 * ```ts
 * schedule: {
 *   every: '2m',
 *   batch: 10,
 *   source: tableSource(mails, {
 *     rows: (query) => query.selectAll().where('status', '=', 'PENDING').orderBy('created_at'),
 *     event: ({ id, address }) => ({ id, address }),
 *   }),
 * },
 * ```
 */
export function tableSource<T extends Table, Row, Input>(table: T, { rows, event }: TableSourceOptions<T, Row, Input>): Source<Input> {
  return async ({ query, limit }) => {
    const found = await rows(query(table)).limit(limit).execute();
    return found.map(event);
  };
}
