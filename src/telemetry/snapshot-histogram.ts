import { Gauge, type MetricObjectWithValues, type MetricType, type MetricValueWithName, type Registry } from 'prom-client';
import type { DistributionSnapshot } from '../engine/distribution.ts';

/** prom-client's types declare an enumeration that its code lacks; the code uses this word. */
const histogram = 'histogram' as unknown as MetricType;

/** A histogram per pipeline that shows values measured elsewhere. prom-client's own can only measure. */
export class SnapshotHistogram extends Gauge<'pipeline'> {
  readonly #name: string;
  readonly #unit: number;
  readonly #shown = new Map<string, DistributionSnapshot>();

  /** @param unit the divisor of measured values: 1,000 shows milliseconds as seconds */
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

  /** In the text format, each bucket counts the values up to its bound, and the last one counts all. */
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
