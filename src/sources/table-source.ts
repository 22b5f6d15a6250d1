import type { SelectQueryBuilder } from 'kysely';
import { invalid } from '../pipeline/check.ts';
import { checkOptions, type OptionTable, required } from '../pipeline/check-options.ts';
import { isTable } from '../pipeline/check-table.ts';
import { aFunction, synchronous } from '../pipeline/expectations.ts';
import { Place } from '../pipeline/place.ts';
import type { Source, SourceRun } from '../pipeline/schedule.ts';
import { SourceRows } from '../pipeline/source-rows.ts';
import type { StoredRowOf, Table } from '../pipeline/table.ts';
import type { TableQuery } from '../pipeline/table-query.ts';
import { type AnyRows, TableRows } from './table-rows.ts';

const place: Place = new Place('tableSource', 'MILL_INVALID_DECLARATION');

const sourceOptions: OptionTable<TableSourceOptions<Table, unknown, unknown>> = {
  rows: required(synchronous("(query) => query.selectAll().where('status', '=', 'PENDING')")),
  event: required(aFunction('(row) => ({ id: row.id })')),
};

type Rows<T extends Table, Row> = SelectQueryBuilder<Record<T['name'], StoredRowOf<T>>, T['name'], Row>;

export interface TableSourceOptions<T extends Table, Row, Input> {
  /**
   * Returns the waiting rows, most urgent first. Its `limit` and `offset` are ignored: the schedule's `batch` sets how many a run takes,
   * and a row that may not be taken again yet must not block those behind it.
   */
  rows(query: TableQuery<T>, run: Pick<SourceRun, 'dueAt' | 'now'>): Rows<T, Row>;
  /** Returns the event for a row. If it throws, or the pipeline's schema refuses the event, the row becomes a dead letter. */
  event(row: Row): Input | Promise<Input>;
}

/**
 * A source for a pipeline's `schedule` that reads rows from a declared table, whoever inserted them. The table must have a primary key.
 *
 * A row waits for as long as `rows` finds it: a handler that has finished with a row changes it with `turn.update`, which commits with the
 * turn. No run takes the row again while its event waits, runs or is retried, or while its dead letter is neither redriven nor discarded,
 * even across crashes. A handler that delivers is finished once it has requested the delivery: if `rows` still finds the row while its
 * delivery waits for a retry, the row is taken again, so use an id derived from the row.
 *
 * A row is read when its turn comes; a row that no longer waits, perhaps because it was deleted, is skipped. A row that yields no event
 * becomes a dead letter with the reason and the row's `origin`, and the next row takes its place in the batch. A redrive lets the next run
 * take the row once more; so does a discard if `rows` still finds it: fix or remove the row first.
 *
 * A run ends before the next begins, and only the owner of the pipeline's partition runs and commits (a stale owner is fenced off), so no
 * two instances take the same row.
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
 * Throws `MILL_INVALID_DECLARATION` for a table without a primary key, and for a wrong or unknown option.
 */
export function tableSource<T extends Table, Row, Input>(table: T, options: TableSourceOptions<T, Row, Input>): Source<Input> {
  if (!isTable(table)) place.expected('a table, made by table(…), before the options', table);
  checkOptions(options, sourceOptions, place);
  const { rows, event } = options;
  if (table.primaryKey.length === 0) invalid(`tableSource: expected a table with a primary key, found ${table.name}`);
  return ({ query, limit, ...run }) => {
    // The declaration determines the columns; Kysely's types cannot follow a table they do not know.
    const waiting = () => rows(query(table), run) as unknown as AnyRows<Row>;
    const waitingRows = new TableRows(table, waiting, event);
    return new SourceRows((pending) => waitingRows.take(limit, pending));
  };
}
