import type { Flight } from '../../sql/connection/flight.ts';
import type { Parameter } from '../../sql/connection/statement.ts';
import type { Column } from '../../sql/write/columns.ts';
import { quote } from '../../tables/sql-text.ts';
import { isSame, jsonTable } from '../read/json-rows.ts';

/*
 * Deletes rows selected by a condition. A DELETE that searches for them itself waits for each row it meets that another transaction has
 * written: the one after the end of a range and, in a small table, which it scans whatever its indexes, all of them. So the rows are found
 * without locks, and each is then looked up by its primary key.
 */

/** The selection of rows to delete. */
export interface FoundRows {
  readonly table: string;
  /** The columns of the primary key. */
  readonly key: readonly Pick<Column, 'name' | 'kind'>[];
  /** A condition on a row `gone`. */
  readonly condition: string;
  /**
   * A condition on attributes that may have changed since the row was found. It must name no key column: the row would not be looked up by
   * its key.
   */
  readonly still?: string;
  readonly values: readonly Parameter[];
}

/** Deletes the rows that exist when it begins. A session variable holds their keys. */
export function addDeletion(flight: Flight, { table, key, condition, still, values }: FoundRows): void {
  const columns = key.map(({ name, kind }) => (kind === 'text' ? `CONVERT(gone.${quote(name)} USING utf8mb4)` : `gone.${quote(name)}`));
  const rows = `${table} AS gone FORCE INDEX (PRIMARY)`;
  flight.add({
    text: `SELECT JSON_ARRAYAGG(JSON_ARRAY(${columns.join(', ')})) INTO @millrace_found FROM ${rows} WHERE ${condition}`,
    values,
  });
  const isFound = [isSame('gone', 'found', key), ...(still === undefined ? [] : [still])].join(' AND ');
  flight.add({
    text: `DELETE gone FROM ${jsonTable('@millrace_found', key)} AS found STRAIGHT_JOIN ${rows} ON ${isFound}`,
    values,
  });
  flight.add({ text: 'SET @millrace_found = NULL', values: [] });
}
