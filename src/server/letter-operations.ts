import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import type { Operation } from '../engine/mill-options.ts';
import { MillraceError } from '../errors.ts';
import { isLimited, mayUse } from './access/guard.ts';
import { byWhom, reason, whoOf, whyBody } from './by-whom.ts';
import { letterFilter, letterKind } from './dead-letter-filter.ts';
import { checkPipeline } from './limited-list.ts';
import { decodeCursor, pageOf, pageParameters, pageSchema } from './page.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

/** Maximum letters named by one request. */
const idsMax = 1_000;
/** The longest delay in which an operation can be undone, in milliseconds. */
const startAfterMsMax = 3_600_000;

const Ask = z
  .strictObject({
    ids: z
      .array(z.string())
      .min(1)
      .max(idsMax)
      .optional()
      .meta({ description: 'The dead letters to resolve. The answer comes once all are resolved' }),
    filter: z
      .strictObject({ pipeline: z.string(), ...letterFilter })
      .optional()
      .meta({ description: 'Selects all matching dead letters when the operation begins' }),
    dryRun: z.boolean().optional().meta({ description: 'Only count the dead letters; change nothing' }),
    startAfterMs: z.int().min(0).max(startAfterMsMax).optional().meta({
      description: 'With a filter: the delay before the operation begins, in milliseconds. It can be undone until then. Default: 5,000',
    }),
    reason,
  })
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), 'expected either ids or a filter')
  .meta({
    examples: [{ filter: { pipeline: 'orders', kind: 'delivery', reason: 'answered ‹number›' }, reason: 'the provider is back' }],
  });

const moment = z.iso.datetime();
const OperationAnswer = z
  .object({
    id: z.string(),
    action: z.enum(['redrive', 'discard']),
    filter: z.object({
      pipeline: z.string(),
      kind: letterKind.optional(),
      key: z.string().optional(),
      reason: z.string().optional(),
      from: moment.optional(),
      to: moment.optional(),
      ids: z.array(z.string()).readonly().optional().meta({ description: 'Named by `millrace redrive --file` or `discard --file`' }),
    }),
    who: z.string().nullable().meta({ description: 'The name of the token; null if the server requires none' }),
    reason: z.string().nullable(),
    state: z.enum(['starting', 'running', 'ended', 'undone', 'stopped']).meta({
      description: 'A starting operation can be undone. A running one can be stopped; completed work stays',
    }),
    askedAt: moment,
    startsAt: moment.meta({ description: 'When the operation begins' }),
    begunAt: moment.nullable(),
    endedAt: moment.nullable(),
    matched: z.int().meta({ description: 'Number of matching dead letters when it began; 0 before that' }),
    done: z.int().meta({ description: 'Number redriven or discarded so far' }),
    refused: z.int().meta({ description: 'Number that cannot be resolved, such as gaps, which cannot be redriven' }),
    left: z.int().meta({ description: 'Number still to be resolved' }),
    failedAgain: z.int().meta({
      description:
        'Dead letters matching its filter that arrived between its start and an hour after its end, including those that failed again',
    }),
  })
  .meta({
    examples: [
      {
        ...{ id: '01939f8e-4c1f-7d0e-8a44-0f6f7b0d8c55', action: 'redrive', filter: { pipeline: 'orders', kind: 'delivery' } },
        ...{ who: 'ann', reason: 'the provider is back', state: 'running', askedAt: '2026-11-21T09:13:04.120Z' },
        ...{ startsAt: '2026-11-21T09:13:09.120Z', begunAt: '2026-11-21T09:13:09.121Z', endedAt: null },
        ...{ matched: 1204, done: 500, refused: 0, left: 704, failedAgain: 0 },
      },
    ],
  });

const Answer = z.object({
  matched: z.int().meta({ description: 'Number of matching dead letters' }),
  redriven: z.int().optional(),
  discarded: z.int().optional(),
  operation: OperationAnswer.optional().meta({ description: 'The operation that was created for a filter' }),
});

const Params = z.object({ id: z.string() });
type Route = { Params: z.infer<typeof Params> };
const Query = z.object({
  ...pageParameters,
  pipeline: z.string().optional().meta({ description: 'Only operations on dead letters of this pipeline' }),
});
const Cursor = z.tuple([z.string()]);
const tags = ['operator'];
// The routes themselves check the letters' pipelines.
const config = { pipelines: [] };

/** Adds the routes with which an operator redrives or discards many dead letters, and follows the progress. */
export function letterOperationRoutes(app: FastifyInstance, mill: Mill): void {
  askRoute(app, mill, { action: 'redrive', count: 'redriven', summary: 'Redrive many dead letters' });
  askRoute(app, mill, { action: 'discard', count: 'discarded', summary: 'Discard many dead letters' });
  lookRoutes(app, mill);
  endRoute(app, mill, 'undo', 'Cancel an operation that has not begun');
  endRoute(app, mill, 'stop', 'Stop an operation; completed work stays');
}

interface Asked {
  readonly action: Operation['action'];
  readonly count: 'redriven' | 'discarded';
  readonly summary: string;
}

function askRoute(app: FastifyInstance, mill: Mill, { action, count, summary }: Asked): void {
  app.post(
    `/dead-letters/${action}`,
    {
      schema: {
        tags,
        operationId: `${action}DeadLetters`,
        summary,
        description:
          'Dead letters named by id are resolved at once. A filter starts a background operation, which survives crashes and resolves each match once.',
        body: jsonSchemaOf(Ask),
        response: { 200: jsonSchemaOf(Answer), 202: jsonSchemaOf(Answer) },
      },
      config,
    },
    async (request, reply) => {
      const { ids, filter, dryRun = false, startAfterMs, reason: why } = await parseRequest(Ask, request.body);
      const by = { ...whoOf(request), reason: why };
      if (filter !== undefined) {
        checkPipeline(request, filter.pipeline);
        const matched = await mill.countDeadLetters(filter);
        if (dryRun) return { matched, [count]: 0 };
        const operation = await mill.operate({ action, filter, startAfterMs }, by);
        reply.code(202);
        return { matched, operation: toAnswer(operation) };
      }
      const known = await permitted(mill, request, ids ?? [], dryRun);
      if (dryRun) return { matched: known.length, [count]: 0 };
      const { matched, resolved } = await (action === 'redrive' ? mill.redriveLetters(known, by) : mill.discardLetters(known, by));
      return { matched, [count]: resolved };
    },
  );
}

/** Returns the letters named by a request that it may affect; optionally only existing ones. */
async function permitted(mill: Mill, request: FastifyRequest, ids: readonly string[], isCounted: boolean): Promise<readonly string[]> {
  if (!isLimited(request) && !isCounted) return ids;
  const found: string[] = [];
  for (const id of new Set(ids)) {
    const [letter] = await mill.deadLetters({ id, limit: 1 });
    if (letter !== undefined && mayUse(request, letter.partition.pipeline)) found.push(id);
  }
  return found;
}

function lookRoutes(app: FastifyInstance, mill: Mill): void {
  app.get(
    '/operations',
    {
      schema: {
        tags,
        operationId: 'listOperations',
        summary: 'Operations on dead letters, latest first',
        description: 'Kept for 90 days.',
        querystring: jsonSchemaOf(Query),
        response: { 200: jsonSchemaOf(pageSchema(OperationAnswer)) },
      },
      config,
    },
    async (request) => {
      const { limit, cursor, pipeline } = await parseRequest(Query, request.query);
      checkPipeline(request, pipeline);
      const [before] = cursor === undefined ? [] : await decodeCursor(Cursor, cursor);
      const rows = await mill.operations({ pipeline, before, limit: limit + 1 });
      return pageOf(rows, { limit, cursor: ({ id }) => [id], item: toAnswer });
    },
  );

  app.get<Route>(
    '/operations/:id',
    {
      schema: {
        tags,
        operationId: 'getOperation',
        summary: 'Progress of an operation',
        params: jsonSchemaOf(Params),
        response: { 200: jsonSchemaOf(OperationAnswer) },
      },
      config,
    },
    async (request) => toAnswer(await findOperation(mill, request)),
  );
}

function endRoute(app: FastifyInstance, mill: Mill, action: 'undo' | 'stop', summary: string): void {
  app.post<Route>(
    `/operations/:id/${action}`,
    {
      schema: {
        tags,
        operationId: `${action}Operation`,
        summary,
        description: action === 'undo' ? '409 once it has begun; stop it instead.' : '409 once it is over.',
        params: jsonSchemaOf(Params),
        body: whyBody,
        response: { 200: jsonSchemaOf(OperationAnswer) },
      },
      config,
    },
    async (request: FastifyRequest<Route>, _reply: FastifyReply) => {
      const by = await byWhom(request);
      const { id } = await findOperation(mill, request);
      return toAnswer(await (action === 'undo' ? mill.undoOperation(id, by) : mill.stopOperation(id, by)));
    },
  );
}

/** Throws `MILL_NOT_FOUND` also for an operation on a pipeline that the token does not cover. */
async function findOperation(mill: Mill, request: FastifyRequest<Route>): Promise<Operation> {
  const { id } = request.params;
  const [found] = await mill.operations({ id, limit: 1 });
  if (found !== undefined && mayUse(request, found.pipeline)) return found;
  throw new MillraceError('MILL_NOT_FOUND', `expected the id of an operation, found ${id}`);
}

function toAnswer({ pipeline: _, filter, askedAt, startsAt, begunAt, endedAt, ...operation }: Operation): z.infer<typeof OperationAnswer> {
  const { from, to, ...others } = filter;
  return {
    ...operation,
    filter: { ...others, ...(from !== undefined && { from: toIso(from) }), ...(to !== undefined && { to: toIso(to) }) },
    askedAt: toIso(askedAt),
    startsAt: toIso(startsAt),
    begunAt: begunAt === null ? null : toIso(begunAt),
    endedAt: endedAt === null ? null : toIso(endedAt),
  };
}

function toIso(at: number): string {
  return new Date(at).toISOString();
}
