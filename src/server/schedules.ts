import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { durationUpTo } from '../configuration/values.ts';
import type { Mill } from '../engine/mill.ts';
import type { ScheduleControl } from '../engine/schedules/schedules.ts';
import { compareText } from '../store/text-order.ts';
import { mayUse } from './access/guard.ts';
import { reason, whoOf } from './by-whom.ts';
import { checkPipeline } from './limited-list.ts';
import { decodeCursor, pageOf, pageParameters, pageSchema } from './page.ts';
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
    .meta({ description: 'The length of a pause, such as 10m; by default until the next start' }),
  reason,
});
const Status = z.object({
  status: z.enum(['running', 'paused', 'stopped']),
  isAtWork: z.boolean().meta({ description: 'True while a run is in progress' }),
  lastRunAt: z.iso.datetime().nullable(),
  nextRunAt: z.iso.datetime().nullable(),
  lastFailure: z.string().nullable().meta({ description: 'Why the last run failed to take its batch, or an event of it' }),
});

const ListQuery = z.object({
  ...pageParameters,
  pipeline: z.string().optional().meta({ description: 'Only the schedule of this pipeline' }),
});
const ListCursor = z.tuple([z.string()]);
const ListedSchedule = z.object({ pipeline: z.string(), ...Status.shape }).meta({
  examples: [
    {
      pipeline: 'messages',
      status: 'running',
      isAtWork: false,
      lastRunAt: '2026-11-21T09:12:00.000Z',
      nextRunAt: '2026-11-21T09:14:00.000Z',
      lastFailure: null,
    },
  ],
});

/** Adds the routes for schedules: list, show, start, stop, pause. */
export function scheduleRoutes(app: FastifyInstance, mill: Mill): void {
  const schema = { tags: ['operator'], params: jsonSchemaOf(Params), response: { 200: jsonSchemaOf(Status) } };

  app.get(
    '/schedules',
    {
      schema: {
        tags: ['operator'],
        operationId: 'listSchedules',
        summary: 'Schedules of all pipelines, by name',
        description: 'A token limited to some pipelines lists only theirs.',
        querystring: jsonSchemaOf(ListQuery),
        response: { 200: jsonSchemaOf(pageSchema(ListedSchedule)) },
      },
      config: { pipelines: [] },
    },
    async (request) => {
      const { limit, cursor, pipeline } = await parseRequest(ListQuery, request.query);
      if (pipeline !== undefined) checkPipeline(request, pipeline);
      const [after] = cursor === undefined ? [] : await decodeCursor(ListCursor, cursor);
      const names = scheduledNames(mill, request)
        .filter((name) => pipeline === undefined || name === pipeline)
        .filter((name) => after === undefined || compareText(name, after) > 0);
      const schedules = await Promise.all(
        names.slice(0, limit + 1).map(async (name) => ({ pipeline: name, ...(await statusOf(mill.schedule(name))) })),
      );
      return pageOf(schedules, { limit, cursor: ({ pipeline }) => [pipeline], item: (schedule) => schedule });
    },
  );

  app.get<Route>('/pipelines/:pipeline/schedule', { schema: { ...schema, summary: 'The schedule of a pipeline' } }, (request) =>
    statusOf(mill.schedule(request.params.pipeline)),
  );

  app.post<Route>(
    '/pipelines/:pipeline/schedule',
    {
      schema: {
        ...schema,
        summary: 'Start, stop or pause the schedule of a pipeline',
        description: 'A stop is answered once the run in progress has ended. The setting survives a restart.',
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

/** Returns the pipelines with a schedule that a request may read, by name. */
function scheduledNames(mill: Mill, request: FastifyRequest): readonly string[] {
  const scheduled = Array.from(mill.pipelines.values()).filter(({ schedule }) => schedule !== undefined);
  return scheduled.flatMap(({ name }) => (mayUse(request, name) ? [name] : [])).sort(compareText);
}

async function statusOf(schedule: ScheduleControl): Promise<z.infer<typeof Status>> {
  const { lastRunAt, nextRunAt, ...status } = await schedule.status();
  const moment = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  return { ...status, lastRunAt: moment(lastRunAt), nextRunAt: moment(nextRunAt) };
}
