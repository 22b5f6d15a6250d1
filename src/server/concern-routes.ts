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
  needsPerson: z.boolean().meta({ description: 'Whether it goes on only when a person does something' }),
  count: z.int().meta({ description: 'How many there are of it' }),
  holds: z.int().meta({ description: 'How many events it holds back' }),
  since: z.iso.datetime().nullable().meta({ description: 'When the oldest of it came' }),
  who: z.string().nullable().meta({ description: 'Who did it' }),
  said: z.string().nullable().meta({ description: 'The reason that somebody gave, or that of the oldest failure' }),
  key: z.string().nullable().meta({ description: 'The key of the oldest' }),
  arrivals: z.array(z.int()).meta({ description: 'How many came in each minute of the last hour, the oldest first' }),
  link: z.string().meta({ description: 'The path of a route that says more' }),
});
const ConcernList = z.object({ items: z.array(ConcernAnswer) }).meta({
  examples: [
    {
      items: [
        {
          kind: 'paused',
          pipeline: 'workers',
          what: 'pipeline paused',
          why: 'None of its turns starts, and 418 events wait. Resume it, or discard what waits.',
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
        summary: 'What waits for a person, the most urgent first',
        description: 'What grows comes first, then what holds most events back, then the oldest.',
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
