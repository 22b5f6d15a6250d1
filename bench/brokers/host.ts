/** The process of one reader: it reads a topic to warm up, and then the measured one, each into its own database. */
import { judge, type Verdict } from '../work/verdict.ts';
import type { ReaderMeans } from './reader.ts';
import { readerNamed } from './readers.ts';

/** A topic, the database for its events, and their number. */
export interface Reading extends Omit<ReaderMeans, 'handled'> {
  readonly events: number;
}

/** The request to a host. */
export interface HostRequest {
  readonly reader: string;
  readonly readings: readonly Reading[];
}

/** The result of the last reading. */
export interface HostAnswer {
  /** From the start of reading to the last durable effect, in milliseconds. */
  readonly elapsedMs: number;
  /** Processor time of this process meanwhile, in milliseconds. */
  readonly cpuMs: number;
  readonly verdict: Verdict;
  /** Difference between the counts in the states and the rows of the history. */
  readonly miscounted: number;
}

/** A message from a host: the measured reading begins or is over, and finally its result. */
export type HostMessage = { readonly reads: boolean } | { readonly answer: HostAnswer };

/** Time without any effect after which the reader is stuck. */
const stallMs = 30_000;

async function read(name: string, { events, ...means }: Reading, tell: (reads: boolean) => void): Promise<HostAnswer> {
  const make = await readerNamed(name).load();
  const all = Promise.withResolvers<void>();
  let count = 0;
  const stalled = setTimeout(() => all.reject(new Error(`nothing has happened since event ${count} of ${events}`)), stallMs);
  const handled = () => {
    count += 1;
    if (count % 1_000 === 0) stalled.refresh();
    if (count === events) all.resolve();
  };
  const reader = make({ ...means, handled });
  await reader.start();
  tell(true);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await all.promise;
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  tell(false);
  clearTimeout(stalled);
  await reader.stop();
  const history = await reader.history();
  const verdict = judge(history, Array(events).keys());
  const miscounted = Math.abs((await reader.countOfStates()) - history.length);
  await reader.close();
  return { elapsedMs, cpuMs: (user + system) / 1_000, verdict, miscounted };
}

process.once('message', ({ reader, readings }: HostRequest) => {
  void (async () => {
    for (const [at, reading] of readings.entries()) {
      const isLast = at === readings.length - 1;
      const answer = await read(reader, reading, (reads) => isLast && process.send?.({ reads } satisfies HostMessage));
      if (isLast) process.send?.({ answer } satisfies HostMessage);
    }
    process.disconnect?.();
  })();
});
