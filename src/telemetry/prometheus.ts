import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { PipelineCounts } from '../engine/counts.ts';
import { figureEntries, histogramEntries } from '../engine/metric-names.ts';
import { outcomesOf, type PipelineMetric } from '../engine/pipeline-metrics.ts';
import type { ProcessCounts } from './process-counts.ts';
import { type LabelledValue, type ServerSnapshot, serverMetrics } from './server-metrics.ts';
import { SnapshotHistogram } from './snapshot-histogram.ts';

/** The contents of one scrape. */
interface Snapshot extends Omit<ServerSnapshot, 'process'> {
  readonly counts: Readonly<Record<string, PipelineCounts>>;
}

/** The metrics in the Prometheus text format: those of `pipelineMetrics` and `serverMetrics`, and prom-client's own. */
export class Prometheus {
  /** Always this format: prom-client renames its counters permanently once they are requested as OpenMetrics. */
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #processCounts: ProcessCounts;
  /** prom-client's own metrics of the process, such as the event loop's delay. */
  readonly #process = new Registry();

  constructor(counts: ProcessCounts) {
    this.#processCounts = counts;
    collectDefaultMetrics({ register: this.#process });
  }

  /** Renders one scrape from one snapshot of the counts, with a fresh registry, so that concurrent scrapes do not mix. */
  async text({ counts, ...rest }: Snapshot): Promise<string> {
    const registry = new Registry();
    showFigures(counts, registry);
    showHistograms(counts, registry);
    const snapshot = { ...rest, process: this.#processCounts };
    for (const [name, { of, ...metric }] of Object.entries(serverMetrics)) show({ name, ...metric, values: of(snapshot) }, registry);
    return Registry.merge([registry, this.#process]).metrics();
  }
}

type Counts = Snapshot['counts'];

/** The figures of each metric: a single one, or one per outcome. */
const figures = Array.from(Map.groupBy(figureEntries, ([, { prometheus = '' }]) => prometheus)).filter(([name]) => name !== '');

function showFigures(counts: Counts, registry: Registry): void {
  for (const [name, own] of figures) {
    const [, { kind, help, outcome }] = own[0] as (typeof own)[number];
    const values = Object.entries(counts).flatMap(([pipeline, count]) =>
      own.map(([figure, metric]): LabelledValue => [labelsOf(pipeline, metric), shown(count[figure], metric)]),
    );
    const labels = outcome === undefined ? ['pipeline'] : ['pipeline', 'outcome'];
    show({ name, kind, help: outcomesOf[name] ?? help, labels, values }, registry);
  }
}

function labelsOf(pipeline: string, { outcome }: PipelineMetric): Readonly<Record<string, string>> {
  return outcome === undefined ? { pipeline } : { pipeline, outcome };
}

function showHistograms(counts: Counts, registry: Registry): void {
  for (const [name, metric] of histogramEntries) {
    const histogram = new SnapshotHistogram(metric.prometheus ?? name, sentenceOf(metric.help), divisorOf(metric), registry);
    for (const [pipeline, { distributions }] of Object.entries(counts)) histogram.show(pipeline, distributions[name]);
  }
}

interface Shown {
  readonly name: string;
  readonly kind: PipelineMetric['kind'];
  readonly help: string;
  readonly labels: readonly string[];
  readonly values: readonly LabelledValue[];
}

function show({ name, kind, help, labels, values }: Shown, registry: Registry): void {
  const Metric = kind === 'counter' ? Counter : Gauge;
  const metric = new Metric({ name, help: sentenceOf(help), labelNames: labels, registers: [registry] });
  for (const [labelled, value] of values) metric.inc(labelled, value);
}

function shown(value: number | boolean, metric: PipelineMetric): number {
  return Number(value) / divisorOf(metric);
}

/** Durations are measured in milliseconds and shown in seconds. */
function divisorOf({ unit }: PipelineMetric): number {
  return unit === 'ms' ? 1_000 : 1;
}

function sentenceOf(help: string): string {
  const text = help.replaceAll('`', '');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
