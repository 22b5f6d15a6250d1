import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import type { WaitingKey } from '../engine/mill-options.ts';
import { nameOf, PipelineParams, type PipelineRoute } from './operator.ts';
import { decodeCursor, pageOf, pageParameters, pageSchema } from './page.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

const Query = z.object(pageParameters);
const Cursor = z.tuple([z.int(), z.string()]);

const GapAnswer = z.object({
  key: z.string(),
  next: z.int().meta({ description: 'The lowest missing number' }),
  first: z.int().meta({ description: 'The lowest waiting number' }),
  pending: z.int().meta({ description: 'Number of waiting events' }),
  since: z.iso.datetime().meta({ description: 'When the event with the number `first` was accepted' }),
});

/** Adds the route for keys that wait for a number (promise 9). */
export function gapRoutes(app: FastifyInstance, mill: Mill): void {
  app.get<PipelineRoute>(
    '/pipelines/:pipeline/gaps',
    {
      schema: {
        tags: ['operator'],
        summary: 'Keys that wait for a number, longest wait first',
        params: jsonSchemaOf(PipelineParams),
        querystring: jsonSchemaOf(Query),
        response: { 200: jsonSchemaOf(pageSchema(GapAnswer)) },
      },
    },
    async (request) => {
      const pipeline = nameOf(mill, request.params);
      const { limit, cursor } = await parseRequest(Query, request.query);
      const rows = await mill.gaps(pipeline, { after: await placeOf(cursor), limit: limit + 1 });
      return pageOf(rows, { limit, cursor: ({ since, key }) => [since, key], item: toAnswer });
    },
  );
}

async function placeOf(cursor: string | undefined): Promise<Pick<WaitingKey, 'since' | 'key'> | undefined> {
  if (cursor === undefined) return undefined;
  const [since, key] = await decodeCursor(Cursor, cursor);
  return { since, key };
}

function toAnswer({ since, ...gap }: WaitingKey): z.infer<typeof GapAnswer> {
  return { ...gap, since: new Date(since).toISOString() };
}
