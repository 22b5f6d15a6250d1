import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { PipelineCounts } from '../engine/counts.ts';
import type { SourceStatus } from '../engine/inlets/source-reader.ts';
import type { Mill } from '../engine/mill.ts';
import type { EndpointWaits as EndpointWaitsOfMill } from '../engine/outbox/endpoint-gate.ts';
import { eventMetrics } from '../telemetry/event-metrics.ts';
import type { ProcessCounts } from '../telemetry/process-counts.ts';
import { Prometheus } from '../telemetry/prometheus.ts';
import { version } from '../version.ts';
import type { Guard } from './access/guard.ts';
import { eventMetricSchemas } from './figure-schemas.ts';
import type { Gate } from './gate.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';
import { preferredFormat } from './preferred-format.ts';

const names = { pipeline: z.string(), endpoint: z.string().optional(), timer: z.string().optional() };
const amounts = {
  events: z.int().optional(),
  states: z.int().optional(),
  timers: z.int().optional(),
  deliveries: z.int().optional(),
  outcomes: z.int().optional(),
  deadLetters: z.int().optional(),
  inbox: z.int().optional(),
};
const Leftover = z.object({ gone: z.enum(['pipeline', 'endpoint', 'timer', 'state', 'schedule']), ...names, ...amounts });

const SilentAddress = z.object({ address: z.string(), reason: z.string(), silentSeconds: z.int() });
const EndpointWaits = z.object({
  pipeline: z.string(),
  endpoint: z.string(),
  postponed: z.string().nullable(),
  restingAddresses: z.int(),
  silentAddresses: z.array(SilentAddress),
  crowding: z.array(z.string()),
});

const HealthAnswer = z.object({
  status: z.enum(['ok', 'unavailable']),
  service: z.literal('millrace'),
  version: z.string().optional(),
  reason: z.string().optional(),
  warnings: z
    .array(z.string())
    .optional()
    .meta({ description: 'Problems that need attention although work makes progress; absent if there are none' }),
  gaps: z
    .record(z.string(), z.object({ keys: z.int(), oldestSeconds: z.number() }))
    .optional()
    .meta({
      description: 'Per pipeline, the number of keys that wait for a number, and the longest wait; absent if there are none',
    }),
  leftovers: z
    .array(Leftover)
    .optional()
    .meta({ description: 'Stored work whose declaration is gone, with its amount; absent if there is none' }),
  waits: z
    .array(EndpointWaits)
    .optional()
    .meta({ description: 'Endpoints whose deliveries are delayed, and why; absent if there are none' }),
  paused: z.array(z.string()).optional().meta({ description: 'Pipelines paused by an operator; absent if there are none' }),
  loops: z
    .array(z.object({ pipelines: z.array(z.string()), keys: z.int(), events: z.int() }))
    .optional()
    .meta({
      description:
        'Pipelines that send to themselves, directly or through others, and are stuck at the limit `sends`; absent if there are none',
    }),
  depth: z
    .record(z.string(), z.int())
    .optional()
    .meta({ description: 'Per pipeline, the accepted events that are not yet processed, failed or discarded' }),
});

/** Returns the problems that need attention although work makes progress; each part is absent if empty. */
function attentionOf(mill: Mill, counts: readonly (readonly [pipeline: string, PipelineCounts])[]) {
  const waiting = counts.filter(([, count]) => count.gaps > 0);
  const gaps = waiting.map(([name, count]) => [name, { keys: count.gaps, oldestSeconds: Math.round(count.oldestGapMs / 1000) }] as const);
  const leftovers = mill.leftovers();
  const waits = mill.endpointWaits().map(shownWaits);
  const paused = counts.flatMap(([name, count]) => (count.paused ? [name] : []));
  const loops = mill.loops();
  return {
    ...(gaps.length > 0 && { gaps: Object.fromEntries(gaps) }),
    ...(leftovers.length > 0 && { leftovers }),
    ...(waits.length > 0 && { waits }),
    ...(paused.length > 0 && { paused }),
    ...(loops.length > 0 && { loops }),
  };
}

function sourcesOf(mill: Mill): readonly (readonly [pipeline: string, source: SourceStatus])[] {
  return Array.from(mill.pipelines.keys()).flatMap((pipeline) => {
    const source = mill.source(pipeline);
    return source === undefined ? [] : [[pipeline, source] as const];
  });
}

const MetricsAnswer = z.object({ ...eventMetricSchemas, pipelines: z.record(z.string(), z.object(eventMetricSchemas)) });

const MetricsQuery = z.object({
  format: z.enum(['json', 'prometheus']).optional().meta({
    description:
      'Overrides `Accept`. Default: JSON, or the Prometheus text format if `Accept` prefers `text/plain` or `application/openmetrics-text`',
  }),
});

function shownWaits({ silentAddresses, ...waits }: EndpointWaitsOfMill): z.infer<typeof EndpointWaits> {
  const shown = silentAddresses.map(({ address, reason, silentMs }) => ({ address, reason, silentSeconds: Math.round(silentMs / 1_000) }));
  return { ...waits, crowding: [...waits.crowding], silentAddresses: shown };
}

function reasonForAnybody({ closed }: Gate): string {
  return closed ? stoppingReason : 'work makes no progress; the log says why, as does this route for a token that may read everything';
}

const stoppingReason = 'the server is stopping';

interface Observed {
  readonly mill: Mill;
  readonly gate: Gate;
  readonly guard: Guard;
  readonly processCounts: ProcessCounts;
}

/** Adds `GET /health`, `/ping` and `/metrics`, for load balancers, people and scrapers. */
export function observeRoutes(app: FastifyInstance, { mill, gate, guard, processCounts }: Observed): void {
  const tags = ['server'];
  const prometheus = new Prometheus(processCounts);
  const startedAt = performance.now();
  const uptimeMs = () => performance.now() - startedAt;

  const health = { description: 'Work makes progress, or there is none', ...jsonSchemaOf(HealthAnswer, 'output') };
  const unavailable = { ...health, description: 'Work makes no progress, or the server is stopping; see `reason`' };
  app.get(
    '/health',
    {
      schema: { tags, operationId: 'getHealth', summary: 'Health check', response: { 200: health, 503: unavailable } },
      config: { access: 'open' },
    },
    ({ raw }, reply) => {
      const { status, ...details } = gate.closed ? { status: 'unavailable', reason: stoppingReason } : mill.health();
      const counts = Object.entries(mill.counts());
      const depth = Object.fromEntries(counts.map(([name, count]) => [name, count.depth]));
      if (status !== 'ok') reply.code(503).header('retry-after', '1');
      // Only those who may read everything see details of pending work (names of pipelines and files). Anyone may ask whether work makes
      // progress.
      if (!guard.maySeeAll(raw)) return { status, service: 'millrace', reason: status === 'ok' ? undefined : reasonForAnybody(gate) };
      return { status, service: 'millrace', version, ...details, ...attentionOf(mill, counts), depth };
    },
  );

  const pong = jsonSchemaOf(z.object({ pong: z.literal(true) }));
  const ping = { tags, operationId: 'ping', summary: 'Liveness check', response: { 200: pong } };
  app.get('/ping', { schema: ping, config: { access: 'open' } }, () => ({ pong: true }));

  const metrics = {
    description: 'The metrics in the requested `format`, otherwise as `Accept` prefers',
    content: { 'application/json': { schema: jsonSchemaOf(MetricsAnswer, 'output') }, 'text/plain': { schema: { type: 'string' } } },
  };
  const schema = {
    tags,
    operationId: 'getMetrics',
    summary: 'Counters and gauges',
    querystring: jsonSchemaOf(MetricsQuery),
    response: { 200: metrics },
  };
  app.get('/metrics', { schema, config: { access: guard.hasOpenMetrics ? 'open' : 'read' } }, async (request, reply) => {
    const { format = preferredFormat(request.headers.accept) } = await parseRequest(MetricsQuery, request.query);
    reply.header('vary', 'accept');
    const counts = mill.counts();
    if (format === 'json') return eventMetrics(counts, uptimeMs());
    reply.type(prometheus.contentType);
    return prometheus.text({
      counts,
      leftovers: mill.leftovers(),
      waits: mill.endpointWaits(),
      sources: sourcesOf(mill),
      store: await mill.storeStats(),
      uptimeMs: uptimeMs(),
      refusals: guard.refusals,
    });
  });
}
