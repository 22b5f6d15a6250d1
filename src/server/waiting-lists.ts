import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { signalOf } from './client-signal.ts';
import { momentOf, waitingDelivery, waitingDeliveryOf } from './key-answers.ts';
import { nameOf, PipelineParams, type PipelineRoute } from './operator.ts';
import { decodeCursor, pageOf, pageParameters, pageSchema } from './page.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

const TimersQuery = z.object({
  ...pageParameters,
  name: z.string().optional().meta({ description: 'Only timers of this name' }),
  prefix: z.string().optional().meta({ description: 'Only timers of keys that begin with this text' }),
  before: z.iso
    .datetime('expected a time, such as 2026-11-21T09:13:04Z')
    .transform((text) => Date.parse(text))
    .optional()
    .meta({ type: 'string', format: 'date-time', description: 'Only timers that are due before this moment' }),
});
const TimersCursor = z.tuple([z.number(), z.string(), z.string()]);

const ListedTimer = z
  .object({
    key: z.string(),
    name: z.string(),
    dueAt: z.iso.datetime(),
    attempts: z.int().meta({ description: 'Failed attempts so far' }),
    retryAt: z.iso.datetime().nullable().meta({ description: 'When it is tried again; null for a timer that has not failed' }),
  })
  .meta({ examples: [{ key: 'ord_7', name: 'expire', dueAt: '2026-11-21T10:00:00.000Z', attempts: 0, retryAt: null }] });

const DeliveriesQuery = z.object({
  ...pageParameters,
  endpoint: z.string().optional().meta({ description: 'Only deliveries to this endpoint' }),
  key: z.string().optional().meta({ description: 'Only deliveries of this key' }),
});
const DeliveriesCursor = z.tuple([z.string(), z.string(), z.string()]);

const ListedDelivery = z.object({ key: z.string(), ...waitingDelivery.shape }).meta({
  examples: [
    {
      key: 'ord_7',
      id: 'ord_7/paid',
      endpoint: 'shop',
      url: null,
      askedAt: '2026-11-21T09:00:00.000Z',
      attempts: 2,
      dueAt: '2026-11-21T09:00:07.000Z',
      lastFailure: { at: '2026-11-21T09:00:03.000Z', attempt: 2, reason: 'answered 503' },
    },
  ],
});

/** Adds the lists of a pipeline's pending items: its timers, and its deliveries without an outcome. */
export function waitingListRoutes(app: FastifyInstance, mill: Mill): void {
  app.get<PipelineRoute>(
    '/pipelines/:pipeline/timers',
    {
      schema: {
        tags: ['operator'],
        operationId: 'listTimers',
        summary: 'The armed timers of a pipeline, those due first in front',
        params: jsonSchemaOf(PipelineParams),
        querystring: jsonSchemaOf(TimersQuery),
        response: { 200: jsonSchemaOf(pageSchema(ListedTimer)) },
      },
    },
    async (request, reply) => {
      const pipeline = nameOf(mill, request.params);
      const { limit, cursor, ...query } = await parseRequest(TimersQuery, request.query);
      const place = cursor === undefined ? undefined : await decodeCursor(TimersCursor, cursor);
      const after = place && { dueAt: place[0], key: place[1], name: place[2] };
      const rows = await mill.timers(pipeline, { ...query, after, limit: limit + 1 }, { signal: signalOf(reply) });
      return pageOf(rows, {
        limit,
        cursor: ({ dueAt, key, name }) => [dueAt, key, name],
        item: ({ key, name, dueAt, attempts, retryAt }) => ({
          ...{ key, name, dueAt: momentOf(dueAt), attempts },
          retryAt: retryAt === null ? null : momentOf(retryAt),
        }),
      });
    },
  );

  app.get<PipelineRoute>(
    '/pipelines/:pipeline/deliveries',
    {
      schema: {
        tags: ['operator'],
        operationId: 'listDeliveries',
        summary: 'The deliveries of a pipeline that have no outcome yet',
        description: 'In the order of endpoints, keys and ids; also deliveries to endpoints that the pipeline no longer declares.',
        params: jsonSchemaOf(PipelineParams),
        querystring: jsonSchemaOf(DeliveriesQuery),
        response: { 200: jsonSchemaOf(pageSchema(ListedDelivery)) },
      },
    },
    async (request, reply) => {
      const pipeline = nameOf(mill, request.params);
      const { limit, cursor, ...query } = await parseRequest(DeliveriesQuery, request.query);
      const place = cursor === undefined ? undefined : await decodeCursor(DeliveriesCursor, cursor);
      const after = place && { endpoint: place[0], key: place[1], id: place[2] };
      const rows = await mill.deliveries(pipeline, { ...query, after, limit: limit + 1 }, { signal: signalOf(reply) });
      return pageOf(rows, {
        limit,
        cursor: ({ endpoint, key, id }) => [endpoint, key, id],
        item: ({ key, ...delivery }) => ({ key, ...waitingDeliveryOf(delivery) }),
      });
    },
  );
}
