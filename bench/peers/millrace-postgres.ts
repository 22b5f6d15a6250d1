import { Pool } from 'pg';
import { postgres } from '../../src/index.ts';
import { makeMillrace } from './millrace.ts';
import type { Peer, PeerMeans } from './peer.ts';
import { type Query, readCountOfStates, readHistory } from './postgres-work.ts';

const states = "(SELECT (state::json ->> 'count')::int8 AS count FROM millrace_keys) AS state";

/** Millrace on Postgres with its defaults. */
export function makeMillraceOnPostgres(means: PeerMeans): Peer {
  const pool = new Pool({ connectionString: means.database, max: 1 });
  const query: Query = (text, values) => pool.query(text, values);
  const peer = makeMillrace(postgres(means.database), means.handled, readsOf(query));
  return {
    ...peer,
    async start() {
      await peer.start();
      await completeHistory(query);
    },
    async stop() {
      await peer.stop();
      await pool.end();
    },
  };
}

/** The other peers' history has such a column, to read its order by; so a row costs the same. */
export async function completeHistory(query: Query): Promise<void> {
  await query('ALTER TABLE history ADD COLUMN IF NOT EXISTS id bigserial UNIQUE', []);
}

/** Reads the database like an outside observer. */
export function readsOf(query: Query): Pick<Peer, 'history' | 'countOfStates'> {
  return { history: () => readHistory(query), countOfStates: () => readCountOfStates(query, states) };
}
