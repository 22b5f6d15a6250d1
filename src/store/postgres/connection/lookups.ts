/*
 * Helps statements find their rows. A connection caches the plan of a statement after a few runs, and many tables here are small at first,
 * or empty now and then: a plan made at such a moment would read the whole table for each handful of rows, and keep doing so while the
 * table grows, until somebody analyses it. So no statement of a flight leaves the planner that choice: sequential scans are off
 * (`connections.ts`), and rows are looked up one by one instead of being joined.
 */

/** Rows passed to a statement as parameters. */
export interface Asked {
  /** The source of the rows, such as `unnest($1::text[])`. */
  readonly from: string;
  readonly columns: readonly string[];
}

/** Returns the condition of an UPDATE or a DELETE for rows of a table whose columns match a parameter row. */
export function among(table: string, { from, columns }: Asked): string {
  return onRows(
    `${from} AS asked (${columns.join(', ')})`,
    `SELECT ctid FROM ${table} WHERE ${columns.map(isAsked).join(' AND ')} OFFSET 0`,
  );
}

/**
 * Returns the same for rows that take more to find.
 *
 * @param asked an item of a FROM clause
 * @param found a SELECT of the `ctid`s of the rows for one parameter row. An OFFSET or a LIMIT keeps it from being joined
 */
export function onRows(asked: string, found: string): string {
  return `ctid = ANY (ARRAY(SELECT found.ctid FROM ${asked} CROSS JOIN LATERAL (${found}) AS found))`;
}

/**
 * Returns a SELECT of the `ctid` of the row whose primary key matches a parameter row, for tables where other indexes begin with some of
 * the same columns. A planner that knows nothing of a table considers one of those equal, or better if it is smaller, and reads everything
 * it leads to. Here it expects many rows from a starting point on, and so fetches the first of them through the ordered index.
 */
export function byPrimaryKey(table: string, columns: readonly string[]): string {
  const from = `(${columns.join(', ')}) >= (${columns.map((column) => `asked.${column}`).join(', ')})`;
  const next = `SELECT ctid, ${columns.join(', ')} FROM ${table} WHERE ${from} ORDER BY ${columns.join(', ')} LIMIT 1`;
  return `SELECT ctid FROM (${next}) AS next WHERE ${columns.map(isAsked).join(' AND ')}`;
}

/**
 * Returns a condition that always holds for a parameter row, but that the planner considers rare. For an UPDATE with values from such rows
 * it then expects one row, which it looks up, instead of joining with the whole table. If the planner believes the table is empty, because
 * all rows have gone and nothing can be cleaned up, both cost the same to it. So an UPDATE of a table that is often empty finds its rows'
 * `ctid`s by lateral look-ups: going from these to the rows is cheaper than any index.
 *
 * @param column a column that is never null
 * @param unchanged operations that leave the value unchanged: by default those for an integer. Two of them make one row of thousands
 */
export function asOfOne(column: string, unchanged: readonly string[] = ['+ 0', '- 0']): string {
  return unchanged.map((nothing) => `${column} = ${column} ${nothing}`).join(' AND ');
}

function isAsked(column: string): string {
  return `${column} = asked.${column}`;
}
