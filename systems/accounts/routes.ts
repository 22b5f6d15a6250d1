import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../../src/index.ts';
import {
  answerBatch,
  BatchAnswer,
  idempotencyKeyOf,
  ingestRoute,
  jsonSchemaOf,
  noQuery,
  pageSchema,
  parseRequest,
  refuseIdempotencyKey,
  signalOf,
  traceOf,
} from '../../src/server/index.ts';
import { inPlainWords } from '../shared/plain-words.ts';
import { HighestQuery, listHighest } from './highest.ts';
import { AccountAnswer, AccountQuery, findAccount, listAccounts } from './list.ts';
import { pipelineName } from './pipeline.ts';
import { AccountUpdate } from './update.ts';
import { listVersions, VersionAnswer, VersionQuery } from './versions.ts';

const batchMax = 1_000;
const Batch = inPlainWords(z.array(z.unknown()).min(1).max(batchMax));
const Params = z.object({ id: z.string() });
const Ingested = z.object({ status: z.enum(['accepted', 'duplicate']) });

/** Adds the routes of the accounts. */
export function addRoutes(app: FastifyInstance, mill: Mill): void {
  const update = jsonSchemaOf(AccountUpdate);
  ingestRoute(
    app,
    '/accounts',
    {
      summary: `Ingest one update, or up to ${batchMax}, each judged separately`,
      body: { anyOf: [update, { type: 'array', minItems: 1, maxItems: batchMax, items: update }] },
      response: { 202: { anyOf: [jsonSchemaOf(Ingested, 'output'), jsonSchemaOf(BatchAnswer, 'output')] } },
    },
    async (request) => {
      const { body } = request;
      if (Array.isArray(body)) {
        refuseIdempotencyKey(request, 'a batch has many events and a key identifies one');
        const updates = await parseRequest(Batch, body);
        return answerBatch(await mill.ingestBatch(pipelineName, updates, traceOf(request)), '');
      }
      const { status } = await mill.ingest(pipelineName, body, { ...traceOf(request), ...idempotencyKeyOf(request) });
      return { status };
    },
    { inexactNumbers: 'by event', idempotencyKey: 'by route' },
  );

  app.get(
    '/accounts',
    {
      schema: {
        summary: 'Accounts, sorted',
        querystring: jsonSchemaOf(AccountQuery),
        response: { 200: jsonSchemaOf(pageSchema(AccountAnswer), 'output') },
      },
    },
    async (request, reply) =>
      listAccounts(mill, await parseRequest(inPlainWords(AccountQuery), request.query), { signal: signalOf(reply) }),
  );

  app.get(
    '/accounts/highest',
    {
      schema: {
        summary: 'The account with the most tokens in its latest version, for each account type',
        querystring: jsonSchemaOf(HighestQuery),
        response: { 200: jsonSchemaOf(pageSchema(AccountAnswer), 'output') },
      },
    },
    async (request, reply) => listHighest(mill, await parseRequest(HighestQuery, request.query), { signal: signalOf(reply) }),
  );

  const params = jsonSchemaOf(Params);
  app.get(
    '/accounts/:id',
    {
      schema: {
        summary: 'The latest version of an account',
        params,
        querystring: noQuery,
        response: { 200: jsonSchemaOf(AccountAnswer, 'output') },
      },
    },
    async (request, reply) => findAccount(mill, (await parseRequest(Params, request.params)).id, { signal: signalOf(reply) }),
  );

  app.get(
    '/accounts/:id/updates',
    {
      schema: {
        summary: 'Indexed versions of an account, with the outcome of each callback',
        params,
        querystring: jsonSchemaOf(VersionQuery),
        response: { 200: jsonSchemaOf(pageSchema(VersionAnswer), 'output') },
      },
    },
    async (request, reply) => {
      const { id } = await parseRequest(Params, request.params);
      const query = await parseRequest(VersionQuery, request.query);
      await findAccount(mill, id, { signal: signalOf(reply) });
      return listVersions(mill, id, query, { signal: signalOf(reply) });
    },
  );
}
