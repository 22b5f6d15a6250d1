import type { PipelineCounts } from '../engine/counts.ts';
import type { Mill } from '../engine/mill.ts';
import type { Concern } from './concerns.ts';
import type { Figures } from './figures/figures.ts';

const minuteMs = 60_000;
/** Minutes covered by arrivals. */
const arrivalMinutes = 60;
/** Dead letters of a pipeline searched for the first that parks its key. */
const lettersMax = 20;

/** The details of a concern other than its text, used for sorting. */
export interface ConcernFacts {
  /** Number of items: keys, dead letters; otherwise 1. */
  readonly count: number;
  /** Number of events it holds back. */
  readonly holds: number;
  /** The time at which its oldest item came; null if unknown. */
  readonly since: number | null;
  /** Its author; null if there is none, or no name was required. */
  readonly who: string | null;
  /** The given reason, or the oldest failure. */
  readonly said: string | null;
  /** The key of the oldest item. */
  readonly key: string | null;
  /** Arrivals in each minute of the last hour, oldest first; empty if not counted. */
  readonly arrivals: readonly number[];
}

const none = { count: 1, holds: 0, since: null, who: null, said: null, key: null, arrivals: [] };

/** Finds the details that a concern's text leaves out: how many, since when, by whom. */
export async function factsOf(mill: Mill, figures: Figures, concern: Concern): Promise<ConcernFacts> {
  const { kind, where } = concern;
  const counts: PipelineCounts | undefined = mill.counts()[where];
  if (counts === undefined) return none;
  switch (kind) {
    case 'paused':
      return { ...none, holds: counts.depth, ...(await pauseOf(mill, where)) };
    case 'parked':
      return { ...none, count: counts.parked, holds: counts.held, ...(await oldestLetter(mill, where, true)) };
    case 'gap':
      return { ...none, count: counts.gaps, holds: counts.held, since: Date.now() - counts.oldestGapMs };
    case 'dead letter':
      return { ...none, count: counts.deadLetters, arrivals: arrivalsOf(figures, where), ...(await oldestLetter(mill, where, false)) };
    default:
      return { ...none, count: concern.count ?? none.count, since: concern.since ?? null };
  }
}

/** Sorts growing concerns first, then those that hold most events back, then the oldest. */
export function byUrgency(a: ConcernFacts, b: ConcernFacts): number {
  return grownOf(b) - grownOf(a) || b.holds - a.holds || (a.since ?? Number.POSITIVE_INFINITY) - (b.since ?? Number.POSITIVE_INFINITY) || 0;
}

/** Returns the arrivals of the last minute. */
function grownOf({ arrivals }: ConcernFacts): number {
  return arrivals.at(-1) ?? 0;
}

async function pauseOf(mill: Mill, pipeline: string): Promise<Partial<ConcernFacts>> {
  const entries = await mill.audit({ pipeline, limit: lettersMax });
  const entry = entries.find(({ action }) => action === 'pause');
  return entry === undefined ? {} : { since: entry.at, who: entry.who, said: entry.reason };
}

async function oldestLetter(mill: Mill, pipeline: string, isParked: boolean): Promise<Partial<ConcernFacts>> {
  const letters = await mill.deadLetters({ pipeline, limit: isParked ? lettersMax : 1 });
  const letter = isParked ? letters.find((one) => one.kind === 'event' && one.parked) : letters[0];
  return letter === undefined ? {} : { since: letter.failedAt, said: letter.reason, key: letter.key };
}

function arrivalsOf(figures: Figures, pipeline: string): readonly number[] {
  const arrivals = new Array<number>(arrivalMinutes).fill(0);
  const chart = figures.chartOf(pipeline, '1h');
  const now = Date.now();
  for (const [point, at] of chart?.at.entries() ?? []) {
    const minute = arrivalMinutes - 1 - Math.floor((now - at) / minuteMs);
    if (minute >= 0 && minute < arrivalMinutes) arrivals[minute] = (arrivals[minute] ?? 0) + (chart?.givenUp[point] ?? 0);
  }
  return arrivals;
}
