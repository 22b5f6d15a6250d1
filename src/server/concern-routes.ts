import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../engine/mill.ts';
import { mayUse } from './access/guard.ts';
import { byUrgency, factsOf } from './concern-facts.ts';
import { concernKinds, findConcerns, needsPerson } from './concerns.ts';
import type { Figures } from './figures/figures.ts';
import { momentOf } from './key-answers.ts';
import { jsonSchemaOf } from './parse-request.ts';

const ConcernAnswer = z.object({
  kind: z.enum(concernKinds),
  pipeline: z.string(),
  what: z.string(),
  why: z.string(),
  needsPerson: z.boolean().meta({ description: 'True if it stays stuck until a person acts' }),
  count: z.int().meta({ description: 'Number of items' }),
  holds: z.int().meta({ description: 'Number of events it holds back' }),
  since: z.iso.datetime().nullable().meta({ description: 'Time of the oldest item' }),
  who: z.string().nullable().meta({ description: 'The operator who caused it' }),
  said: z.string().nullable().meta({ description: "The operator's reason, or that of the oldest failure" }),
  key: z.string().nullable().meta({ description: 'The key of the oldest item' }),
  arrivals: z.array(z.int()).meta({ description: 'Arrivals in each minute of the last hour, oldest first' }),
  link: z.string().meta({ description: 'The path of a route with details' }),
});
const ConcernList = z.object({ items: z.array(ConcernAnswer) }).meta({
  examples: [
    {
      items: [
        {
          kind: 'paused',
          pipeline: 'workers',
          what: 'pipeline paused',
          why: 'No turns start, and 418 events wait. Resume it, or discard the waiting events.',
          needsPerson: true,
          count: 1,
          holds: 418,
          since: '2026-11-21T02:30:00.000Z',
          who: 'ann',
          said: 'moving the table',
          key: null,
          arrivals: [],
          link: '/pipelines',
        },
      ],
    },
  ],
});

/** Adds `GET /concerns`: everything that waits for a person. */
export function concernRoutes(app: FastifyInstance, mill: Mill, figures: Figures): void {
  app.get(
    '/concerns',
    {
      schema: {
        tags: ['operator'],
        operationId: 'listConcerns',
        summary: 'Everything that waits for a person, most urgent first',
        description: 'Growing concerns come first, then those that hold back the most events, then the oldest.',
        response: { 200: jsonSchemaOf(ConcernList, 'output') },
      },
      config: { pipelines: [] },
    },
    async (request): Promise<z.infer<typeof ConcernList>> => {
      const found = (await findConcerns(mill)).filter(({ where }) => where.split(', ').every((name) => mayUse(request, name)));
      const known = await Promise.all(found.map(async (concern) => ({ concern, facts: await factsOf(mill, figures, concern) })));
      known.sort((a, b) => byUrgency(a.facts, b.facts));
      const items = known.map(({ concern, facts }) => {
        const { where: pipeline, ...words } = concern;
        const since = facts.since === null ? null : momentOf(facts.since);
        return { ...words, pipeline, needsPerson: needsPerson(concern), ...facts, since, arrivals: [...facts.arrivals] };
      });
      return { items };
    },
  );
}
