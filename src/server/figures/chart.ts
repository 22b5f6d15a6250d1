import { recordOf } from '../../engine/metric-names.ts';

/** The windows of charts: their length, and the interval of points, in milliseconds. */
export const chartWindows = {
  '5m': { spanMs: 5 * 60_000, stepMs: 2_000 },
  '15m': { spanMs: 15 * 60_000, stepMs: 5_000 },
  '1h': { spanMs: 60 * 60_000, stepMs: 20_000 },
  '6h': { spanMs: 6 * 60 * 60_000, stepMs: 120_000 },
  '24h': { spanMs: 24 * 60 * 60_000, stepMs: 480_000 },
} as const;

export type ChartWindow = keyof typeof chartWindows;
export const chartWindowNames = Object.keys(chartWindows) as [ChartWindow, ...ChartWindow[]];

/** The points of a window, by column; `at` is the end of each point's interval. */
export type ChartAnswer<Column extends string> = {
  readonly stepMs: number;
  readonly spanMs: number;
  readonly at: readonly number[];
} & { readonly [Name in Column]: readonly (number | null)[] };

/** One observation of a chart's subject, at a moment. */
interface Look {
  readonly at: number;
}

interface Kept<L extends Look, Column extends string> {
  readonly stepMs: number;
  readonly pointsMax: number;
  before: L | undefined;
  readonly points: { readonly at: number; readonly values: Readonly<Record<Column, number | null>> }[];
}

/**
 * Keeps points for every window, each computed from the observations at the beginning and end of its interval: so a rate over minutes is as
 * accurate as one over seconds, and memory is limited whatever the load.
 */
export class Chart<L extends Look, Column extends string> {
  readonly #columns: readonly Column[];
  readonly #between: (before: L, after: L) => Readonly<Record<Column, number | null>>;
  readonly #kept: Readonly<Record<ChartWindow, Kept<L, Column>>>;

  constructor(columns: readonly Column[], between: (before: L, after: L) => Readonly<Record<Column, number | null>>) {
    this.#columns = columns;
    this.#between = between;
    const empty = (name: ChartWindow): Kept<L, Column> => {
      const { stepMs, spanMs } = chartWindows[name];
      return { stepMs, pointsMax: spanMs / stepMs, before: undefined, points: [] };
    };
    this.#kept = { '5m': empty('5m'), '15m': empty('15m'), '1h': empty('1h'), '6h': empty('6h'), '24h': empty('24h') };
  }

  take(look: L): void {
    for (const name of chartWindowNames) {
      const kept = this.#kept[name];
      kept.before ??= look;
      // Timers are slightly late; an interval that waits for the next observation would be one too long.
      if (look.at - kept.before.at < kept.stepMs - 100) continue;
      kept.points.push({ at: look.at, values: this.#between(kept.before, look) });
      if (kept.points.length > kept.pointsMax) kept.points.shift();
      kept.before = look;
    }
  }

  answer(window: ChartWindow): ChartAnswer<Column> {
    const { points } = this.#kept[window];
    const columns = recordOf(this.#columns, (name) => points.map(({ values }) => values[name]));
    return { ...chartWindows[window], at: points.map(({ at }) => at), ...columns };
  }
}
