import { Pool } from 'pg';
import { handle, makeTables, type Query, readCountOfStates, readHistory } from '../peers/postgres-work.ts';
import { makePerMessageReader } from './per-message.ts';
import type { MakeReader } from './reader.ts';

/** One message of a partition at a time, on Postgres, with this many partitions at once. */
export function postgresPerMessageReader(lanes: number): MakeReader {
  return (means) => {
    const pool = new Pool({ connectionString: means.database, max: lanes });
    const query: Query = (text, values) => pool.query(text, values);
    const rows = {
      open: () => makeTables(query),
      async handle(event: Parameters<typeof handle>[1]) {
        const client = await pool.connect();
        try {
          await client.query('BEGIN');
          await handle((text, values) => client.query({ name: text.slice(0, 60), text, values }), event);
          await client.query('COMMIT');
        } finally {
          client.release();
        }
      },
      history: () => readHistory(query),
      countOfStates: () => readCountOfStates(query),
      close: () => pool.end(),
    };
    return makePerMessageReader(rows, lanes, means);
  };
}
