/*
 * How statements find the rows that they are about. A connection keeps the plan of a statement that it has run a few times, and many tables
 * here are small at first, and empty now and then: a plan that is made at such a moment would read the whole table for each handful of rows,
 * and go on so while the table grows, until somebody analyses it. So no statement of a flight leaves the planner that choice: sequential
 * scans are off (`connections.ts`), and rows are looked up one by one instead of being joined with.
 */

/** Rows that a statement is given, as parameters. */
export interface Asked {
  /** What gives them, such as `unnest($1::text[])`. */
  readonly from: string;
  readonly columns: readonly string[];
}

/** The condition of an UPDATE or a DELETE of those rows of a table that have the values of an asked row in its columns. */
export function among(table: string, { from, columns }: Asked): string {
  return onRows(
    `${from} AS asked (${columns.join(', ')})`,
    `SELECT ctid FROM ${table} WHERE ${columns.map(isAsked).join(' AND ')} OFFSET 0`,
  );
}

/**
 * The same where it takes more to find the rows.
 *
 * @param asked an item of a FROM clause
 * @param found a SELECT of the `ctid`s of the rows for one that is asked. An OFFSET or a LIMIT keeps it from being joined
 */
export function onRows(asked: string, found: string): string {
  return `ctid = ANY (ARRAY(SELECT found.ctid FROM ${asked} CROSS JOIN LATERAL (${found}) AS found))`;
}

/**
 * A SELECT of the `ctid` of the row with the values of an asked row in its primary key, where other indexes begin with some of its columns. A planner
 * that knows nothing of a table takes one of those for as good, or for better if it is smaller, and reads all that it leads to. Of all
 * rows from one on it expects many, and so the first of them by the index that has them in order.
 */
export function byPrimaryKey(table: string, columns: readonly string[]): string {
  const from = `(${columns.join(', ')}) >= (${columns.map((column) => `asked.${column}`).join(', ')})`;
  const next = `SELECT ctid, ${columns.join(', ')} FROM ${table} WHERE ${from} ORDER BY ${columns.join(', ')} LIMIT 1`;
  return `SELECT ctid FROM (${next}) AS next WHERE ${columns.map(isAsked).join(' AND ')}`;
}

/**
 * A condition that always holds for a row of parameters, and that the planner takes for a rare one. Of an UPDATE that takes values from such
 * rows it then expects one row, which it looks up, instead of joining with the whole table. Where that takes the table for empty, because all of it
 * has gone and nothing can be cleaned up, both are the same to it. So an UPDATE of a table that is often so finds the `ctid`s of its rows by
 * lateral look-ups: going from these to the rows is cheaper than any index.
 *
 * @param column one that is never null
 * @param unchanged what changes nothing of it: by default those of an integer. Two make one row of thousands
 */
export function asOfOne(column: string, unchanged: readonly string[] = ['+ 0', '- 0']): string {
  return unchanged.map((nothing) => `${column} = ${column} ${nothing}`).join(' AND ');
}

function isAsked(column: string): string {
  return `${column} = asked.${column}`;
}
