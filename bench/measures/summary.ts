import { median } from '../work/distribution.ts';
import type { Crash } from './crash.ts';
import type { Outcome } from './outcome.ts';
import type { Throughput } from './throughput.ts';

/** The runs of one peer: medians of figures, sums of faults. Rates are events per second. */
export interface Summary {
  readonly peer: string;
  readonly runs: number;
  readonly events: number;
  readonly ingestRate: number;
  readonly drainRate: number;
  readonly ownCpuUs: number;
  readonly serverCpuUs: number;
  readonly greatestRate: number;
  readonly halfP50: number;
  readonly halfP99: number;
  readonly lowP50: number;
  readonly lowP99: number;
  readonly effects: number;
  readonly outOfOrderInBatches: number;
  readonly outOfOrderOneByOne: number;
  /** Accepted events without effect. */
  readonly missing: number;
  readonly duplicates: number;
  readonly overwritten: number;
  readonly miscounted: number;
  readonly crash: CrashSummary | undefined;
  /** The ratio of our drain rate to this one's: the median of the ratios within each run. */
  readonly drainRatio: number;
  readonly failures: readonly string[];
}

export interface CrashSummary {
  readonly acknowledged: number;
  readonly missing: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  /** NaN if most runs had none in time. */
  readonly firstProgressMs: number;
  readonly recoveredMs: number;
}

/** @param ours the peer that is Millrace */
export function summarize(outcomes: readonly Outcome[], ours: string): Summary[] {
  return [...Map.groupBy(outcomes, ({ peer }) => peer)].map(([peer, own]) => {
    const measured = own.flatMap(({ throughput }) => throughput ?? []);
    const middle = (of: (one: Throughput) => number) => median(measured.map(of));
    const sum = (of: (one: Throughput) => number) => measured.reduce((total, one) => total + of(one), 0);
    return {
      peer,
      runs: own.length,
      events: middle((one) => one.events),
      ingestRate: middle((one) => one.ingestRate),
      drainRate: middle((one) => one.drainRate),
      ownCpuUs: middle((one) => one.ownCpuUs),
      serverCpuUs: middle((one) => one.serverCpuUs),
      greatestRate: middle((one) => one.greatestRate),
      halfP50: middle((one) => one.atHalf.p50),
      halfP99: middle((one) => one.atHalf.p99),
      lowP50: middle((one) => one.atLowRate.p50),
      lowP99: middle((one) => one.atLowRate.p99),
      effects: sum((one) => one.all.effects),
      outOfOrderInBatches: sum((one) => one.batches.outOfOrder),
      outOfOrderOneByOne: sum((one) => one.oneByOne.outOfOrder),
      missing: sum((one) => one.all.missing),
      duplicates: sum((one) => one.all.duplicates),
      overwritten: sum((one) => one.all.overwritten),
      miscounted: sum((one) => one.miscounted),
      crash: summarizeCrashes(own.flatMap(({ crash }) => crash ?? [])),
      drainRatio: median(own.flatMap((outcome) => ratio(outcomes, outcome, ours))),
      failures: own.flatMap(({ failures }) => failures),
    };
  });
}

function ratio(outcomes: readonly Outcome[], { run, throughput }: Outcome, ours: string): number[] {
  const first = outcomes.find((outcome) => outcome.run === run && outcome.peer === ours)?.throughput;
  return first === undefined || throughput === undefined ? [] : [first.drainRate / throughput.drainRate];
}

function summarizeCrashes(crashes: readonly Crash[]): CrashSummary | undefined {
  if (crashes.length === 0) return undefined;
  const sum = (of: (one: Crash) => number) => crashes.reduce((total, one) => total + of(one), 0);
  const middle = (of: (one: Crash) => number | null) => finite(median(crashes.map((one) => of(one) ?? Number.POSITIVE_INFINITY)));
  return {
    acknowledged: sum((one) => one.acknowledged),
    missing: sum((one) => one.missing),
    duplicates: sum((one) => one.duplicates),
    outOfOrder: sum((one) => one.outOfOrder),
    firstProgressMs: middle((one) => one.firstProgressMs),
    recoveredMs: middle((one) => one.recoveredMs),
  };
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}
