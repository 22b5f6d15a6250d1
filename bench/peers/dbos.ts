import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';
import { Pool } from 'pg';
import type { WorkEvent } from '../work/event.ts';
import type { Peer, PeerMeans } from './peer.ts';
import { handle, makeTables, type Query, readCountOfStates, readHistory } from './postgres-work.ts';

const concurrency = 100;
const applicationVersion = 'bench';

/**
 * DBOS with a queue partitioned by key, one workflow of a key at a time. The handler is a step of a workflow; batches are enqueued in one
 * transaction.
 */
export function makeDbos({ database, handled }: PeerMeans): Peer {
  const pool = new Pool({ connectionString: database, max: 20 });
  const query: Query = (text, values) => pool.query(text, values);
  let client: DBOSClient | undefined;
  let isLaunched = false;

  async function workflow(event: WorkEvent): Promise<void> {
    await DBOS.runStep(() => handle(query, event), { name: 'handle' });
    handled(event.n);
  }

  async function shutdown(): Promise<void> {
    if (isLaunched) await DBOS.shutdown();
    isLaunched = false;
  }

  return {
    async start() {
      await makeTables(query);
      const logLevel = 'error';
      DBOS.setConfig({ name: 'bench', systemDatabaseUrl: database, systemDatabasePoolSize: 20, applicationVersion, logLevel });
      DBOS.registerWorkflow(workflow, { name: 'work' });
      // Makes the system tables; from then on only the client exists, until `work`.
      await DBOS.launch();
      isLaunched = true;
      await DBOS.registerQueue('work', { partitionConcurrency: 1, workerConcurrency: concurrency, minPollingIntervalMs: 10 });
      await shutdown();
      client = await DBOSClient.create({ systemDatabaseUrl: database, systemDatabasePool: pool, applicationName: 'bench' });
    },
    async ingest(events) {
      const connection = await pool.connect();
      try {
        await connection.query('BEGIN');
        for (const event of events) {
          const options = { queueName: 'work', workflowName: 'work', queuePartitionKey: event.key, appVersion: applicationVersion };
          await client?.enqueueInTransaction(connection, options, event);
        }
        await connection.query('COMMIT');
      } finally {
        connection.release();
      }
    },
    async work() {
      await DBOS.launch();
      isLaunched = true;
    },
    rest: shutdown,
    history: () => readHistory(query),
    countOfStates: () => readCountOfStates(query),
    async stop() {
      await shutdown();
      await client?.destroy();
      await pool.end();
    },
  };
}
