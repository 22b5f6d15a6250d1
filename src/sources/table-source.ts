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
   * The rows that wait, most urgent first. Its `limit` and `offset` do not count: the schedule's `batch` says how many a run
   * takes, and a row that is not to be taken again yet must not keep those behind it from their turn.
   */
  rows(query: TableQuery<T>, run: Pick<SourceRun, 'dueAt' | 'now'>): Rows<T, Row>;
  /** The event that a row is. When it throws, or the pipeline's schema refuses the event, the row becomes a dead letter. */
  event(row: Row): Input | Promise<Input>;
}

/**
 * A source of the rows that anyone may have put into a declared table, for a pipeline's `schedule`. The table must have a
 * primary key.
 *
 * A row waits for as long as `rows` finds it: a handler that is done with one changes it with `turn.update`, and that commits
 * with the turn. While an event of a row waits, runs or is tried again, and while a dead letter of it is neither redriven nor
 * discarded, no run takes the row again; a crash changes nothing about that. A handler that delivers is done when it has
 * asked: a row that is still found while its delivery waits for a retry is taken again, so deliver under an id of the row.
 *
 * A row is read when its turn comes: one that waits no longer, since somebody deleted it perhaps, is left out. One of which no
 * event can be made becomes a dead letter with the reason and the row's `origin`, and the next row takes its place in the
 * batch. A redrive lets the next run take the row once more; so does a discard when `rows` still finds it: fix or remove the
 * row first.
 *
 * A run ends before the next begins, and only the owner of the pipeline's partition makes runs and commits (a stale owner is
 * fenced off), so no two instances take the same row.
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
 * Throws `MILL_INVALID_DECLARATION` for a table without a primary key, and for an option that is wrong or unknown.
 */
export function tableSource<T extends Table, Row, Input>(table: T, options: TableSourceOptions<T, Row, Input>): Source<Input> {
  if (!isTable(table)) place.expected('a table, made by table(…), in front of the options', table);
  checkOptions(options, sourceOptions, place);
  const { rows, event } = options;
  if (table.primaryKey.length === 0) invalid(`tableSource: expected a table with a primary key, found ${table.name}`);
  return ({ query, limit, ...run }) => {
    // The declaration says which columns there are; Kysely's types cannot follow a table that is not known.
    const waiting = () => rows(query(table), run) as unknown as AnyRows<Row>;
    const waitingRows = new TableRows(table, waiting, event);
    return new SourceRows((pending) => waitingRows.take(limit, pending));
  };
}
