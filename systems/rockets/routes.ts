import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { type Mill, MillraceError, type ReadOptions } from '../../src/index.ts';
import {
  ingestRoute,
  jsonSchemaOf,
  noQuery,
  pageParameters,
  pageSchema,
  parseRequest,
  rowErrors,
  signalOf,
  traceOf,
} from '../../src/server/index.ts';
import { inPlainWords } from '../shared/plain-words.ts';
import { Uuid } from '../shared/uuid.ts';
import { findHistory } from './history.ts';
import { findRockets, RocketQuery } from './list.ts';
import { RocketMessage } from './message.ts';
import { pipelineName } from './pipeline.ts';
import { Rocket } from './rocket.ts';

const Params = z.object({ id: Uuid });
const HistoryQuery = z.object(pageParameters);

const Ingested = z.object({ status: z.enum(['accepted', 'duplicate']) });
/** A rocket as shown. */
const RocketAnswer = z.object({
  ...Rocket.shape,
  pendingMessages: z.int().meta({ description: 'Number of messages that wait for an earlier one.' }),
});
const RocketList = z.object({
  count: z.int().meta({ description: 'Total number of rockets.' }),
  rockets: z.array(z.object({ ...RocketAnswer.shape, ...rowErrors })),
  ...RocketQuery.pick({ sort: true, order: true }).required().shape,
  nextCursor: z.string().optional().meta({ description: 'The start of the next page; absent on the last.' }),
});
const HistoryItem = z.object({
  messageNumber: z.int(),
  messageTime: z.string(),
  messageType: z.string(),
  message: z.record(z.string(), z.unknown()).nullable().meta({ description: 'Null if it cannot be read.' }),
  ...rowErrors,
});

/** The routes of the rockets. */
export function addRoutes(app: FastifyInstance, mill: Mill): void {
  ingestRoute(
    app,
    '/messages',
    {
      summary: 'Ingest a message, in any order and any number of times',
      body: jsonSchemaOf(RocketMessage),
      response: { 202: jsonSchemaOf(Ingested, 'output') },
    },
    async (request) => {
      const { status } = await mill.ingest(pipelineName, request.body, traceOf(request));
      return { status };
    },
  );

  app.get(
    '/rockets',
    {
      schema: {
        summary: 'All rockets, sorted; one page if there is a limit',
        querystring: jsonSchemaOf(RocketQuery),
        response: { 200: jsonSchemaOf(RocketList, 'output') },
      },
    },
    async (request, reply) => {
      const found = await findRockets(mill, await parseRequest(inPlainWords(RocketQuery), request.query), { signal: signalOf(reply) });
      if ('rockets' in found) return found;
      // One chunk at a time is in memory, until the client has read it.
      return reply.type('application/json; charset=utf-8').send(Readable.from(found, { objectMode: false }));
    },
  );

  const params = jsonSchemaOf(Params);
  app.get(
    '/rockets/:id',
    { schema: { summary: 'One rocket', params, querystring: noQuery, response: { 200: jsonSchemaOf(RocketAnswer, 'output') } } },
    async (request, reply) => {
      const { id } = await parseRequest(Params, request.params);
      const [rocket, [status]] = await Promise.all([
        findRocket(mill, id, { signal: signalOf(reply) }),
        mill.keys(pipelineName, [id], { signal: signalOf(reply) }),
      ]);
      return { ...rocket, pendingMessages: status?.pending ?? 0 };
    },
  );

  app.get(
    '/rockets/:id/history',
    {
      schema: {
        summary: 'Applied messages of a rocket, in order',
        params,
        querystring: jsonSchemaOf(HistoryQuery),
        response: { 200: jsonSchemaOf(pageSchema(HistoryItem), 'output') },
      },
    },
    async (request, reply) => {
      const { id } = await parseRequest(Params, request.params);
      const query = await parseRequest(HistoryQuery, request.query);
      await findRocket(mill, id, { signal: signalOf(reply) });
      return findHistory(mill, id, query, { signal: signalOf(reply) });
    },
  );
}

/** Returns the rocket, reflecting every message accepted before. Throws `MILL_NOT_FOUND` if it was never launched. */
async function findRocket(mill: Mill, id: string, reading: ReadOptions): Promise<Rocket> {
  const state = await mill.state(pipelineName, id, reading);
  if (state === undefined || state === null) throw new MillraceError('MILL_NOT_FOUND', `expected the id of a launched rocket, found ${id}`);
  return Rocket.parse(state);
}
