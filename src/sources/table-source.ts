import type { SelectQueryBuilder } from 'kysely';
import { invalid } from '../pipeline/check.ts';
import type { Source, SourceRun } from '../pipeline/schedule.ts';
import type { StoredRowOf, Table } from '../pipeline/table.ts';
import type { TableQuery } from '../pipeline/table-query.ts';

type Rows<T extends Table, Row> = SelectQueryBuilder<Record<T['name'], StoredRowOf<T>>, T['name'], Row>;

export interface TableSourceOptions<T extends Table, Row, Input> {
  /** The rows that wait, those first that shall go first. */
  rows(query: TableQuery<T>, run: Pick<SourceRun, 'dueAt' | 'now'>): Rows<T, Row>;
  /** The event that a row is. One that the pipeline's schema refuses is logged and taken again by the next run. */
  event(row: Row): Input;
}

/**
 * A source of the rows that anyone may have put into a declared table, for a pipeline's `schedule`. The table must have a
 * primary key.
 *
 * A row waits for as long as `rows` finds it: a handler that is done with one changes it with `turn.update`, and that commits
 * with the turn. A row of a batch is looked at once more when its turn comes: one that waits no longer, since somebody deleted
 * it perhaps, is left out. A run ends before the next begins, and only the owner of the pipeline's partition makes runs and
 * commits (a stale owner is fenced off), so no two instances take the same row. What waits for a retry goes on without its run,
 * and a later one may take the row again: a handler keeps in its key's state what must not be done twice.
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
 *
 * Throws `MILL_INVALID_DECLARATION` for a table without a primary key.
 */
export function tableSource<T extends Table, Row, Input>(table: T, { rows, event }: TableSourceOptions<T, Row, Input>): Source<Input> {
  if (table.primaryKey.length === 0) invalid(`tableSource: expected a table with a primary key, found ${table.name}`);
  return async function* ({ query, limit, ...run }) {
    // The declaration says which columns there are; Kysely's types cannot follow a table that is not known.
    const waiting = () => rows(query(table), run) as unknown as SelectQueryBuilder<Record<string, Record<string, unknown>>, string, Row>;
    const keys = await waiting()
      .clearSelect()
      .select([...table.primaryKey])
      .limit(limit)
      .execute();
    for (const key of keys) {
      const one = table.primaryKey.reduce(
        (select, column) => select.where(column, '=', (key as Record<string, unknown>)[column]),
        waiting(),
      );
      const row = await one.executeTakeFirst();
      if (row !== undefined) yield event(row);
    }
  };
}
