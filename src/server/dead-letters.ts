import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { MillraceError } from '../errors.ts';
import type { DeadLetter, DeadLetterOf } from '../store/store.ts';
import { isLimited, mayUse } from './access/guard.ts';
import { byWhom, whyBody } from './by-whom.ts';
import { signalOf } from './client-signal.ts';
import { letterFilter, letterKind } from './dead-letter-filter.ts';
import { checkPipeline } from './limited-list.ts';
import { decodeCursor, forPage, pageOf, pageParameters, pageSchema } from './page.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

const Query = z.object({
  ...pageParameters,
  pipeline: z.string().optional().meta({ description: 'Only dead letters of this pipeline' }),
  ...letterFilter,
});
const Cursor = z.tuple([z.string()]);
const Params = z.object({ id: z.string() });
type Route = { Params: z.infer<typeof Params> };

const DeadLetterAnswer = z.object({
  id: z.string(),
  kind: letterKind.meta({
    description:
      'What failed: an event, a timer, a delivery, the report of an outcome to its key, a gap whose numbers were skipped, or the input of a source that did not become an event: an origin, such as a row, or a record of a topic (rejected)',
  }),
  pipeline: z.string(),
  key: z.string(),
  reason: z.string(),
  stack: z.string().nullable().meta({
    description: 'The stack of the thrown error with its chain of causes, at most 8192 characters; null if nothing was thrown',
  }),
  failedAt: z.iso.datetime(),
  attempts: z.int(),
  parked: z.boolean().meta({ description: 'True if its key waits until it is redriven or discarded' }),
  eventId: z.string().nullable(),
  event: z.unknown().meta({ description: 'The event that failed; null for anything else' }),
  timer: z
    .object({ name: z.string(), dueAt: z.iso.datetime(), data: z.unknown() })
    .nullable()
    .meta({ description: 'The timer that failed' }),
  outcome: z
    .object({ id: z.string(), endpoint: z.string(), at: z.iso.datetime(), reported: z.unknown() })
    .nullable()
    .meta({ description: 'The outcome of a delivery that its key failed to handle: the handler gets `reported`' }),
  delivery: z
    .object({ id: z.string(), endpoint: z.string(), url: z.string().nullable(), payload: z.unknown(), askedAt: z.iso.datetime() })
    .nullable()
    .meta({ description: 'The delivery that failed' }),
  acceptedAt: z.iso.datetime().nullable(),
  numbers: z.object({ from: z.int(), to: z.int() }).nullable().meta({ description: 'The numbers of a gap that was skipped' }),
  origin: z.unknown().meta({
    description:
      'The input from which a source made the event, such as a row: {"table":"mails","key":{"id":7}}. Without an event: the input that did not become one',
  }),
  record: z.unknown().meta({
    description:
      'The record of a topic that did not become an event: {"source":"kafka:orders","topicId":"…","partition":0,"offset":7,"key":null,"headers":[],"value":{"text":"…"}}, with non-text bytes as {"base64":"…"}; null for anything else',
  }),
});
type Answer = z.infer<typeof DeadLetterAnswer>;

const Resolved = z.object({ id: z.string(), status: z.enum(['redriven', 'discarded']) });

/** Adds the routes for dead letters (promise 9): list, show, redrive, discard. */
export function deadLetterRoutes(app: FastifyInstance, mill: Mill): void {
  const tags = ['operator'];
  const params = jsonSchemaOf(Params);
  // The routes themselves check the letter's pipeline.
  const config = { pipelines: [] };

  app.get(
    '/dead-letters',
    {
      schema: {
        tags,
        operationId: 'listDeadLetters',
        summary: 'Dead letters, oldest first',
        querystring: jsonSchemaOf(Query),
        response: { 200: jsonSchemaOf(pageSchema(DeadLetterAnswer)) },
      },
      config,
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = await parseRequest(Query, request.query);
      checkPipeline(request, filter.pipeline);
      const [after] = cursor === undefined ? [] : await decodeCursor(Cursor, cursor);
      const rows = await mill.deadLetters({ ...filter, after, limit: limit + 1 }, { signal: signalOf(reply), ...forPage });
      return pageOf(rows, { limit, cursor: (row) => [row.id], item: deadLetterAnswerOf });
    },
  );

  app.get<Route>(
    '/dead-letters/:id',
    {
      schema: { tags, operationId: 'getDeadLetter', summary: 'A dead letter', params, response: { 200: jsonSchemaOf(DeadLetterAnswer) } },
      config,
    },
    async (request, reply) => deadLetterAnswerOf(await findLetter(mill, request, signalOf(reply))),
  );

  app.post<Route>(
    '/dead-letters/:id/redrive',
    {
      schema: {
        tags,
        operationId: 'redriveDeadLetter',
        summary: 'Retry a dead letter and release its key',
        params,
        body: whyBody,
        response: { 200: jsonSchemaOf(Resolved) },
      },
      config,
    },
    async (request, reply) => {
      const { id } = request.params;
      if (isLimited(request)) await findLetter(mill, request, signalOf(reply));
      await mill.redrive(id, await byWhom(request));
      return { id, status: 'redriven' };
    },
  );

  app.post<Route>(
    '/dead-letters/:id/discard',
    {
      schema: {
        tags,
        operationId: 'discardDeadLetter',
        summary: 'Drop a dead letter and release its key',
        params,
        body: whyBody,
        response: { 200: jsonSchemaOf(Resolved) },
      },
      config,
    },
    async (request, reply) => {
      const { id } = request.params;
      if (isLimited(request)) await findLetter(mill, request, signalOf(reply));
      await mill.discard(id, await byWhom(request));
      return { id, status: 'discarded' };
    },
  );
}

/** Throws `MILL_NOT_FOUND` also for a letter of a pipeline that the token does not cover. */
async function findLetter(mill: Mill, request: FastifyRequest<Route>, signal: AbortSignal): Promise<DeadLetter> {
  const { id } = request.params;
  const [found] = await mill.deadLetters({ id, limit: 1 }, { signal });
  if (found !== undefined && mayUse(request, found.partition.pipeline)) return found;
  throw new MillraceError('MILL_NOT_FOUND', `expected the id of a dead letter, found ${id}`);
}

/** Formats a dead letter for answers. */
export function deadLetterAnswerOf(row: DeadLetter): Answer {
  const { id, kind, partition, key, reason, stack, attempts } = row;
  const failedAt = new Date(row.failedAt).toISOString();
  return { id, kind, pipeline: partition.pipeline, key, reason, stack, failedAt, attempts, ...nothing, ...toFailure(row) };
}

/** The unused fields of a dead letter's answer. */
const nothing = {
  parked: false,
  eventId: null,
  event: null,
  timer: null,
  outcome: null,
  delivery: null,
  acceptedAt: null,
  numbers: null,
  origin: null,
  record: null,
};

function toFailure(row: DeadLetter): Partial<Answer> {
  switch (row.kind) {
    case 'event':
      return toEvent(row);
    case 'timer':
      return { timer: toTimer(row) };
    case 'outcome':
      return { outcome: toOutcome(row) };
    case 'delivery':
      return { delivery: toDelivery(row) };
    case 'gap':
      return { numbers: row.numbers };
    case 'origin':
      return { origin: JSON.parse(row.origin) };
    case 'rejected':
      return { record: JSON.parse(row.record) };
  }
}

function toEvent({ parked, eventId, body, acceptedAt, origin }: DeadLetterOf<'event'>): Partial<Answer> {
  const event = JSON.parse(body);
  return { parked, eventId, event, acceptedAt: new Date(acceptedAt).toISOString(), origin: origin === null ? null : JSON.parse(origin) };
}

function toTimer({ timer: { name, dueAt, data } }: DeadLetterOf<'timer'>): Answer['timer'] {
  return { name, dueAt: new Date(dueAt).toISOString(), data: data === null ? null : JSON.parse(data) };
}

function toOutcome({ outcome: { id, endpoint, dueAt, data } }: DeadLetterOf<'outcome'>): Answer['outcome'] {
  return { id, endpoint, at: new Date(dueAt).toISOString(), reported: JSON.parse(data) };
}

function toDelivery({ delivery }: DeadLetterOf<'delivery'>): Answer['delivery'] {
  const { id, endpoint, url, body, askedAt } = delivery;
  return { id, endpoint, url: url && withoutCredentials(url), payload: JSON.parse(body), askedAt: new Date(askedAt).toISOString() };
}

/** An invalid URL, or one without a host, may still contain credentials: everything before an @ is hidden. */
function withoutCredentials(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.host === '') return url.replace(/^.*@/s, '***@');
  if (parsed.username === '' && parsed.password === '') return url;
  parsed.username = parsed.password = '';
  return parsed.href;
}
