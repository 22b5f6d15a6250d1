import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { describeFound } from '../describe-found.ts';
import type { Mill } from '../engine/mill.ts';
import type { KeyDetails } from '../engine/mill-options.ts';
import { MillraceError } from '../errors.ts';
import { byWhom, whyBody } from './by-whom.ts';
import { signalOf } from './client-signal.ts';
import { keySchemas, lastHandledOf, momentOf, waitingDeliveryOf } from './key-answers.ts';
import { nameOf, PipelineParams, type PipelineRoute } from './operator.ts';
import { decodeCursor, pageOf, pageParameters, pageSchema } from './page.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

const Query = z.object({
  ...pageParameters,
  status: z.enum(['open', 'waiting', 'blocked', 'parked']).optional().meta({ description: 'Only keys with this status' }),
  prefix: z.string().optional().meta({ description: 'Only keys with this prefix' }),
});
const Cursor = z.tuple([z.string()]);
const TimelineQuery = z.object(pageParameters);
const TimelineCursor = z.tuple([z.number(), z.array(z.number()), z.string().nullable()]);
const KeyParams = z.object({ ...PipelineParams.shape, key: z.string() });
type KeyRoute = { Params: z.infer<typeof KeyParams> };

/** Adds the routes for the keys of a pipeline: list, show, resume. */
export function keyRoutes(app: FastifyInstance, mill: Mill): void {
  const tags = ['operator'];
  resumeRoute(app, mill);
  actRoute(app, mill, 'park');
  actRoute(app, mill, 'skip-gap');
  timelineRoute(app, mill);

  app.get<PipelineRoute>(
    '/pipelines/:pipeline/keys',
    {
      schema: {
        tags,
        operationId: 'listKeys',
        summary: 'Keys of a pipeline, in byte order',
        description:
          'Lists keys with a state, a number, waiting events, timers or outcomes. A key with only deliveries or dead letters can be found by its name.',
        params: jsonSchemaOf(PipelineParams),
        querystring: jsonSchemaOf(Query),
        response: { 200: jsonSchemaOf(pageSchema(keySchemas.listed)) },
      },
    },
    async (request, reply) => {
      const pipeline = nameOf(mill, request.params);
      const { limit, cursor, ...query } = await parseRequest(Query, request.query);
      const [after] = cursor === undefined ? [] : await decodeCursor(Cursor, cursor);
      const rows = await mill.listKeys(pipeline, { ...query, after, limit: limit + 1 }, { signal: signalOf(reply) });
      return pageOf(rows, { limit, cursor: ({ key }) => [key], item: (row) => ({ ...row, lastHandled: lastHandledOf(row) }) });
    },
  );

  app.get<KeyRoute>(
    '/pipelines/:pipeline/keys/:key',
    {
      schema: {
        tags,
        operationId: 'getKey',
        summary: 'A key: its state and pending work',
        description: 'Shows the first 20 held events and the first 20 deliveries.',
        params: jsonSchemaOf(KeyParams),
        response: { 200: jsonSchemaOf(keySchemas.details) },
      },
    },
    async (request, reply) => {
      const pipeline = nameOf(mill, request.params);
      const { key } = request.params;
      const details = await mill.keyDetails(pipeline, key, { signal: signalOf(reply) });
      if (details !== undefined) return toAnswer(details);
      const what = 'it has no state, number, waiting event, timer, delivery, outcome or dead letter';
      throw new MillraceError('MILL_NOT_FOUND', `pipeline ${pipeline}: unknown key ${describeFound(key)}: ${what}`);
    },
  );
}

const Acted = z.object({ pipeline: z.string(), key: z.string() }).meta({ examples: [{ pipeline: 'orders', key: 'ord_7' }] });

const acts = {
  park: {
    operationId: 'parkKey',
    summary: 'Park a key',
    description:
      'The key holds its events and starts no turn until it is resumed, even after a restart. A turn in progress finishes first. 409 if it is already parked.',
  },
  'skip-gap': {
    operationId: 'skipGap',
    summary: 'Skip the missing numbers of a key',
    description:
      'A dead letter and the audit trail record the skipped numbers; events that arrive with them later are late. 409 if the key waits for no number.',
  },
} as const;

function actRoute(app: FastifyInstance, mill: Mill, act: keyof typeof acts): void {
  app.post<KeyRoute>(
    `/pipelines/:pipeline/keys/:key/${act}`,
    {
      schema: { tags: ['operator'], ...acts[act], params: jsonSchemaOf(KeyParams), body: whyBody, response: { 200: jsonSchemaOf(Acted) } },
    },
    async (request) => {
      const pipeline = nameOf(mill, request.params);
      const { key } = request.params;
      const by = await byWhom(request);
      await (act === 'park' ? mill.parkKey(pipeline, key, by) : mill.skipGap(pipeline, key, by));
      return { pipeline, key };
    },
  );
}

function timelineRoute(app: FastifyInstance, mill: Mill): void {
  app.get<KeyRoute>(
    '/pipelines/:pipeline/keys/:key/timeline',
    {
      schema: {
        tags: ['operator'],
        operationId: 'getKeyTimeline',
        summary: 'Timeline of a key, newest first',
        description: 'Items of one commit stay on one page, which may therefore exceed `limit` slightly.',
        params: jsonSchemaOf(KeyParams),
        querystring: jsonSchemaOf(TimelineQuery),
        response: { 200: jsonSchemaOf(keySchemas.timeline) },
      },
    },
    async (request, reply) => {
      const pipeline = nameOf(mill, request.params);
      const { limit, cursor } = await parseRequest(TimelineQuery, request.query);
      const [before, chain, audit] = cursor === undefined ? [] : await decodeCursor(TimelineCursor, cursor);
      const place = before === undefined || chain === undefined ? undefined : { before, chain, audit: audit ?? null };
      const { items, next, prunedBefore } = await mill.timeline(
        pipeline,
        request.params.key,
        { limit, place },
        { signal: signalOf(reply) },
      );
      return {
        items: items.map((item) => ({ ...item, at: momentOf(item.at) })),
        ...(next !== undefined && { nextCursor: Buffer.from(JSON.stringify([next.before, next.chain, next.audit])).toString('base64url') }),
        ...(prunedBefore !== undefined && { prunedBefore: momentOf(prunedBefore) }),
      };
    },
  );
}

const Resumed = z.object({ pipeline: z.string(), key: z.string(), status: z.literal('open') });

function resumeRoute(app: FastifyInstance, mill: Mill): void {
  app.post<KeyRoute>(
    '/pipelines/:pipeline/keys/:key/resume',
    {
      schema: {
        tags: ['operator'],
        operationId: 'resumeKey',
        summary: 'Resume a parked key',
        description:
          'Retries the event that parked it, like a redrive of its dead letter; a key parked by an operator continues with its held events. 409 if the key is not parked.',
        params: jsonSchemaOf(KeyParams),
        body: whyBody,
        response: { 200: jsonSchemaOf(Resumed.meta({ examples: [{ pipeline: 'orders', key: 'ord_7', status: 'open' }] })) },
      },
    },
    async (request) => {
      const pipeline = nameOf(mill, request.params);
      const { key } = request.params;
      await mill.resumeKey(pipeline, key, await byWhom(request));
      return { pipeline, key, status: 'open' };
    },
  );
}

function toAnswer({ timers, held, deliveries, state, ...details }: KeyDetails): z.infer<typeof keySchemas.details> {
  return {
    ...details,
    lastHandled: lastHandledOf(details),
    timers: timers.map(({ name, dueAt }) => ({ name, dueAt: momentOf(dueAt) })),
    held: held.map((one) => ({
      ...one,
      acceptedAt: momentOf(one.acceptedAt),
      retryAt: one.retryAt === null ? null : momentOf(one.retryAt),
    })),
    deliveries: deliveries.map(waitingDeliveryOf),
    state,
  };
}
