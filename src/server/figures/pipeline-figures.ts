import type { PipelineCounts } from '../../engine/counts.ts';
import { countsBetween, quantile } from './quantile.ts';

/** One observation of a pipeline's counts. */
export interface PipelineLook {
  /** Since the epoch, in milliseconds. */
  readonly at: number;
  readonly counts: PipelineCounts;
  /** The reason it makes no progress; undefined if it does or has nothing to do. */
  readonly trouble: string | undefined;
}

/** The columns of a pipeline's charts. */
export const pipelineColumns = ['in', 'out', 'p50', 'p99', 'depth', 'lag', 'held', 'retried', 'givenUp'] as const;
export type PipelineColumn = (typeof pipelineColumns)[number];

/** Computes a pipeline's figures between two observations: rates per second, latencies in milliseconds, and the levels at the end. */
export function pipelineBetween(before: PipelineLook, after: PipelineLook): Readonly<Record<PipelineColumn, number | null>> {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const grown = (figure: (counts: PipelineCounts) => number) => Math.max(0, figure(after.counts) - figure(before.counts));
  const rate = (figure: (counts: PipelineCounts) => number) => Math.round((grown(figure) / seconds) * 10) / 10;
  const { latencyMs } = after.counts.distributions;
  const latencies = countsBetween(before.counts.distributions.latencyMs, latencyMs);
  return {
    in: rate(({ received }) => received),
    out: rate(({ processed }) => processed),
    p50: quantile(latencyMs.bounds, latencies, 0.5),
    p99: quantile(latencyMs.bounds, latencies, 0.99),
    depth: after.counts.depth,
    lag: Math.round(after.counts.lagMs),
    held: after.counts.held,
    retried: grown(({ retries, deliveryRetries }) => retries + deliveryRetries),
    givenUp: grown(({ failed, deliveriesFailed, deliveriesUnknown }) => failed + deliveriesFailed + deliveriesUnknown),
  };
}

/** Lag from which a pipeline is behind, in milliseconds. */
const behindMs = 1_000;

export const healths = ['flowing', 'idle', 'behind', 'paused', 'stalled'] as const;
export type PipelineHealth = (typeof healths)[number];

/** Returns the health of a pipeline, between two observations. */
export function healthBetween(before: PipelineLook, { counts, trouble }: PipelineLook): PipelineHealth {
  if (counts.paused) return 'paused';
  if (trouble !== undefined) return 'stalled';
  if (counts.lagMs > behindMs) return 'behind';
  const isMoving = counts.processed > before.counts.processed || counts.received > before.counts.received;
  return isMoving ? 'flowing' : 'idle';
}
