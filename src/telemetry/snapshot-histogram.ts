import { Gauge, type MetricObjectWithValues, type MetricType, type MetricValueWithName, type Registry } from 'prom-client';
import type { DistributionSnapshot } from '../engine/distribution.ts';

/** In prom-client's types it is a number of an enumeration that its code does not have; there it is this word. */
const histogram = 'histogram' as unknown as MetricType;

/** A histogram that shows what was measured elsewhere, for each pipeline. prom-client's own can only measure. */
export class SnapshotHistogram extends Gauge<'pipeline'> {
  readonly #name: string;
  readonly #unit: number;
  readonly #shown = new Map<string, DistributionSnapshot>();

  /** @param unit what the measured values are divided by: 1,000 shows milliseconds as seconds */
  constructor(name: string, help: string, unit: number, registry: Registry) {
    super({ name, help, labelNames: ['pipeline'], registers: [registry] });
    this.#name = name;
    this.#unit = unit;
  }

  show(pipeline: string, distribution: DistributionSnapshot): void {
    this.#shown.set(pipeline, distribution);
  }

  override async get(): Promise<MetricObjectWithValues<MetricValueWithName<'pipeline' | 'le'>>> {
    const values = Array.from(this.#shown, ([pipeline, distribution]) => this.#valuesOf(pipeline, distribution)).flat();
    return { ...(await super.get()), type: histogram, values };
  }

  /** As the text format has it: each bucket counts the values up to its bound, the last one all. */
  #valuesOf(pipeline: string, { bounds, counts, sum }: DistributionSnapshot): MetricValueWithName<'pipeline' | 'le'>[] {
    let count = 0;
    const buckets = counts.map((own, at) => {
      count += own;
      const bound = bounds[at];
      return this.#value('_bucket', { pipeline, le: bound === undefined ? '+Inf' : bound / this.#unit }, count);
    });
    return [...buckets, this.#value('_sum', { pipeline }, sum / this.#unit), this.#value('_count', { pipeline }, count)];
  }

  #value(suffix: string, labels: { pipeline: string; le?: string | number }, value: number): MetricValueWithName<'pipeline' | 'le'> {
    return { metricName: `${this.#name}${suffix}`, labels, value };
  }
}
