import { type Connection, createConnection } from 'mysql2/promise';
import type { HistoryRow } from '../work/verdict.ts';

/** A connection that accepts several statements in one text, with values in place. */
export function connect(url: string): Promise<Connection> {
  return createConnection({ uri: url, multipleStatements: true, charset: 'UTF8MB4_BIN' });
}

export async function readHistory(connection: Connection): Promise<HistoryRow[]> {
  const [rows] = await connection.query('SELECT `key`, seq, n, total FROM history ORDER BY id');
  return rows as HistoryRow[];
}

/** @param states the table and column of the keys' states, as JSON */
export async function readCountOfStates(
  connection: Connection,
  states: { readonly table: string; readonly column: string },
): Promise<number> {
  const sum = `COALESCE(SUM(JSON_VALUE(${states.column}, '$.count')), 0)`;
  const [rows] = await connection.query({ sql: `SELECT ${sum} FROM ${states.table}`, rowsAsArray: true });
  return Number((rows as unknown as [[unknown]])[0][0]);
}
