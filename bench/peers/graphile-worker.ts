import { Logger, makeWorkerUtils, type Runner, run, WorkerPreset, type WorkerUtils } from 'graphile-worker';
import { Pool } from 'pg';
import type { WorkEvent } from '../work/event.ts';
import type { Peer, PeerMeans } from './peer.ts';
import { handle, makeTables, type Query, readCountOfStates, readHistory } from './postgres-work.ts';

const concurrency = 24;

/**
 * graphile-worker with the settings its docs recommend for the highest throughput: a local queue that fetches hundreds of jobs at once,
 * batched completions, and a `queueName` per key for the order.
 */
export function makeGraphileWorker({ database, handled }: PeerMeans): Peer {
  const pool = new Pool({ connectionString: database, max: concurrency + 6 });
  const report = (error: Error) => process.stderr.write(`graphile-worker: ${error.message}\n`);
  pool.on('error', report);
  pool.on('connect', (connection) => connection.on('error', report));
  const query: Query = (text, values) => pool.query(text, values);
  const logger = new Logger(() => () => undefined);
  let utilities: WorkerUtils | undefined;
  let runner: Runner | undefined;
  return {
    async start() {
      utilities = await makeWorkerUtils({ pgPool: pool, logger });
      await utilities.migrate();
      await makeTables(query);
    },
    async ingest(events) {
      await utilities?.addJobs(events.map((payload) => ({ identifier: 'work', payload, queueName: payload.key })));
    },
    async work() {
      runner = await run({
        pgPool: pool,
        logger,
        noHandleSignals: true,
        taskList: {
          async work(payload) {
            const event = payload as WorkEvent;
            await handle(query, event);
            handled(event.n);
          },
        },
        preset: {
          extends: [WorkerPreset],
          worker: {
            concurrentJobs: concurrency,
            pollInterval: 50,
            localQueue: { size: 500 },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
      });
    },
    async rest() {
      await runner?.stop();
      runner = undefined;
    },
    history: () => readHistory(query),
    countOfStates: () => readCountOfStates(query),
    async stop() {
      await runner?.stop();
      await utilities?.release();
      await pool.end();
    },
  };
}
