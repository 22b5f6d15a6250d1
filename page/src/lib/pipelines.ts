import { get } from './api.ts';
import type { Live } from './live.ts';
import { live } from './live.ts';
import { createStore } from './store.ts';
import type { Chart, ChartColumn, Engine, EngineColumn, PipelineItem, PipelineNow } from './types.ts';

export type ChartWindow = '5m' | '15m' | '1h' | '6h' | '24h';
export const chartWindows: readonly (readonly [ChartWindow, string])[] = [
  ['5m', '5 min'],
  ['15m', '15 min'],
  ['1h', '1 h'],
  ['6h', '6 h'],
  ['24h', '24 h'],
];

/** All pipelines with their charts, and the engine; requested when the window changes, and occasionally after that. */
export interface Figures {
  readonly window: ChartWindow;
  readonly pipelines: readonly PipelineItem[];
  readonly engine: Engine | undefined;
  readonly error: Error | undefined;
}

export const figures = createStore<Figures>({ window: '5m', pipelines: [], engine: undefined, error: undefined });

/** Requests all of it. */
export async function loadFigures(window = figures.get().window): Promise<void> {
  try {
    const [{ items }, engine] = await Promise.all([
      get<{ items: readonly PipelineItem[] }>('/pipelines', { window }),
      get<Engine>('/engine', { window }),
    ]);
    figures.set({ window, pipelines: items, engine, error: undefined });
  } catch (error) {
    figures.update((before) => ({ ...before, error: error instanceof Error ? error : new Error(String(error)) }));
  }
}

/** Requests only the counts; the feed extends the charts. */
export async function loadCounts(): Promise<void> {
  const { pipelines, window } = figures.get();
  if (pipelines.some(({ chart }) => chart === undefined) || pipelines.length === 0) return loadFigures(window);
  try {
    const { items } = await get<{ items: readonly PipelineItem[] }>('/pipelines');
    figures.update((before) => {
      const chartOf = (name: string) => before.pipelines.find((item) => item.name === name)?.chart;
      const pipelines = items.map((item) => {
        const chart = chartOf(item.name);
        return chart === undefined ? item : { ...item, chart };
      });
      return { ...before, pipelines, error: undefined };
    });
  } catch (error) {
    figures.update((before) => ({ ...before, error: error instanceof Error ? error : new Error(String(error)) }));
  }
}

/** Returns a pipeline's current figures, from the latest of feed and answer. */
export function nowOf({ pipelines, at }: Live, item: PipelineItem): PipelineNow {
  const said = at === 0 ? undefined : pipelines[item.name];
  return said ?? { ...item.now, health: item.health };
}

/** Returns a chart with the current figures as its last point. */
export function withNow<Column extends string>(
  chart: Chart<Column> | undefined,
  at: number,
  now: Readonly<Partial<Record<Column, number | null>>> | undefined,
): Chart<Column> | undefined {
  if (chart === undefined || now === undefined || at <= (chart.at.at(-1) ?? 0)) return chart;
  const names = Object.keys(chart).filter((name) => !['at', 'stepMs', 'spanMs'].includes(name)) as Column[];
  const columns = Object.fromEntries(names.map((name) => [name, [...chart[name], now[name] ?? null]]));
  return { ...chart, ...columns, at: [...chart.at, at] } as Chart<Column>;
}

/** Adds a point that has lasted a full step to the charts permanently, so that live data need not be requested. */
function growCharts({ at, pipelines, engine }: Live): void {
  const { pipelines: items, engine: known } = figures.get();
  const last = items[0]?.chart;
  if (last === undefined || at === 0) return;
  if (at - (last.at.at(-1) ?? 0) < last.stepMs) return;
  const grown = items.map((item) => {
    const chart = withNow<ChartColumn>(item.chart, at, pipelines[item.name]);
    return chart === undefined ? item : { ...item, chart: trimmed(chart) };
  });
  const engineChart = withNow<EngineColumn>(known?.chart, at, engine);
  figures.update((before) => ({
    ...before,
    pipelines: grown,
    engine: known && engineChart ? { ...known, chart: trimmed(engineChart) } : known,
  }));
}

/** Limits a chart to its window. */
function trimmed<Column extends string>(chart: Chart<Column>): Chart<Column> {
  const max = chart.spanMs / chart.stepMs;
  if (chart.at.length <= max) return chart;
  const cut = Object.entries(chart).map(([name, value]) => [name, Array.isArray(value) ? value.slice(-max) : value]);
  return Object.fromEntries(cut) as Chart<Column>;
}

live.subscribe(() => growCharts(live.get()));
