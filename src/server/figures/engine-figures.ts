import type { PipelineCounts } from '../../engine/counts.ts';
import type { DistributionSnapshot } from '../../engine/distribution.ts';
import { countsBetween, quantile } from './quantile.ts';

/** One observation of this process's engine. */
export interface EngineLook {
  /** Since the epoch, in milliseconds. */
  readonly at: number;
  readonly commits: DistributionSnapshot;
  readonly turns: DistributionSnapshot;
  readonly loopP99Ms: number;
  readonly logBytes: number;
  readonly rssBytes: number;
  readonly depth: number;
}

/** The columns of the engine's charts. */
export const engineColumns = ['commitP50', 'commitP99', 'turnsPerCommit', 'loopP99', 'logBytes', 'rssBytes', 'depth'] as const;
export type EngineColumn = (typeof engineColumns)[number];

/** Computes the engine's figures between two observations. */
export function engineBetween(before: EngineLook, after: EngineLook): Readonly<Record<EngineColumn, number | null>> {
  const counts = countsBetween(before.commits, after.commits);
  const commits = counts.reduce((sum, count) => sum + count, 0);
  return {
    commitP50: quantile(after.commits.bounds, counts, 0.5),
    commitP99: quantile(after.commits.bounds, counts, 0.99),
    turnsPerCommit: commits === 0 ? null : Math.round(((after.turns.sum - before.turns.sum) / commits) * 10) / 10,
    loopP99: after.loopP99Ms,
    logBytes: after.logBytes,
    rssBytes: after.rssBytes,
    depth: after.depth,
  };
}

/** Returns a distribution over all pipelines. */
export function overPipelines(counts: readonly PipelineCounts[], name: 'commitMs' | 'commitTurns'): DistributionSnapshot {
  const [first, ...others] = counts.map(({ distributions }) => distributions[name]);
  if (first === undefined) return { bounds: [], counts: [], sum: 0 };
  return others.reduce(
    (all, one) => ({ bounds: all.bounds, counts: all.counts.map((count, at) => count + (one.counts[at] ?? 0)), sum: all.sum + one.sum }),
    first,
  );
}
