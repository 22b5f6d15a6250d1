import { join } from 'node:path';
import { Pool } from 'pg';
import { kafka, type Mill, millrace, postgres, type Store, sqlite } from '../../src/index.ts';
import { reporting, workPipeline } from '../peers/millrace.ts';
import { completeHistory, readsOf as readsOfPostgres } from '../peers/millrace-postgres.ts';
import { readsOf as readsOfSqlite } from '../peers/millrace-sqlite.ts';
import type { Query } from '../peers/postgres-work.ts';
import type { Reader, ReaderMeans } from './reader.ts';

/** Millrace on SQLite with its defaults. */
export function makeMillraceSqliteReader(means: ReaderMeans): Reader {
  const path = join(means.folder, 'millrace.db');
  return { ...readerOn(sqlite(path), means), ...readsOfSqlite(path), close: async () => undefined };
}

/** Millrace on Postgres with its defaults. */
export function makeMillracePostgresReader(means: ReaderMeans): Reader {
  const pool = new Pool({ connectionString: means.database, max: 1 });
  const query: Query = (text, values) => pool.query(text, values);
  const reader = readerOn(postgres(means.database), means);
  return {
    ...reader,
    ...readsOfPostgres(query),
    async start() {
      await reader.start();
      await completeHistory(query);
    },
    close: () => pool.end(),
  };
}

function readerOn(store: Store, { brokers, topic, handled }: ReaderMeans): Pick<Reader, 'start' | 'stop'> {
  const mill: Mill = millrace({ store: reporting(store, handled), pipelines: [workPipeline({ from: kafka({ brokers, topic }) })] });
  return {
    async start() {
      await mill.start();
    },
    stop: () => mill.stop(),
  };
}
