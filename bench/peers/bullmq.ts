import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { WorkEvent } from '../work/event.ts';
import { nextState, type WorkState } from '../work/state.ts';
import type { HistoryRow } from '../work/verdict.ts';
import type { Peer, PeerMeans } from './peer.ts';

const concurrency = 100;

/**
 * BullMQ with bulk insertion and one worker of high concurrency. Only its Pro edition orders events per key, so handlers of one key also
 * run side by side: the history shows the effect on the order.
 */
export function makeBullmq({ redisPort, handled }: PeerMeans): Peer {
  const connection = { host: '127.0.0.1', port: redisPort, maxRetriesPerRequest: null };
  const redis = new Redis({ ...connection, enableAutoPipelining: true });
  const queue = new Queue('work', { connection });
  let worker: Worker | undefined;

  async function handle(event: WorkEvent): Promise<void> {
    const stored = await redis.get(`state:${event.key}`);
    const next = nextState(event, stored === null ? undefined : (JSON.parse(stored) as WorkState));
    const row = JSON.stringify({ key: event.key, seq: event.seq, n: event.n, total: next.count });
    await redis.multi().set(`state:${event.key}`, JSON.stringify(next)).rpush('history', row).exec();
    handled(event.n);
  }

  return {
    async start() {
      await queue.waitUntilReady();
    },
    async ingest(events) {
      await queue.addBulk(events.map((data) => ({ name: 'event', data, opts: { attempts: 3, removeOnComplete: true } })));
    },
    async work() {
      worker = new Worker('work', (job) => handle(job.data as WorkEvent), { connection, concurrency });
      // A connection fault; the awaited result does not come, and the measurement reports that.
      worker.on('error', (error) => process.stderr.write(`bullmq: ${error.message}\n`));
      await worker.waitUntilReady();
    },
    async rest() {
      await worker?.close();
      worker = undefined;
    },
    async history() {
      const rows = await redis.lrange('history', 0, -1);
      return rows.map((row) => JSON.parse(row) as HistoryRow);
    },
    async countOfStates() {
      const keys = await redis.keys('state:*');
      const states = keys.length === 0 ? [] : await redis.mget(keys);
      return states.reduce((sum, state) => sum + (JSON.parse(state ?? '{"count":0}') as WorkState).count, 0);
    },
    async stop() {
      await worker?.close();
      await queue.close();
      redis.disconnect();
    },
  };
}
