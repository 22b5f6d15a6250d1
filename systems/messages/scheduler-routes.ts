import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Mill } from '../../src/index.ts';
import { jsonSchemaOf, noQuery, parseRequest, whoOf } from '../../src/server/index.ts';
import { inPlainWords } from '../shared/plain-words.ts';
import { toText } from './moment.ts';
import { pipelineName } from './pipeline.ts';

const Command = z.strictObject({ action: z.enum(['start', 'stop']) });
const Commanded = z.object({ running: z.boolean() });
const SchedulerAnswer = z.object({
  running: z.boolean().meta({ description: 'True if batches start automatically.' }),
  inBatch: z.boolean().meta({ description: 'True while a batch is in progress.' }),
  interval: z.string().meta({ description: 'Time from the start of one batch to the next, such as 500ms, 5s or 2m.' }),
  lastRunAt: z.iso.datetime().nullable().meta({ description: 'When the last batch began; null before the first.' }),
  nextRunAt: z.iso.datetime().nullable().meta({ description: 'When the next batch is due; null if none is.' }),
});

/** Adds the routes that start and stop the batches. */
export function addSchedulerRoutes(app: FastifyInstance, mill: Mill, { intervalMs }: { readonly intervalMs: number }): void {
  app.post(
    '/scheduler',
    {
      schema: {
        summary: 'Start or stop the batches',
        description: 'A stop is answered once the batch in progress has ended. The setting survives a restart.',
        body: jsonSchemaOf(Command),
        querystring: noQuery,
        response: { 200: jsonSchemaOf(Commanded, 'output') },
      },
    },
    async (request): Promise<z.infer<typeof Commanded>> => {
      const { action } = await parseRequest(inPlainWords(Command), request.body);
      await mill.schedule(pipelineName, whoOf(request))[action]();
      return { running: action === 'start' };
    },
  );

  app.get(
    '/scheduler',
    { schema: { summary: 'Status of the scheduler', querystring: noQuery, response: { 200: jsonSchemaOf(SchedulerAnswer, 'output') } } },
    async (): Promise<z.infer<typeof SchedulerAnswer>> => {
      const { status, isAtWork, lastRunAt, nextRunAt } = await mill.schedule(pipelineName).status();
      return {
        running: status === 'running',
        inBatch: isAtWork,
        interval: durationText(intervalMs),
        lastRunAt: lastRunAt === null ? null : toText(lastRunAt),
        nextRunAt: nextRunAt === null ? null : toText(nextRunAt),
      };
    },
  );
}

/** Formats a duration like a setting: in the largest unit that divides it. */
function durationText(spanMs: number): string {
  for (const [unit, sizeMs] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const) {
    if (spanMs % sizeMs === 0) return `${spanMs / sizeMs}${unit}`;
  }
  return `${spanMs}ms`;
}
