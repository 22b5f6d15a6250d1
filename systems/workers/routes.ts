import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { type Mill, MillraceError } from '../../src/index.ts';
import {
  idempotencyKeyHeader,
  idempotencyKeyOf,
  ingestRoute,
  jsonSchemaOf,
  noQuery,
  pageSchema,
  parseRequest,
  signalOf,
  traceOf,
} from '../../src/server/index.ts';
import { findWorker, listWorkers, WorkerAnswer, WorkerQuery } from './list.ts';
import { pipelineName } from './pipeline.ts';
import { speechOf } from './speech.ts';

const Params = z.object({
  worker: z
    .string()
    .regex(/^\d{1,15}$/, 'expected a number')
    .transform(Number)
    .meta({ type: 'integer' }),
});
const Ingested = z.object({ status: z.enum(['accepted', 'duplicate']), id: z.string() });

/** Adds the routes of the workers. */
export function addRoutes(app: FastifyInstance, mill: Mill, workers: number): void {
  const Speech = speechOf(workers);

  ingestRoute(
    app,
    '/workers/messages',
    {
      summary: 'Send a message from one worker to another',
      headers: idempotencyKeyHeader('The id of the message; repeating it yields a duplicate'),
      body: jsonSchemaOf(Speech),
      response: { 202: jsonSchemaOf(Ingested, 'output') },
    },
    async (request) => {
      const speech = await parseRequest(Speech, request.body);
      const { status, id } = await mill.ingest(
        pipelineName,
        { ...speech, act: 'speak' },
        { ...traceOf(request), ...idempotencyKeyOf(request) },
      );
      return { status, id };
    },
    { idempotencyKey: 'by route' },
  );

  app.get(
    '/workers',
    {
      schema: {
        summary: 'Workers, with the last message each heard',
        querystring: jsonSchemaOf(WorkerQuery),
        response: { 200: jsonSchemaOf(pageSchema(WorkerAnswer), 'output') },
      },
    },
    async (request, reply) => listWorkers(mill, workers, await parseRequest(WorkerQuery, request.query), { signal: signalOf(reply) }),
  );

  app.get(
    '/workers/:worker',
    {
      schema: {
        summary: 'One worker',
        params: jsonSchemaOf(Params),
        querystring: noQuery,
        response: { 200: jsonSchemaOf(WorkerAnswer, 'output') },
      },
    },
    async (request, reply) => {
      const { worker } = await parseRequest(Params, request.params);
      if (worker >= 1 && worker <= workers) return findWorker(mill, worker, { signal: signalOf(reply) });
      throw new MillraceError('MILL_NOT_FOUND', `expected a worker from 1 to ${workers}, found ${worker}`);
    },
  );
}
