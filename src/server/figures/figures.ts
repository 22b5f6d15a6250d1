import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Mill } from '../../engine/mill.ts';
import { Chart, type ChartAnswer, type ChartWindow } from './chart.ts';
import { type EngineColumn, type EngineLook, engineBetween, engineColumns, overPipelines } from './engine-figures.ts';
import {
  healthBetween,
  type PipelineColumn,
  type PipelineHealth,
  type PipelineLook,
  pipelineBetween,
  pipelineColumns,
} from './pipeline-figures.ts';

const lookEveryMs = 1_000;
/** Current figures cover the last few observations: over one second alone they fluctuate. */
const looksKept = 6;

/** The current figures of a pipeline. */
export type PipelineNow = Readonly<Record<PipelineColumn, number | null>> & { readonly health: PipelineHealth };

/** The current figures of this process. */
export interface Now {
  readonly at: number;
  readonly pipelines: Readonly<Record<string, PipelineNow>>;
  readonly engine: Readonly<Record<EngineColumn, number | null>>;
}

interface Looked<L> {
  readonly looks: L[];
}

/**
 * Observes this process's engine once a second, and keeps data for charts. It starts with the server, so that a chart has a history when
 * somebody opens it; its memory is limited by the number of pipelines.
 */
export class Figures {
  readonly #mill: Mill;
  readonly #pipelines = new Map<string, Looked<PipelineLook> & { readonly chart: Chart<PipelineLook, PipelineColumn> }>();
  readonly #engine: Looked<EngineLook> & { readonly chart: Chart<EngineLook, EngineColumn> };
  readonly #loop = monitorEventLoopDelay({ resolution: 10 });
  readonly #listeners = new Set<(now: Now) => void>();
  readonly #timer: NodeJS.Timeout;
  #logBytes = 0;
  #isStopped = false;

  constructor(mill: Mill) {
    this.#mill = mill;
    for (const name of mill.pipelines.keys()) this.#pipelines.set(name, { looks: [], chart: new Chart(pipelineColumns, pipelineBetween) });
    this.#engine = { looks: [], chart: new Chart(engineColumns, engineBetween) };
    this.#loop.enable();
    this.#look();
    this.#timer = setInterval(() => this.#tick(), lookEveryMs).unref();
  }

  /** The current figures, over the last few seconds. */
  get now(): Now {
    const at = this.#engine.looks.at(-1)?.at ?? Date.now();
    const pipelines = Array.from(this.#pipelines, ([name, { looks }]) => [name, nowOf(looks)] as const);
    const { first, last } = endsOf(this.#engine.looks);
    return { at, pipelines: Object.fromEntries(pipelines), engine: engineBetween(first, last) };
  }

  of(pipeline: string): PipelineNow {
    return nowOf(this.#pipelines.get(pipeline)?.looks ?? []);
  }

  chartOf(pipeline: string, window: ChartWindow): ChartAnswer<PipelineColumn> | undefined {
    return this.#pipelines.get(pipeline)?.chart.answer(window);
  }

  engineChart(window: ChartWindow): ChartAnswer<EngineColumn> {
    return this.#engine.chart.answer(window);
  }

  /** Notifies a listener of the current figures once a second; the returned function unsubscribes. */
  onLook(listener: (now: Now) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#loop.disable();
    this.#listeners.clear();
  }

  #tick(): void {
    if (this.#isStopped) return;
    this.#look();
    if (this.#listeners.size === 0) return;
    const { now } = this;
    for (const listener of this.#listeners) listener(now);
  }

  #look(): void {
    const at = Date.now();
    const counts = this.#mill.counts();
    for (const [name, { looks, chart }] of this.#pipelines) {
      const count = counts[name];
      if (count === undefined) continue;
      const look = { at, counts: count, trouble: this.#mill.trouble(name) };
      keep(looks, look);
      chart.take(look);
    }
    const all = Object.values(counts);
    const look: EngineLook = {
      at,
      commits: overPipelines(all, 'commitMs'),
      turns: overPipelines(all, 'commitTurns'),
      loopP99Ms: this.#loopP99Ms(),
      logBytes: this.#logBytes,
      rssBytes: process.memoryUsage.rss(),
      depth: all.reduce((sum, { depth }) => sum + depth, 0),
    };
    keep(this.#engine.looks, look);
    this.#engine.chart.take(look);
    this.#askStore();
  }

  /** Returns the event loop's lateness since the last observation. */
  #loopP99Ms(): number {
    const delayMs = this.#loop.percentile(99) / 1e6;
    this.#loop.reset();
    // The measurement includes its own resolution.
    return Number.isFinite(delayMs) ? Math.max(0, Math.round((delayMs - 10) * 10) / 10) : 0;
  }

  /** An unresponsive store is reported elsewhere; the size of its log stays unchanged. */
  #askStore(): void {
    this.#mill.storeStats().then(
      ({ logBytes }) => (this.#logBytes = logBytes),
      () => undefined,
    );
  }
}

function keep<L>(looks: L[], look: L): void {
  looks.push(look);
  if (looks.length > looksKept) looks.shift();
}

function endsOf<L>(looks: readonly L[]): { readonly first: L; readonly last: L } {
  return { first: looks[0] as L, last: looks.at(-1) as L };
}

function nowOf(looks: readonly PipelineLook[]): PipelineNow {
  const { first, last } = endsOf(looks);
  return { ...pipelineBetween(first, last), health: healthBetween(first, last) };
}
