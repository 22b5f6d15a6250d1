import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { signalOf } from './client-signal.ts';
import { checkPipeline } from './limited-list.ts';
import { decodeCursor, pageOf, pageParameters, pageSchema } from './page.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

const Query = z.object({
  ...pageParameters,
  pipeline: z.string().optional().meta({ description: 'Only actions on this pipeline' }),
  key: z.string().optional().meta({ description: 'Only actions on this key' }),
});
const Cursor = z.tuple([z.string()]);

const Entry = z
  .object({
    id: z.string(),
    at: z.iso.datetime(),
    who: z.string().nullable().meta({ description: 'The name of the token; null if the server requires none' }),
    action: z.string(),
    pipeline: z.string(),
    key: z.string().nullable(),
    subject: z.string().nullable().meta({ description: 'The object of the action: the id of a dead letter, or the name of an endpoint' }),
    reason: z.string().nullable().meta({ description: 'The reason that the operator gave' }),
  })
  .meta({
    examples: [
      {
        id: '01939f8e-4c1f-7d0e-8a44-0f6f7b0d8c55',
        at: '2026-11-21T09:13:04.120Z',
        who: 'ann',
        action: 'redrive',
        pipeline: 'orders',
        key: 'ord_7',
        subject: '01939f8d-9c3a-7b51-9d8a-2b7f6a1c0e42',
        reason: 'the provider is back',
      },
    ],
  });

/** Adds `GET /audit`: operators' actions. */
export function auditRoutes(app: FastifyInstance, mill: Mill): void {
  app.get(
    '/audit',
    {
      schema: {
        tags: ['operator'],
        operationId: 'listAudit',
        summary: 'Operator actions, latest first',
        description: 'Kept for 90 days. A token limited to some pipelines must name one of them.',
        querystring: jsonSchemaOf(Query),
        response: { 200: jsonSchemaOf(pageSchema(Entry)) },
      },
      config: { pipelines: [] },
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = await parseRequest(Query, request.query);
      checkPipeline(request, filter.pipeline);
      const [before] = cursor === undefined ? [] : await decodeCursor(Cursor, cursor);
      const rows = await mill.audit({ ...filter, before, limit: limit + 1 }, { signal: signalOf(reply) });
      return pageOf(rows, { limit, cursor: ({ id }) => [id], item: ({ at, ...entry }) => ({ ...entry, at: new Date(at).toISOString() }) });
    },
  );
}
