import type { WorkEvent } from '../work/event.ts';
import { nextState, type WorkState } from '../work/state.ts';
import type { HistoryRow } from '../work/verdict.ts';

/** Runs a statement, on the connection or in the transaction that the peer provides. */
export type Query = (text: string, values: unknown[]) => Promise<{ readonly rows: unknown[] }>;

const historyTable =
  'history (id bigserial PRIMARY KEY, key text NOT NULL, seq integer NOT NULL, n integer NOT NULL, total integer NOT NULL)';

/** The history, the same for all peers on Postgres. */
export async function makeHistory(query: Query): Promise<void> {
  await query(`CREATE TABLE IF NOT EXISTS ${historyTable}`, []);
}

/** The tables of the work, for the peers on Postgres. */
export async function makeTables(query: Query): Promise<void> {
  await query(
    'CREATE TABLE IF NOT EXISTS state (key text PRIMARY KEY, count integer NOT NULL, last integer NOT NULL, sum double precision NOT NULL)',
    [],
  );
  await makeHistory(query);
}

/**
 * The handler of the peers on Postgres, in the fewest round trips: one reads the state, one writes it and the history row. A single
 * statement is its own transaction if the peer provides none. The peer keeps other handlers off the key.
 */
export async function handle(query: Query, event: WorkEvent): Promise<void> {
  const { rows } = await query('SELECT count, last, sum FROM state WHERE key = $1', [event.key]);
  const next = nextState(event, rows[0] as WorkState | undefined);
  await query(
    `WITH written AS (
       INSERT INTO state VALUES ($1, $2, $3, $4)
       ON CONFLICT (key) DO UPDATE SET count = excluded.count, last = excluded.last, sum = excluded.sum)
     INSERT INTO history (key, seq, n, total) VALUES ($1, $3, $5, $2)`,
    [event.key, next.count, event.seq, next.sum, event.n],
  );
}

export async function readHistory(query: Query): Promise<HistoryRow[]> {
  const { rows } = await query('SELECT key, seq::int4, n::int4, total::int4 FROM history ORDER BY id', []);
  return rows as HistoryRow[];
}

/** @param states the table of the keys' states, with a `count` in each row */
export async function readCountOfStates(query: Query, states = 'state'): Promise<number> {
  const { rows } = await query(`SELECT coalesce(sum(count), 0)::float8 AS count FROM ${states}`, []);
  return (rows[0] as { readonly count: number }).count;
}
