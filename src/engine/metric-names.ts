import { type Measured, type PipelineMetric, pipelineMetrics } from './pipeline-metrics.ts';

type List = typeof pipelineMetrics;
type MetricName = keyof List;
type NamesWith<Property> = { [Name in MetricName]: List[Name] extends Property ? Name : never }[MetricName];

export type HistogramName = NamesWith<{ readonly kind: 'histogram' }>;

/** A metric with a single value: a counter or a gauge. */
export type FigureName = Exclude<MetricName, HistogramName>;
export type FigureNameBy<By extends Measured> = Extract<NamesWith<{ readonly measured: By }>, FigureName>;

/** A key of the JSON that `GET /metrics` returns. */
export type JsonKey = Extract<List[FigureName], { readonly json: string }>['json'];

/** A value for each figure. */
export type FiguresOf = { readonly [Name in FigureName]: List[Name]['unit'] extends 'flag' ? boolean : number };

type Entries<Name> = readonly (readonly [name: Name, metric: PipelineMetric])[];
const entries = Object.entries(pipelineMetrics) as Entries<MetricName>;

/** In list order, like everything below. */
export const figureEntries = entries.filter(([, { kind }]) => kind !== 'histogram') as Entries<FigureName>;
export const histogramEntries = entries.filter(([, { kind }]) => kind === 'histogram') as Entries<HistogramName>;
export const histogramNames = histogramEntries.map(([name]) => name);

/** Returns the figures from a given source. */
export function figuresBy<By extends Measured>(...measured: readonly By[]): readonly FigureNameBy<By>[] {
  const found = figureEntries.filter(([, metric]) => measured.some((by) => by === metric.measured));
  return found.map(([name]) => name as FigureNameBy<By>);
}

/** Returns a record with a value for each name. */
export function recordOf<Name extends string, Value>(names: readonly Name[], of: (name: Name) => Value): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, Value>;
}
