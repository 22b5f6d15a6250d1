import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../servers/cleanup.ts';
import type { ServerProgram } from './program.ts';
import { runWrk, type WrkResult } from './wrk.ts';

export interface Load {
  readonly name: string;
  /** The target of the load. */
  readonly server: ServerProgram;
  readonly script: string;
  readonly connections: number;
  readonly seconds: number;
  /** True for Millrace, which has metrics and handles the events it has accepted. */
  readonly isHandled: boolean;
}

export interface LoadResult extends WrkResult {
  readonly name: string;
  /** Events accepted and processed per second, from the first request until the last was processed. For the echo server, its answers. */
  readonly eventRate: number;
  /** Processor time per event, in all threads of the server. */
  readonly cpuPerEventUs: number;
}

interface Metrics {
  readonly events_received: number;
  readonly events_processed: number;
  readonly events_failed: number;
}

const pollMs = 5;
/** The longest time without progress while there is work to do. */
const timeoutMs = 30_000;
/** Time after which events still waiting count as cut off. */
const cutOffMs = 1_000;

/** Runs a load and waits until all its events are processed. Throws if an event has failed, or it takes too long. */
export async function runLoad(load: Load, cleanup: Cleanup): Promise<LoadResult> {
  const { name, server, isHandled } = load;
  const before = isHandled ? await metricsOf(server) : undefined;
  const cpuBeforeMs = server.cpuMs();
  const result = await runWrk({ ...load, url: server.url }, cleanup);
  const endedAt = performance.now();
  const after = before === undefined ? undefined : await whenProcessed(load);
  const events = before === undefined || after === undefined ? result.answers : after.processed - before.events_processed;
  const seconds = result.seconds + Math.max(0, (after?.at ?? endedAt) - endedAt) / 1_000;
  const cpuMs = (after?.cpuMs ?? server.cpuMs()) - cpuBeforeMs;
  return { ...result, name, eventRate: events / seconds, cpuPerEventUs: (cpuMs / events) * 1_000 };
}

interface Processed {
  readonly processed: number;
  readonly at: number;
  readonly cpuMs: number;
}

/**
 * Resolves to the number of processed events, the time, and the server's processor time by then. The end of a load cuts off the requests
 * its connections were about to send, so a few numbered messages may wait for ever for a predecessor: no more than there were connections.
 */
async function whenProcessed({ server, connections }: Load): Promise<Processed> {
  let last: Processed = { processed: -1, at: performance.now(), cpuMs: server.cpuMs() };
  for (;;) {
    const metrics = await metricsOf(server);
    if (metrics.events_failed > 0) throw new Error(`expected no failed events, found ${metrics.events_failed}`);
    const { events_processed: processed, events_received: received } = metrics;
    if (processed !== last.processed) last = { processed, at: performance.now(), cpuMs: server.cpuMs() };
    const left = received - processed;
    const quietMs = performance.now() - last.at;
    if (left === 0 || (left <= connections && quietMs > cutOffMs)) return last;
    if (quietMs > timeoutMs) throw new Error(`expected ${received} events to be processed, found ${processed}`);
    await sleep(pollMs);
  }
}

async function metricsOf({ url }: ServerProgram): Promise<Metrics> {
  const response = await fetch(new URL('/metrics', url));
  return (await response.json()) as Metrics;
}
