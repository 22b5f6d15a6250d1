/** One engine of the measured fleet, with its own load: `member.ts URL RETENTION NTH MEMBERS KEYS`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Duration, type MillraceError, millrace, mysql, postgres } from '../../src/index.ts';
import type { Request, Response, Taken } from './protocol.ts';
import { TableStream } from './table-stream.ts';
import { tableWork } from './work.ts';

const batchSize = 50;
const tickMs = 20;
/** Maximum concurrent batches of one pipeline: beyond that the load waits. */
const underWayMax = 4;

const [url = '', retain = '2m', nth = '0', members = '1', keys = '1000'] = process.argv.slice(2);
const pipelines = tableWork(retain as Duration);
const mill = await millrace({ store: url.startsWith('mysql:') ? mysql(url) : postgres(url), pipelines }).start();
const streams = pipelines.map(({ name }) => ({
  name,
  stream: new TableStream({ keys: Number(keys), nth: Number(nth), of: Number(members), isNumbered: name === 'readings' }),
}));

const comeBack: ReadonlySet<string> = new Set(['MILL_BACKLOG_FULL', 'MILL_MEMORY_FULL', 'MILL_STORE_UNAVAILABLE']);
let refusals = 0;

const calls: { readonly [Name in Request['call']]: (request: Extract<Request, { call: Name }>) => Promise<Taken | undefined> } = {
  load: ({ rate, seconds }) => load(rate, seconds),
  async settle() {
    const startedAt = performance.now();
    const late = streams.map(({ name, stream }) => ({ name, events: stream.rest() }));
    for (const { name, events } of late) await ingest(name, events);
    await mill.idle(600_000);
    const events = late.reduce((sum, one) => sum + one.events.length, 0);
    return { events, seconds: (performance.now() - startedAt) / 1_000, refusals: 0 };
  },
  async stop() {
    await mill.stop();
    return undefined;
  },
};

/** An open loop of batches, half of the events for each pipeline, limited by the batches under way. */
async function load(rate: number, seconds: number): Promise<Taken> {
  const startedAt = performance.now();
  refusals = 0;
  const taken = await Promise.all(streams.map(({ name, stream }) => pour({ name, stream, rate: rate / streams.length, seconds })));
  return { events: taken.reduce((sum, count) => sum + count, 0), seconds: (performance.now() - startedAt) / 1_000, refusals };
}

interface Pour {
  readonly name: 'payments' | 'readings';
  readonly stream: TableStream;
  /** Events per second. */
  readonly rate: number;
  readonly seconds: number;
}

async function pour({ name, stream, rate, seconds }: Pour): Promise<number> {
  const startedAt = performance.now();
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - startedAt) / 1_000) {
    while (sent + batchSize <= elapsed * rate) {
      if (underWay.size >= underWayMax) await Promise.race(underWay);
      const events = stream.take(batchSize);
      const batch = ingest(name, events).finally(() => underWay.delete(batch));
      underWay.add(batch);
      sent += batchSize;
    }
    await sleep(tickMs);
  }
  await Promise.all(underWay);
  return sent;
}

/** Like a caller that is asked to come back: a repeated batch may have been taken in before. */
async function ingest(name: 'payments' | 'readings', events: ReturnType<TableStream['take']>): Promise<void> {
  for (let left = events; left.length > 0; ) {
    try {
      const judged = await mill.ingestBatch(name, left);
      const faults = judged.flatMap((one) => (one.status === 'rejected' ? [one.error] : []));
      left = left.filter((_, at) => judged[at]?.status === 'rejected');
      if (faults[0] !== undefined) throw faults.find(({ code }) => !comeBack.has(code)) ?? faults[0];
    } catch (error) {
      const { retryAfterMs, code = '' } = error as Partial<MillraceError>;
      if (!comeBack.has(code)) throw error;
      refusals += 1;
      await sleep(retryAfterMs ?? 1_000);
    }
  }
}

function answer(response: Response): void {
  process.send?.(response);
}

process.on('message', (request: Request) => {
  const { call } = request;
  (calls[call] as (request: Request) => Promise<Taken | undefined>)(request).then(
    (taken) => answer({ call, taken }),
    (error: unknown) => answer({ call, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches all processes of the terminal; the program ends its members itself.
process.on('SIGINT', () => undefined);
answer({ call: 'start', taken: undefined });
