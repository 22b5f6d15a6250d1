import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { eventMetrics } from '../telemetry/event-metrics.ts';
import { Prometheus } from '../telemetry/prometheus.ts';
import { version } from '../version.ts';
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
};
const Leftover = z.object({ gone: z.enum(['pipeline', 'endpoint', 'timer', 'state', 'schedule']), ...names, ...amounts });

const HealthAnswer = z.object({
  status: z.enum(['ok', 'unavailable']),
  service: z.literal('millrace'),
  version: z.string(),
  reason: z.string().optional(),
  leftovers: z
    .array(Leftover)
    .optional()
    .meta({ description: 'Stored work whose declaration is gone, and how much of it there is; absent when there is none' }),
  paused: z.array(z.string()).optional().meta({ description: 'Pipelines that an operator has paused; absent when there are none' }),
  loops: z
    .array(z.object({ pipelines: z.array(z.string()), keys: z.int(), events: z.int() }))
    .optional()
    .meta({ description: 'Pipelines that feed themselves by sends and stand still at the limit `sends`; absent when there are none' }),
  depth: z
    .record(z.string(), z.int())
    .meta({ description: 'Per pipeline, the events that are accepted and neither processed, failed nor discarded' }),
});

const metricsOfPipeline = {
  events_received: z.int(),
  events_processed: z.int(),
  events_failed: z.int(),
  average_processing_latency_ms: z.number(),
  current_queue_depth: z.int(),
  active_workers: z.int(),
  events_per_second: z.number(),
  uptime_seconds: z.number(),
};
const MetricsAnswer = z.object({ ...metricsOfPipeline, pipelines: z.record(z.string(), z.object(metricsOfPipeline)) });

const MetricsQuery = z.object({
  format: z.enum(['json', 'prometheus']).optional().meta({
    description:
      'Without it JSON, and the Prometheus text format to an `Accept` that prefers `text/plain` or `application/openmetrics-text`',
  }),
});

/** Adds `GET /health`, `/ping` and `/metrics`: what a load balancer, a person and a scraper ask a running server. */
export function observeRoutes(app: FastifyInstance, mill: Mill, gate: Gate): void {
  const tags = ['server'];
  const prometheus = new Prometheus();
  const startedAt = performance.now();
  const uptimeMs = () => performance.now() - startedAt;

  const health = { description: 'Work makes progress, or there is none', ...jsonSchemaOf(HealthAnswer, 'output') };
  const unavailable = { ...health, description: 'It does not, or the server is stopping; `reason` says which' };
  app.get(
    '/health',
    { schema: { tags, summary: 'Whether work makes progress', response: { 200: health, 503: unavailable } } },
    (_request, reply) => {
      const { status, reason } = gate.closed ? { status: 'unavailable', reason: 'the server is stopping' } : mill.health();
      const counts = Object.entries(mill.counts());
      const depth = Object.fromEntries(counts.map(([name, count]) => [name, count.depth]));
      const paused = counts.flatMap(([name, count]) => (count.paused ? [name] : []));
      const loops = mill.loops();
      if (status !== 'ok') reply.code(503).header('retry-after', '1');
      const leftovers = mill.leftovers();
      const attention = {
        ...(leftovers.length > 0 && { leftovers }),
        ...(paused.length > 0 && { paused }),
        ...(loops.length > 0 && { loops }),
      };
      return { status, service: 'millrace', version, reason, ...attention, depth };
    },
  );

  const pong = jsonSchemaOf(z.object({ pong: z.literal(true) }));
  app.get('/ping', { schema: { tags, summary: 'Whether the server answers', response: { 200: pong } } }, () => ({ pong: true }));

  const metrics = {
    description: 'In the `format` that is asked for, otherwise as `Accept` says',
    content: { 'application/json': { schema: jsonSchemaOf(MetricsAnswer, 'output') }, 'text/plain': { schema: { type: 'string' } } },
  };
  const schema = { tags, summary: 'Counters and gauges', querystring: jsonSchemaOf(MetricsQuery), response: { 200: metrics } };
  app.get('/metrics', { schema }, async (request, reply) => {
    const { format = preferredFormat(request.headers.accept) } = await parseRequest(MetricsQuery, request.query);
    reply.header('vary', 'accept');
    const counts = mill.counts();
    if (format === 'json') return eventMetrics(counts, uptimeMs());
    reply.type(prometheus.contentType);
    return prometheus.text({ counts, leftovers: mill.leftovers(), store: await mill.storeStats(), uptimeMs: uptimeMs() });
  });
}
