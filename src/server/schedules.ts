import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { durationUpTo } from '../configuration/values.ts';
import type { Mill } from '../engine/mill.ts';
import type { ScheduleControl } from '../engine/schedules/schedules.ts';
import { reason, whoOf } from './by-whom.ts';
import { jsonSchemaOf, parseRequest } from './parse-request.ts';

const Params = z.object({ pipeline: z.string().meta({ description: 'The name of a pipeline with a schedule' }) });
type Route = { Params: z.infer<typeof Params> };

const pauses = durationUpTo('8760h');
const Action = z.object({
  action: z.enum(['start', 'stop', 'pause']),
  for: z
    .string()
    .refine((text) => pauses.read(text) !== undefined, { error: `expected ${pauses.accepts}` })
    .optional()
    .meta({ description: 'How long a pause lasts, such as 10m; without it until the next start' }),
  reason,
});
const Status = z.object({
  status: z.enum(['running', 'paused', 'stopped']),
  isAtWork: z.boolean().meta({ description: 'Whether a run is under way' }),
  lastRunAt: z.iso.datetime().nullable(),
  nextRunAt: z.iso.datetime().nullable(),
  lastFailure: z.string().nullable().meta({ description: 'Why the last run could not take its batch, or an event of it' }),
});

/** Adds the routes for schedules: look, start, stop, pause. */
export function scheduleRoutes(app: FastifyInstance, mill: Mill): void {
  const schema = { tags: ['operator'], params: jsonSchemaOf(Params), response: { 200: jsonSchemaOf(Status) } };

  app.get<Route>('/pipelines/:pipeline/schedule', { schema: { ...schema, summary: 'How the schedule of a pipeline stands' } }, (request) =>
    statusOf(mill.schedule(request.params.pipeline)),
  );

  app.post<Route>(
    '/pipelines/:pipeline/schedule',
    {
      schema: {
        ...schema,
        summary: 'Start, stop or pause the schedule of a pipeline',
        description: 'A stop is answered when the run under way has ended. All of it survives a restart.',
        body: jsonSchemaOf(Action),
      },
    },
    async (request) => {
      const { action, for: span, reason } = await parseRequest(Action, request.body);
      const schedule = mill.schedule(request.params.pipeline, { ...whoOf(request), reason });
      if (action === 'pause') await schedule.pause(span === undefined ? {} : { for: pauses.read(span) ?? 0 });
      else await schedule[action]();
      return statusOf(schedule);
    },
  );
}

async function statusOf(schedule: ScheduleControl): Promise<z.infer<typeof Status>> {
  const { lastRunAt, nextRunAt, ...status } = await schedule.status();
  const moment = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  return { ...status, lastRunAt: moment(lastRunAt), nextRunAt: moment(nextRunAt) };
}
