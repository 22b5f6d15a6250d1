import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import type { DeadLetterGroup } from '../store/store.ts';
import { signalOf } from './client-signal.ts';
import { letterKind } from './dead-letter-filter.ts';
import { checkPipeline } from './limited-list.ts';
import { decodeCursor, pageOf, pageParameters, pageSchema } from './page.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

/** Maximum number of groups in the list. An answer says when there are more. */
const groupsMax = 1_000;
const minuteMs = 60_000;
const minutes = 60;

const Query = z.object({
  ...pageParameters,
  pipeline: z.string().optional().meta({ description: 'Only dead letters of this pipeline' }),
  kind: letterKind.optional().meta({ description: 'Only dead letters of this kind' }),
});
const Cursor = z.tuple([z.int(), z.string(), z.string(), z.string()]);

const Group = z
  .object({
    pipeline: z.string(),
    kind: letterKind,
    reason: z.string().meta({
      description:
        'The common text of the reasons: ‹number›, ‹id› and ‹name› replace the parts that vary. Pass it to `GET /dead-letters?reason=`.',
    }),
    count: z.int(),
    first: z.iso.datetime().meta({ description: 'When the oldest remaining one failed' }),
    last: z.iso.datetime(),
    arrivals: z.array(z.int()).meta({ description: 'Failures in each of the last 60 minutes, the current one last' }),
  })
  .meta({
    examples: [
      {
        pipeline: 'orders',
        kind: 'delivery',
        reason: 'answered ‹number›',
        count: 1204,
        first: '2026-11-21T02:41:09.000Z',
        last: '2026-11-21T03:12:07.000Z',
        arrivals: [...Array(57).fill(0), 12, 41, 7],
      },
    ],
  });

const GroupPage = z.object({
  ...pageSchema(Group).shape,
  truncated: z.boolean().meta({ description: `True if there are more than ${groupsMax} groups; the smallest are left out` }),
});

/** Adds `GET /dead-letters/groups`: dead letters grouped by similar reasons. */
export function deadLetterGroupRoutes(app: FastifyInstance, mill: Mill): void {
  app.get(
    '/dead-letters/groups',
    {
      schema: {
        tags: ['operator'],
        operationId: 'listDeadLetterGroups',
        summary: 'Dead letters grouped by pipeline, kind and similar reasons, largest groups first',
        description: `At most the ${groupsMax.toLocaleString('en')} largest groups. \`truncated\` tells whether there are more; a filter by pipeline or kind lists smaller ones.`,
        querystring: jsonSchemaOf(Query),
        response: { 200: jsonSchemaOf(GroupPage) },
      },
      config: { pipelines: [] },
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = await parseRequest(Query, request.query);
      checkPipeline(request, filter.pipeline);
      const after = cursor === undefined ? undefined : await decodeCursor(Cursor, cursor);
      const found = await mill.deadLetterGroups({ ...filter, since: arrivalsSince(), limit: groupsMax + 1 }, { signal: signalOf(reply) });
      const rows = found
        .slice(0, groupsMax)
        .filter((group) => after === undefined || isBehind(group, after))
        .slice(0, limit + 1);
      const page = pageOf(rows, {
        limit,
        cursor: ({ count, pipeline, kind, reason }) => [count, pipeline, kind, reason],
        item: groupAnswerOf,
      });
      return { ...page, truncated: found.length > groupsMax };
    },
  );
}

/** Returns the start of the window in which arrivals are counted: whole minutes, so that a count does not change during its minute. */
export function arrivalsSince(): number {
  return Math.floor(Date.now() / minuteMs) * minuteMs - (minutes - 1) * minuteMs;
}

/** Formats a group for an answer. */
export function groupAnswerOf({ first, last, arrivals, ...group }: DeadLetterGroup): z.infer<typeof Group> {
  return {
    ...group,
    first: new Date(first).toISOString(),
    last: new Date(last).toISOString(),
    arrivals: Array.from({ length: minutes }, (_, minute) => arrivals.get(minute) ?? 0),
  };
}

/** Returns whether a group comes after a place in the list: smaller ones do, and among equal ones those with later names. */
function isBehind(group: DeadLetterGroup, [count, ...names]: z.infer<typeof Cursor>): boolean {
  if (group.count !== count) return group.count < count;
  const own = [group.pipeline, group.kind, group.reason];
  const at = own.findIndex((name, place) => name !== names[place]);
  return at !== -1 && (own[at] ?? '') > (names[at] ?? '');
}
