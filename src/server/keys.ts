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
  status: z.enum(['open', 'waiting', 'blocked', 'parked']).optional().meta({ description: 'Only keys that stand so' }),
  prefix: z.string().optional().meta({ description: 'Only keys that begin with this text' }),
});
const Cursor = z.tuple([z.string()]);
const TimelineQuery = z.object(pageParameters);
const TimelineCursor = z.tuple([z.number(), z.array(z.number()), z.string().nullable()]);
const KeyParams = z.object({ ...PipelineParams.shape, key: z.string() });
type KeyRoute = { Params: z.infer<typeof KeyParams> };

/** Adds the routes for the keys of a pipeline: list, look at one, resume a parked one. */
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
        summary: 'The keys of a pipeline, in the order of their bytes',
        description:
          'All that have a state, a number, events that wait, timers or outcomes. A key of which there are only deliveries or dead letters is found by its name.',
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
        summary: 'A key: its state and what waits for it',
        description: 'Of the events that it holds and of its deliveries the first 20 are shown.',
        params: jsonSchemaOf(KeyParams),
        response: { 200: jsonSchemaOf(keySchemas.details) },
      },
    },
    async (request, reply) => {
      const pipeline = nameOf(mill, request.params);
      const { key } = request.params;
      const details = await mill.keyDetails(pipeline, key, { signal: signalOf(reply) });
      if (details !== undefined) return toAnswer(details);
      const what = 'it has no state, no number, no event that waits, no timer, no delivery, no outcome and no dead letter';
      throw new MillraceError('MILL_NOT_FOUND', `pipeline ${pipeline}: nothing is known of the key ${describeFound(key)}; ${what}`);
    },
  );
}

const Acted = z.object({ pipeline: z.string(), key: z.string() }).meta({ examples: [{ pipeline: 'orders', key: 'ord_7' }] });

const acts = {
  park: {
    operationId: 'parkKey',
    summary: 'Park a key',
    description:
      'No turn of it begins before it is resumed, also after a restart, and it holds its events. A turn under way ends first. 409 where it is parked already.',
  },
  'skip-gap': {
    operationId: 'skipGap',
    summary: 'Have a key go past the numbers that it waits for',
    description: 'A dead letter and the audit say which numbers these are; they are late from then on. 409 where it waits for none.',
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
        summary: 'What happened to a key, the newest first',
        description: 'Items that committed together stand on one page, which may have a few more than `limit` because of that.',
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
        summary: 'Let a parked key go on',
        description:
          'Its event that was given up is tried again, as by a redrive of its dead letter; one that was parked by hand goes on with what it holds. 409 where the key is not parked.',
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
