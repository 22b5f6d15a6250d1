import * as z from 'zod';
import { figureEntries } from '../engine/metric-names.ts';
import type { PipelineMetric } from '../engine/pipeline-metrics.ts';
import { jsonFigures, otherKeys } from '../telemetry/event-metrics.ts';

/** The figures that `GET /pipelines` returns for each pipeline. */
export const figureSchemas = Object.fromEntries(figureEntries.map(([name, metric]) => [name, schemaOf(metric)]));

/** The JSON of `GET /metrics`, for each pipeline and in total. */
export const eventMetricSchemas = Object.fromEntries([
  ...jsonFigures.map(({ key, ...metric }) => [key, schemaOf(metric)] as const),
  ...Object.entries(otherKeys).map(([key, description]) => [key, z.number().meta({ description })] as const),
]);

function schemaOf({ unit, help: description }: PipelineMetric): z.ZodType {
  if (unit === 'flag') return z.boolean().meta({ description });
  const isWhole = unit !== 'ms' && unit !== 'events per second';
  return (isWhole ? z.int() : z.number()).meta({ description });
}
