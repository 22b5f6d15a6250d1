import type { PipelineCounts } from '../engine/counts.ts';
import { figureEntries, type JsonKey } from '../engine/metric-names.ts';

/** Keys of the JSON `GET /metrics` that are not sums of a figure, and their meaning. */
export const otherKeys = {
  average_processing_latency_ms: 'mean time from acceptance to commit over all processed events',
  uptime_seconds: 'time since the server was created',
} as const;

/** The figures of the JSON `GET /metrics`. `events_processed + events_failed ≤ events_received`, and the depth is the difference. */
type EventMetrics = Readonly<Record<JsonKey | keyof typeof otherKeys, number>>;

/** The same figures over all pipelines, and per pipeline. */
export type AllEventMetrics = EventMetrics & { readonly pipelines: Readonly<Record<string, EventMetrics>> };

/** The figures that are shown, each with its key. */
export const jsonFigures = figureEntries.flatMap(([name, metric]) =>
  metric.json === undefined ? [] : [{ name, key: metric.json as JsonKey, ...metric }],
);

/** Computes the figures from one snapshot of the counts, so that they agree with each other. */
export function eventMetrics(counts: Readonly<Record<string, PipelineCounts>>, uptimeMs: number): AllEventMetrics {
  const pipelines = Object.entries(counts).map(([name, count]) => [name, metricsOf([count], uptimeMs)] as const);
  return { ...metricsOf(Object.values(counts), uptimeMs), pipelines: Object.fromEntries(pipelines) };
}

function metricsOf(counts: readonly PipelineCounts[], uptimeMs: number): EventMetrics {
  const sum = (figure: (count: PipelineCounts) => number) => counts.reduce((total, count) => total + figure(count), 0);
  const processed = sum((count) => count.processed);
  const sums = jsonFigures.map(({ name, key }) => [key, toThousandths(sum((count) => Number(count[name])))] as const);
  return {
    ...(Object.fromEntries(sums) as Record<JsonKey, number>),
    average_processing_latency_ms: processed === 0 ? 0 : toThousandths(sum((count) => count.latencyMsTotal) / processed),
    uptime_seconds: toThousandths(uptimeMs / 1000),
  };
}

function toThousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
