import { type Item, isWork } from './model.ts';

/** A compressed time in which nothing was under way. */
interface Fold {
  readonly from: number;
  readonly to: number;
  readonly x: number;
  readonly width: number;
}

/** Maps moments to places in the picture. */
export interface Scale {
  readonly width: number;
  readonly folds: readonly Fold[];
  /** The distance between moments; it stays while a view is open, so that drawn items do not move. */
  readonly stretch: number;
  x(at: number): number;
}

const least = 5.5;
const power = 0.36;
const stretchMin = 1.5;
const stretchMax = 40;
const foldAfterMs = 10_000;
/** The time since the last moment grows while somebody is looking, and must not shift drawn items. */
const foldSinceLastMs = 1_000;
const foldWidth = 45;

interface Gap {
  readonly from: number;
  readonly to: number;
  readonly isFold: boolean;
}

interface ScaleOptions {
  /** The place of the first moment, and the available room. */
  readonly left: number;
  readonly room: number;
  /** The stretch of the previous picture. */
  readonly stretch?: number | undefined;
  /** The start times of folds opened by the user. */
  readonly opened: ReadonlySet<number>;
}

/**
 * Elastic time: a gap of g milliseconds gets `least + stretch · g^0.36` pixels, so that milliseconds of work are legible beside hours of
 * waiting. Long idle times are folded.
 */
export function elasticScale(items: readonly Item[], now: number, { left, room, stretch: before, opened }: ScaleOptions): Scale {
  const gaps = gapsOf(items, now, opened);
  const powers = gaps.reduce((sum, { from, to, isFold }) => sum + (isFold ? 0 : (to - from) ** power), 0);
  const fixed = gaps.reduce((sum, { isFold }) => sum + (isFold ? foldWidth : least), 0);
  const fitting = powers === 0 ? stretchMin : (room - fixed) / powers;
  const stretch = before ?? Math.min(stretchMax, Math.max(stretchMin, fitting));
  const starts: number[] = [];
  const widths: number[] = [];
  let x = left;
  for (const { from, to, isFold } of gaps) {
    const width = isFold ? foldWidth : least + stretch * (to - from) ** power;
    starts.push(x);
    widths.push(width);
    x += width;
  }
  const folds = gaps.flatMap(({ from, to, isFold }, at) =>
    isFold ? [{ from, to, x: starts[at] as number, width: widths[at] as number }] : [],
  );
  const place = (at: number) => {
    const found = findGap(gaps, at);
    const gap = gaps[found];
    if (gap === undefined) return left;
    const share = Math.min(1, Math.max(0, (at - gap.from) / (gap.to - gap.from)));
    return (starts[found] as number) + share * (widths[found] as number);
  };
  return { width: x, folds, stretch, x: place };
}

/** True time, undistorted. */
export function linearScale(items: readonly Item[], now: number, { left, room }: ScaleOptions): Scale {
  const from = Math.min(...items.map(({ at }) => at), now);
  const span = Math.max(1, now - from);
  return { width: left + room, folds: [], stretch: 1, x: (at) => left + ((at - from) / span) * room };
}

function gapsOf(items: readonly Item[], now: number, opened: ReadonlySet<number>): readonly Gap[] {
  const moments = [...new Set([...items.flatMap(({ at, end }) => [at, end]), now])].sort((a, b) => a - b);
  const work = items.filter(isWork);
  const gaps: Gap[] = [];
  for (let at = 1; at < moments.length; at += 1) {
    const from = moments[at - 1] as number;
    const to = moments[at] as number;
    const isBusy = work.some((item) => item.at < to && item.end > from);
    const foldAfter = to === now && at === moments.length - 1 ? foldSinceLastMs : foldAfterMs;
    gaps.push({ from, to, isFold: to - from > foldAfter && !isBusy && !opened.has(from) });
  }
  return gaps;
}

function findGap(gaps: readonly Gap[], at: number): number {
  let low = 0;
  let high = gaps.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at <= (gaps[middle] as Gap).to) high = middle;
    else low = middle + 1;
  }
  return low;
}
