import type { Clock } from './clock.ts';
import { Distribution, type DistributionSnapshot, durationBoundsMs, sizeBounds } from './distribution.ts';
import { type FigureNameBy, type FiguresOf, figuresBy, type HistogramName, histogramNames, recordOf } from './metric-names.ts';
import { pipelineMetrics } from './pipeline-metrics.ts';

/**
 * A pipeline's work since this process started, for metrics and health. A backlog found at the start counts as received. docs/metrics.md
 * has a row for each figure.
 */
export interface PipelineCounts extends FiguresOf {
  /** The distributions of measured values. */
  readonly distributions: Readonly<Record<HistogramName, DistributionSnapshot>>;
}

type CountedName = FigureNameBy<'as it happens' | 'by drafts' | 'by the store'>;
const counted = figuresBy('as it happens', 'by drafts', 'by the store');

const drafted = figuresBy('by drafts');
/** The totals of a draft. */
export interface DraftCounts extends Record<(typeof drafted)[number], number> {
  /** Redriven events that had been skipped, and so counted as failed. */
  received: number;
  /** The sum of the acceptance times of processed events. */
  acceptedAtTotal: number;
}

/** A draft on disk, as counters see it. */
interface Landed {
  readonly counts: DraftCounts;
  /** The acceptance time of each processed event. */
  readonly acceptedAt: readonly number[];
}
/** The totals of an empty draft. */
export const noDraftCounts: Readonly<DraftCounts> = { ...recordOf(drafted, () => 0), received: 0, acceptedAtTotal: 0 };

const summed = figuresBy('sum over partitions');
const highest = figuresBy('maximum over partitions');
/** The figures kept per partition. */
export type SliceFigures = Pick<PipelineCounts, (typeof summed)[number] | (typeof highest)[number]>;

/** Combines the figures of partitions over all slices of a pipeline. */
export function overSlices(slices: readonly SliceFigures[]): SliceFigures {
  return {
    ...recordOf(summed, (name) => slices.reduce((total, slice) => total + slice[name], 0)),
    ...recordOf(highest, (name) => Math.max(...slices.map((slice) => slice[name]))),
  };
}

/** The figures that are read rather than counted. */
export type LookedAt = SliceFigures & Pick<PipelineCounts, FigureNameBy<'of the pipeline'>>;

/** Returns a record of all counters at 0, and of the histograms. */
function zeros(): Record<CountedName, number> & Readonly<Record<HistogramName, Distribution>> {
  const boundsOf = (name: HistogramName) => (pipelineMetrics[name].unit === 'ms' ? durationBoundsMs : sizeBounds);
  return {
    ...recordOf(counted, () => 0),
    ...recordOf(histogramNames, (name) => new Distribution(boundsOf(name))),
  };
}

/** A class whose instances have the fields of {@link zeros}; TypeScript knows a class's fields only if each is written out. */
const Zeros = class {
  constructor() {
    Object.assign(this, zeros());
  }
} as new () => ReturnType<typeof zeros>;

const windowSeconds = 10;

/** The counters behind {@link PipelineCounts}. They change only when the counted things are on disk. */
export class Counters extends Zeros {
  /** Events processed in each of the last seconds of elapsed time, by second modulo the window. */
  readonly #recent = new Array<{ second: number; processed: number }>(windowSeconds + 1);

  /** Events received but neither processed, failed nor discarded. */
  get depth(): number {
    return this.received - this.processed - this.failed - this.discarded;
  }

  /** Adds `by` to a counter; negative where a count goes down. */
  count(name: CountedName, by = 1): void {
    this[name] += by;
  }

  /** Adds a draft that is on disk. Its partition counts the events it received again. */
  add({ counts, acceptedAt }: Landed, clock: Pick<Clock, 'now' | 'elapsedMs'>): void {
    for (const name of drafted) this[name] += counts[name];
    const { processed, acceptedAtTotal } = counts;
    const now = clock.now();
    this.latencyMsTotal += Math.max(0, processed * now - acceptedAtTotal);
    for (const at of acceptedAt) this.latencyMs.record(Math.max(0, now - at));
    const second = Math.floor(clock.elapsedMs() / 1000);
    const slot = second % this.#recent.length;
    const present = this.#recent[slot];
    if (present?.second === second) present.processed += processed;
    else this.#recent[slot] = { second, processed };
  }

  snapshot(lookedAt: LookedAt, elapsedMs: number): PipelineCounts {
    return {
      ...lookedAt,
      ...recordOf(counted, (name) => this[name]),
      depth: this.depth,
      perSecond: this.#perSecond(Math.floor(elapsedMs / 1000)),
      distributions: recordOf(histogramNames, (name) => this[name].snapshot()),
    };
  }

  /** Averages whole seconds that have ended, so that the figure does not sag at the start of each. */
  #perSecond(present: number): number {
    let processed = 0;
    for (const slot of this.#recent) {
      if (slot !== undefined && slot.second < present && slot.second >= present - windowSeconds) processed += slot.processed;
    }
    return processed / windowSeconds;
  }
}
