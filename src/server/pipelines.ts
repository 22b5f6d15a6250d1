import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { mayUse } from './access/guard.ts';
import { figureSchemas } from './figure-schemas.ts';
import { chartWindowNames } from './figures/chart.ts';
import { engineColumns } from './figures/engine-figures.ts';
import type { Figures } from './figures/figures.ts';
import { healths, pipelineColumns } from './figures/pipeline-figures.ts';
import { nameOf, PipelineParams, type PipelineRoute } from './operator.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

const Query = z.object({
  window: z.enum(chartWindowNames).optional().meta({ description: 'The time span of the charts; without it the answer has none' }),
});

/** Returns a schema for each column of a chart. */
function columnsOf<const Names extends readonly string[]>(names: Names, schema: z.ZodType) {
  return Object.fromEntries(names.map((name) => [name, schema]));
}

const nowDescription =
  'Figures of the answering process over the last few seconds: `in` and `out` in events per second, `p50`, `p99` (from acceptance to commit) and `lag` in milliseconds';
const Now = z.object(columnsOf(pipelineColumns, z.number().nullable())).meta({ description: nowDescription });

function chartOf(names: readonly string[]) {
  const axis = { stepMs: z.int(), spanMs: z.int(), at: z.array(z.int()).meta({ description: 'Since the epoch, in milliseconds' }) };
  return z
    .object({ ...axis, ...columnsOf(names, z.array(z.number().nullable())) })
    .optional()
    .meta({ description: 'The points of the requested window, oldest first' });
}

const PipelineItem = z.object({
  name: z.string(),
  health: z.enum(healths).meta({
    description: '`behind`: the oldest unhandled event is over a second old. `stalled`: there is work but no progress',
  }),
  trouble: z.string().nullable().meta({ description: 'Why it makes no progress' }),
  now: Now,
  chart: chartOf(pipelineColumns),
  ...figureSchemas,
});
const PipelineList = z.object({ items: z.array(PipelineItem) });

const Declared = z.object({
  isKeyed: z.boolean(),
  order: z.enum(['number', 'arrival']),
  attempts: z.int(),
  backoffMs: z.number(),
  backoffMsMax: z.number(),
  onGiveUp: z.enum(['park', 'skip']),
  timers: z.array(z.string()),
  endpoints: z.array(z.string()),
  hasSchedule: z.boolean(),
  genericIngest: z.boolean(),
});
const SourcePartition = z.object({
  partition: z.int(),
  next: z.int().meta({ description: 'The offset of the first record not yet ingested' }),
  end: z.int().meta({ description: 'The offset after the last known record' }),
  lag: z.int().meta({ description: 'Number of records not yet ingested' }),
  noRoom: z.string().nullable().meta({ description: 'Why the next record waits, such as a key at its limit of waiting events' }),
});
const Source = z
  .object({
    name: z.string(),
    partitions: z.array(SourcePartition),
    warnings: z
      .array(z.string())
      .meta({ description: 'Partitions that are not read or are held up, or whose records the store does not take, and why' }),
  })
  .nullable()
  .meta({
    description: 'The topic it reads, with the partitions that the answering process reads; null for a pipeline without one',
    examples: [
      {
        name: 'kafka:orders',
        partitions: [{ partition: 0, next: 1_200, end: 1_250, lag: 50, noRoom: null }],
        warnings: [],
      },
    ],
  });
const PipelineAnswer = z.object({ ...PipelineItem.shape, declared: Declared, source: Source });

const EngineAnswer = z.object({
  now: z.object(columnsOf(engineColumns, z.number().nullable())),
  chart: chartOf(engineColumns),
  backlogMax: z.int(),
});

function sourceOf(mill: Mill, pipeline: string): z.infer<typeof Source> {
  const source = mill.source(pipeline);
  if (source === undefined) return null;
  const { name, partitions, warnings } = source;
  return { name, partitions: [...partitions], warnings: [...warnings] };
}

/** Adds the routes for pipelines as a whole, and for the engine of the answering process: counts, rates, latencies, health, charts. */
export function pipelineRoutes(app: FastifyInstance, mill: Mill, figures: Figures): void {
  const tags = ['operator'];
  const querystring = jsonSchemaOf(Query);
  const itemOf = (name: string, window: z.infer<typeof Query>['window']) => {
    const { distributions: _, ...counts } = mill.counts()[name] ?? { distributions: undefined };
    const { health, ...now } = figures.of(name);
    const chart = window === undefined ? undefined : figures.chartOf(name, window);
    return { name, health, trouble: mill.trouble(name) ?? null, now, ...counts, ...(chart !== undefined && { chart }) };
  };

  app.get(
    '/pipelines',
    {
      schema: {
        tags,
        operationId: 'listPipelines',
        summary: 'Pipelines, with their counts, rates and health',
        querystring,
        response: { 200: jsonSchemaOf(PipelineList, 'output') },
      },
      config: { pipelines: [] },
    },
    async (request) => {
      const { window } = await parseRequest(Query, request.query);
      const names = [...mill.pipelines.keys()].filter((name) => mayUse(request, name));
      return { items: names.map((name) => itemOf(name, window)) };
    },
  );

  app.get<PipelineRoute>(
    '/pipelines/:pipeline',
    {
      schema: {
        tags,
        operationId: 'getPipeline',
        summary: 'A pipeline: counts, rates, health, declaration, and progress on its topic',
        params: jsonSchemaOf(PipelineParams),
        querystring,
        response: { 200: jsonSchemaOf(PipelineAnswer, 'output') },
      },
    },
    async (request) => {
      const name = nameOf(mill, request.params);
      const { window } = await parseRequest(Query, request.query);
      return { ...itemOf(name, window), declared: declaredOf(mill.pipelines.get(name) as AnyPipeline), source: sourceOf(mill, name) };
    },
  );

  app.get(
    '/engine',
    {
      schema: {
        tags: ['server'],
        operationId: 'getEngine',
        summary: 'The engine of the answering process: commits, event loop, memory',
        querystring,
        response: { 200: jsonSchemaOf(EngineAnswer, 'output') },
      },
      config: { access: 'read', pipelines: [] },
    },
    async (request) => {
      const { window } = await parseRequest(Query, request.query);
      const chart = window === undefined ? {} : { chart: figures.engineChart(window) };
      return { now: figures.now.engine, ...chart, backlogMax: mill.limits.backlog };
    },
  );
}

function declaredOf(pipeline: AnyPipeline): z.infer<typeof Declared> {
  const { retry, onGiveUp, genericIngest } = pipeline;
  return {
    isKeyed: pipeline.key !== undefined,
    order: pipeline.order === undefined ? 'arrival' : 'number',
    attempts: retry.attempts,
    backoffMs: retry.backoffMs,
    backoffMsMax: retry.backoffMsMax,
    onGiveUp,
    timers: Object.keys(pipeline.timers),
    endpoints: Object.keys(pipeline.deliver),
    hasSchedule: pipeline.schedule !== undefined,
    genericIngest,
  };
}
