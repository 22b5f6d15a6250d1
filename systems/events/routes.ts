import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { type Mill, MillraceError } from '../../src/index.ts';
import {
  answerBatch,
  BatchAnswer,
  idempotencyKeyHeader,
  ingestRoute,
  jsonSchemaOf,
  noQuery,
  pageSchema,
  parseRequest,
  refuseIdempotencyKey,
  signalOf,
  traceOf,
  withRowErrors,
} from '../../src/server/index.ts';
import { inPlainWords } from '../shared/plain-words.ts';
import { Uuid, uuidKeyOf } from '../shared/uuid.ts';
import { EventAnswer, EventQuery, listEvents, toAnswer } from './list.ts';
import { pipelineName } from './pipeline.ts';
import type { EventStorage } from './storage.ts';
import type { EventValidator } from './validator.ts';

const batchMax = 100;
const Batch = inPlainWords(z.object({ events: z.array(z.unknown()).min(1).max(batchMax) }));
const Params = z.object({ id: Uuid });
const Ingested = z.object({ id: z.string(), status: z.enum(['accepted', 'duplicate']) });

/** Adds the routes of the events. */
export function addRoutes(
  app: FastifyInstance,
  mill: Mill,
  { validator, storage }: { readonly validator: EventValidator; readonly storage: EventStorage },
): void {
  const event = jsonSchemaOf(validator);

  ingestRoute(
    app,
    '/events',
    {
      summary: 'Ingest one event',
      headers: idempotencyKeyHeader('A UUID: the id of an event that has none'),
      body: event,
      response: { 202: jsonSchemaOf(Ingested, 'output') },
    },
    async (request) => {
      const { id, status } = await mill.ingest(pipelineName, request.body, { ...traceOf(request), ...uuidKeyOf(request) });
      return { id, status };
    },
    { idempotencyKey: 'by route' },
  );

  ingestRoute(
    app,
    '/events/batch',
    {
      summary: `Ingest up to ${batchMax} events, each judged separately`,
      body: {
        type: 'object',
        properties: { events: { type: 'array', minItems: 1, maxItems: batchMax, items: event } },
        required: ['events'],
      },
      response: { 202: jsonSchemaOf(BatchAnswer, 'output') },
    },
    async (request) => {
      refuseIdempotencyKey(request, 'a batch has many events and a key identifies one');
      const { events } = await parseRequest(Batch, request.body);
      return answerBatch(await mill.ingestBatch(pipelineName, events, traceOf(request)), 'events');
    },
    { inexactNumbers: 'by event', idempotencyKey: 'by route' },
  );

  app.get(
    '/events',
    {
      schema: {
        summary: 'Processed events, newest first',
        querystring: jsonSchemaOf(EventQuery),
        response: { 200: jsonSchemaOf(pageSchema(EventAnswer), 'output') },
      },
    },
    async (request, reply) =>
      listEvents(mill, storage, await parseRequest(inPlainWords(EventQuery), request.query), { signal: signalOf(reply) }),
  );

  app.get(
    '/events/:id',
    {
      schema: {
        summary: 'A processed event',
        params: jsonSchemaOf(Params),
        querystring: noQuery,
        response: { 200: jsonSchemaOf(EventAnswer, 'output') },
      },
    },
    async (request) => {
      const { id } = await parseRequest(Params, request.params);
      // Waits for the event itself, not for earlier events.
      const { signal } = request;
      const [status] = await mill.keys(pipelineName, [id], { signal });
      const found = await storage.find(mill, id, { signal });
      if (found !== undefined) return withRowErrors(found, toAnswer(found));
      throw new MillraceError('MILL_NOT_FOUND', `expected a processed event, found ${await instead(mill, id, status?.pending)}`);
    },
  );
}

/** Returns what exists of an event without a row. */
async function instead(mill: Mill, id: string, pending = 0): Promise<string> {
  if (pending > 0) return `${id} waiting for a retry`;
  const letters = await mill.deadLetters({ pipeline: pipelineName, key: id });
  const last = letters.at(-1);
  if (last === undefined) return `none with the id ${id}`;
  return `${id} failed after ${last.attempts} ${last.attempts === 1 ? 'attempt' : 'attempts'}: ${last.reason}`;
}
