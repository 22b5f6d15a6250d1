import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../servers/cleanup.ts';
import { runWrk, type WrkResult } from './wrk.ts';

export interface Load {
  readonly name: string;
  /** Where the load goes. */
  readonly url: string;
  readonly script: string;
  readonly connections: number;
  readonly seconds: number;
  /** Whether it is Millrace, which has metrics, and handles what it has accepted. */
  readonly isHandled: boolean;
}

export interface LoadResult extends WrkResult {
  readonly name: string;
  /** Events accepted and processed per second, from the first request until all were. For the echo server its answers. */
  readonly eventRate: number;
}

interface Metrics {
  readonly events_received: number;
  readonly events_processed: number;
  readonly events_failed: number;
}

const pollMs = 5;
/** How long nothing may be processed while there is something to do. */
const timeoutMs = 30_000;
/** After so long what still waits was cut off. */
const cutOffMs = 1_000;

/** Runs a load and waits until all that came of it is processed. Throws when an event has failed, or when it takes too long. */
export async function runLoad(load: Load, cleanup: Cleanup): Promise<LoadResult> {
  const before = load.isHandled ? await metricsOf(load.url) : undefined;
  const result = await runWrk(load, cleanup);
  if (before === undefined) return { ...result, name: load.name, eventRate: result.requestRate };
  const endedAt = performance.now();
  const after = await whenProcessed(load);
  const seconds = result.seconds + Math.max(0, after.at - endedAt) / 1_000;
  return { ...result, name: load.name, eventRate: (after.processed - before.events_processed) / seconds };
}

/**
 * Resolves to how many were processed, and when. The end of a load cuts off what its connections were about to send, so
 * that of numbered messages a few may wait for ever for one before them: no more than there were connections.
 */
async function whenProcessed({ url, connections }: Load): Promise<{ readonly processed: number; readonly at: number }> {
  let processed = -1;
  let at = performance.now();
  for (;;) {
    const metrics = await metricsOf(url);
    if (metrics.events_failed > 0) throw new Error(`expected no failed events, found ${metrics.events_failed}`);
    if (metrics.events_processed !== processed) {
      processed = metrics.events_processed;
      at = performance.now();
    }
    const left = metrics.events_received - processed;
    const quietMs = performance.now() - at;
    if (left === 0 || (left <= connections && quietMs > cutOffMs)) return { processed, at };
    if (quietMs > timeoutMs) throw new Error(`expected ${metrics.events_received} events to be processed, found ${processed}`);
    await sleep(pollMs);
  }
}

async function metricsOf(url: string): Promise<Metrics> {
  const response = await fetch(new URL('/metrics', url));
  return (await response.json()) as Metrics;
}
