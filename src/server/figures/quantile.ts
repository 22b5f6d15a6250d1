import type { DistributionSnapshot } from '../../engine/distribution.ts';

/** Returns the number of values per bucket between two observations of a distribution. */
export function countsBetween(before: DistributionSnapshot, after: DistributionSnapshot): readonly number[] {
  return after.counts.map((count, at) => count - (before.counts[at] ?? 0));
}

/**
 * Returns the value below which a share of the counted values falls, interpolated linearly between two bounds; null if nothing was counted.
 * Values above the last bound count as that bound.
 */
export function quantile(bounds: readonly number[], counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = share * total;
  let passed = 0;
  for (const [at, count] of counts.entries()) {
    const upper = bounds[at];
    if (upper === undefined) break;
    if (passed + count >= wanted && count > 0) {
      const lower = at === 0 ? 0 : (bounds[at - 1] as number);
      return round(lower + ((upper - lower) * (wanted - passed)) / count);
    }
    passed += count;
  }
  return bounds.at(-1) ?? null;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
