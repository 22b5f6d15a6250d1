import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer } from '../peers/peer.ts';
import { type Distribution, distributionOf } from '../work/distribution.ts';
import type { EventStream, WorkEvent } from '../work/event.ts';
import type { Progress } from './progress.ts';

/** The target of a load, and its events. */
export interface LoadMeans {
  readonly peer: Peer;
  readonly progress: Progress;
  /** One for each sender. */
  readonly streams: readonly EventStream[];
}

export const batchSize = 100;
/** The beginning of a load that is not counted, in milliseconds. */
const warmUpMs = 1_000;

/** Takes `count` events in, in batches of 100, one at a time per sender. Resolves to the milliseconds it took. */
export async function fill({ peer, streams }: LoadMeans, count: number): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(
    streams.map(async (stream, sender) => {
      let left = Math.floor(count / streams.length) + (sender < count % streams.length ? 1 : 0);
      for (; left > 0; left -= batchSize) await peer.ingest(stream.take(Math.min(left, batchSize)));
    }),
  );
  return performance.now() - startedAt;
}

/** Takes batches in until the process ends, at most `ahead` events faster than they are handled. Reports the acknowledged ones. */
export function pour({ peer, progress, streams }: LoadMeans, ahead: number, acknowledged: (ns: readonly number[]) => void): void {
  let sent = progress.count;
  for (const stream of streams) {
    void (async () => {
      for (;;) {
        while (sent - progress.count > ahead) await sleep(1);
        sent += batchSize;
        const events = stream.take(batchSize);
        await peer.ingest(events);
        acknowledged(events.map(({ n }) => n));
      }
    })();
  }
}

/** A closed loop: keeps `window` events under way, each taken in by itself. Resolves to the events handled per second. */
export async function saturate(means: LoadMeans, seconds: number, window: number): Promise<number> {
  const send = sender(means);
  const { progress, streams } = means;
  const startedAt = performance.now();
  const endsAt = startedAt + warmUpMs + seconds * 1_000;
  const lanes = Array.from({ length: window }, async (_, lane) => {
    const stream = streams[lane % streams.length] as EventStream;
    while (performance.now() < endsAt) {
      const event = stream.next();
      const handled = progress.of(event.n);
      await send(event);
      await handled;
    }
  });
  await sleep(warmUpMs);
  const [countedFrom, countedAt] = [progress.count, performance.now()];
  await sleep(endsAt - performance.now());
  const rate = (progress.count - countedFrom) / ((performance.now() - countedAt) / 1_000);
  await Promise.all(lanes);
  return rate;
}

/**
 * An open loop: sends an event every 1/rate seconds, whatever happens to the others. Resolves to the milliseconds from the moment each
 * event was due to be sent to the moment its effects were durable, so that a stall of the system counts for everything it delayed.
 */
export async function openLoop(means: LoadMeans, seconds: number, rate: number): Promise<Distribution> {
  const send = sender(means);
  const { progress, streams } = means;
  const latencies: number[] = [];
  const underWay: Promise<void>[] = [];
  const total = Math.ceil(rate * (seconds + warmUpMs / 1_000));
  const startedAt = performance.now();
  for (let sent = 0; sent < total; await sleep(1)) {
    const due = Math.min(total, 1 + Math.floor(((performance.now() - startedAt) / 1_000) * rate));
    for (; sent < due; sent += 1) {
      const dueAt = startedAt + (sent / rate) * 1_000;
      const event = (streams[sent % streams.length] as EventStream).next();
      const handled = progress.of(event.n).then(() => {
        if (dueAt - startedAt >= warmUpMs) latencies.push(performance.now() - dueAt);
      });
      underWay.push(Promise.all([send(event), handled]).then(() => undefined));
    }
  }
  await Promise.all(underWay);
  return distributionOf(latencies);
}

/** Takes events in one by one; those of a key one after another, since otherwise their order of arrival would be unknown. */
function sender({ peer }: LoadMeans): (event: WorkEvent) => Promise<void> {
  const last = new Map<string, Promise<void>>();
  return (event) => {
    const before = last.get(event.key);
    const sent = before === undefined ? peer.ingest([event]) : before.then(() => peer.ingest([event]));
    last.set(event.key, sent);
    return sent.then(() => {
      if (last.get(event.key) === sent) last.delete(event.key);
    });
  };
}
