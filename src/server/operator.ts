import type {
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
  RouteHandlerMethod,
} from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { MillraceError } from '../errors.ts';
import { answerBatch, BatchAnswer } from './batch.ts';
import { directRoutesOf } from './direct-routes.ts';
import { idempotencyKeyHeader, idempotencyKeyOf, refuseIdempotencyKey } from './idempotency-key.ts';
import type { IngestRequest } from './ingest-request.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';
import { traceOf } from './trace-header.ts';

export const PipelineParams = z.object({ pipeline: z.string().meta({ description: 'The name of a pipeline' }) });
export type PipelineRoute = { Params: z.infer<typeof PipelineParams> };
type PipelineHandler = RouteHandlerMethod<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, PipelineRoute>;

const batchOf = (max: number) => z.object({ events: z.array(z.unknown()).min(1).max(max) });
type Batch = ReturnType<typeof batchOf>;
const Ingested = z.object({ id: z.string(), status: z.enum(['accepted', 'duplicate']) });

/** Adds the generic versions, for every pipeline, of a system's own routes. */
export function operatorRoutes(app: FastifyInstance, mill: Mill): void {
  const tags = ['operator'];
  const Batch = batchOf(mill.limits.batch);

  const event = { description: 'An event, as declared by the pipeline' };
  const headers = idempotencyKeyHeader(
    'The id of an event that has none of its own; repeating it yields a duplicate. 400 if it contradicts the event, or if a number identifies the event',
  );
  const open = Array.from(mill.pipelines.values()).flatMap(({ name, genericIngest }) => (genericIngest ? [name] : []));
  const ingest = { tags, hide: open.length === 0, params: jsonSchemaOf(PipelineParams) };
  const takeOne: PipelineHandler = async (request, reply) =>
    reply.code(202).send(await takeEvent(mill, openNameOf(mill, request.params), request));
  const takeMany: PipelineHandler = async (request, reply) =>
    reply.code(202).send(await takeBatch(mill, openNameOf(mill, request.params), Batch, request));
  app.post<PipelineRoute>(
    '/pipelines/:pipeline/events',
    {
      schema: { ...ingest, summary: 'Ingest one event', headers, body: event, response: { 202: jsonSchemaOf(Ingested) } },
      config: { inexactNumbers: 'by event', access: 'ingest' },
    },
    takeOne,
  );

  app.post<PipelineRoute>(
    '/pipelines/:pipeline/events/batch',
    {
      schema: {
        ...ingest,
        summary: 'Ingest many events, each judged separately',
        body: jsonSchemaOf(Batch),
        response: { 202: jsonSchemaOf(BatchAnswer) },
      },
      config: { inexactNumbers: 'by event', access: 'ingest' },
    },
    takeMany,
  );

  const generic = '/pipelines/:pipeline/events';
  for (const pipeline of open) {
    const path = `/pipelines/${pipeline}/events`;
    const one = { handler: takeOne, take: (request: IngestRequest) => takeEvent(mill, pipeline, request) };
    const many = { handler: takeMany, take: (request: IngestRequest) => takeBatch(mill, pipeline, Batch, request) };
    const pipelines = [pipeline];
    directRoutesOf(app)?.add(app, { ...one, url: generic, path, pipelines });
    directRoutesOf(app)?.add(app, { ...many, url: `${generic}/batch`, path: `${path}/batch`, pipelines });
  }
}

/** The parts of a request that the generic routes use. */
type ParsedRequest = Omit<IngestRequest, 'rawBody'>;

async function takeEvent(mill: Mill, pipeline: string, request: ParsedRequest): Promise<z.infer<typeof Ingested>> {
  const { id, status } = await mill.ingest(pipeline, request.body, { ...traceOf(request), ...idempotencyKeyOf(request) });
  return { id, status };
}

async function takeBatch(mill: Mill, pipeline: string, batch: Batch, request: ParsedRequest): Promise<BatchAnswer> {
  refuseIdempotencyKey(request, 'a batch has many events and a key identifies one');
  const { events } = await parseRequest(batch, request.body);
  return answerBatch(await mill.ingestBatch(pipeline, events, traceOf(request)), 'events');
}

/** Returns the pipeline that a request sends events to. Throws `MILL_NOT_FOUND` also for one that turns its generic routes off. */
function openNameOf(mill: Mill, params: PipelineRoute['Params']): string {
  const name = nameOf(mill, params);
  if (mill.pipelines.get(name)?.genericIngest !== false) return name;
  throw new MillraceError(
    'MILL_NOT_FOUND',
    `pipeline ${name} accepts no events here, since it declares genericIngest: false; use one of its own routes`,
  );
}

/** Returns the pipeline of a path. Throws `MILL_NOT_FOUND`. */
export function nameOf(mill: Mill, params: PipelineRoute['Params']): string {
  if (mill.pipelines.has(params.pipeline)) return params.pipeline;
  const known = [...mill.pipelines.keys()].join(', ');
  throw new MillraceError('MILL_NOT_FOUND', `expected a pipeline (${known}), found ${params.pipeline}`);
}
