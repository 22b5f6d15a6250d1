import { Pool } from 'pg';
import { PgBoss } from 'pg-boss';
import type { WorkEvent } from '../work/event.ts';
import type { Peer, PeerMeans } from './peer.ts';
import { handle, makeTables, type Query, readCountOfStates, readHistory } from './postgres-work.ts';

type Database = ReturnType<PgBoss['getDb']>;

export const queue = 'work';

/**
 * pg-boss with a `key_strict_fifo` queue, a `singletonKey` per key, and transactional workers, so that effects and the end of the job
 * commit together. Workers fetch without pause while batches are full, and are woken by `NOTIFY`.
 */
export function makePgBoss({ database, handled }: PeerMeans): Peer {
  const pool = new Pool({ connectionString: database, max: 4 });
  const query: Query = (text, values) => pool.query(text, values);
  const boss = new PgBoss({ connectionString: database, max: 24, useListenNotify: true });
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
  /** The events handled in a transaction that is not committed yet. */
  const handledIn = new WeakMap<Database, number[]>();

  async function handleAll(jobs: readonly { readonly data: WorkEvent }[], transaction: Database): Promise<void> {
    for (const { data } of jobs) await handle((text, values) => transaction.executeSql(text, values), data);
    handledIn.set(
      transaction,
      jobs.map(({ data }) => data.n),
    );
  }

  return {
    async start() {
      await boss.start();
      await boss.createQueue(queue, { policy: 'key_strict_fifo', notify: true });
      await makeTables(query);
      reportCommits(boss.getDb(), (transaction) => {
        for (const n of handledIn.get(transaction) ?? []) handled(n);
      });
    },
    async ingest(events) {
      await boss.insert(
        queue,
        events.map((data) => ({ data, singletonKey: data.key })),
      );
    },
    async work() {
      const options = {
        transactional: true,
        batchSize: 50,
        localConcurrency: 8,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
        notifyPollingIntervalSeconds: 0.5,
      } as const;
      await boss.work<WorkEvent, void, typeof options>(queue, options, handleAll);
    },
    async rest() {
      await boss.offWork(queue, { wait: true });
    },
    history: () => readHistory(query),
    countOfStates: () => readCountOfStates(query),
    async stop() {
      await boss.stop({ graceful: false });
      await pool.end();
    },
  };
}

/** Reports when each of pg-boss's own transactions is committed. */
function reportCommits(database: Database, committed: (transaction: Database) => void): void {
  const begin = database.beginTransaction?.bind(database);
  if (begin === undefined) throw new Error('expected a pg-boss database with transactions');
  database.beginTransaction = async () => {
    const { db, commit, rollback } = await begin();
    return { db, commit: () => commit().then(() => committed(db)), rollback };
  };
}
