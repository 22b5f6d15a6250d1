import type { Client } from 'pg';

/** How large a table is at one moment. */
export interface TableSize {
  readonly table: string;
  /** Of its rows, those that are kept out of line included. */
  readonly bytes: number;
  /** Of all its indexes. */
  readonly indexBytes: number;
  /** As the database's statistics have them. */
  readonly live: number;
  readonly dead: number;
  readonly vacuums: number;
}

const text = `SELECT relname AS "table", pg_table_size(relid)::float8 AS bytes, pg_indexes_size(relid)::float8 AS "indexBytes",
    n_live_tup::float8 AS live, n_dead_tup::float8 AS dead, autovacuum_count::float8 AS vacuums
  FROM pg_stat_user_tables ORDER BY relname`;

/** All tables of a database. */
export async function tableSizes(client: Client): Promise<readonly TableSize[]> {
  const { rows } = await client.query<TableSize>(text);
  return rows;
}
