import type { PipelineCounts } from '../engine/counts.ts';

/** The figures of `GET /metrics` as JSON. `events_processed + events_failed ≤ events_received`, and the depth is the difference. */
interface EventMetrics {
  readonly events_received: number;
  readonly events_processed: number;
  readonly events_failed: number;
  /** From acceptance to commit. */
  readonly average_processing_latency_ms: number;
  readonly current_queue_depth: number;
  /** The size of the pool: turns that may run at once. */
  readonly active_workers: number;
  /** Processed, over the last ten seconds. */
  readonly events_per_second: number;
  readonly uptime_seconds: number;
}

/** The same figures over all pipelines, and for each. */
export interface AllEventMetrics extends EventMetrics {
  readonly pipelines: Readonly<Record<string, EventMetrics>>;
}

/** The figures out of one snapshot of the counts, so that they agree with each other. */
export function eventMetrics(counts: Readonly<Record<string, PipelineCounts>>, uptimeMs: number): AllEventMetrics {
  const pipelines = Object.entries(counts).map(([name, count]) => [name, metricsOf([count], uptimeMs)] as const);
  return { ...metricsOf(Object.values(counts), uptimeMs), pipelines: Object.fromEntries(pipelines) };
}

function metricsOf(counts: readonly PipelineCounts[], uptimeMs: number): EventMetrics {
  const sum = (figure: (count: PipelineCounts) => number) => counts.reduce((total, count) => total + figure(count), 0);
  const processed = sum((count) => count.processed);
  return {
    events_received: sum((count) => count.received),
    events_processed: processed,
    events_failed: sum((count) => count.failed),
    average_processing_latency_ms: processed === 0 ? 0 : toThousandths(sum((count) => count.latencyMsTotal) / processed),
    current_queue_depth: sum((count) => count.depth),
    active_workers: sum((count) => count.concurrency),
    events_per_second: toThousandths(sum((count) => count.perSecond)),
    uptime_seconds: toThousandths(uptimeMs / 1000),
  };
}

function toThousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
