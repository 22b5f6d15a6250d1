import * as z from 'zod';
import type { Mill, ReadOptions } from '../../src/index.ts';
import { decodeCursor, exactly, exactValue, type Page, pageOf, pageParameters, rowErrors } from '../../src/server/index.ts';
import { toUtc, UtcTimestamp } from '../shared/timestamp.ts';
import { pipelineName } from './pipeline.ts';
import type { EventStorage, ProcessedEvent } from './storage.ts';
import { EventSource, EventType, UserId } from './validator.ts';

const Moment = UtcTimestamp.transform(toUtc);

/** The parameters of the list. */
export const EventQuery = z
  .object({
    type: EventType.optional(),
    source: EventSource.optional(),
    user_id: UserId.optional(),
    from: Moment.optional().meta({ description: 'Created at or after this time, RFC 3339; write + as %2B in a URL.' }),
    to: Moment.optional().meta({ description: 'Created at or before this time.' }),
    ...pageParameters,
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    error: 'expected a time no later than `to`',
    path: ['from'],
  });

/** A processed event as shown. */
export const EventAnswer = z.object({
  id: z.string(),
  type: z.string(),
  source: z.string(),
  user_id: z.string().optional().meta({ description: 'Absent if the event has none.' }),
  processed_data: z.unknown().meta({ description: "The processor's result." }),
  processing_time_ms: z.number(),
  created_at: z.iso.datetime().meta({ description: "The event's timestamp, in UTC." }),
  processed_at: z.iso.datetime(),
  ...rowErrors,
});
export type EventAnswer = z.infer<typeof EventAnswer>;

const Cursor = z.tuple([exactly(z.string()), exactly(z.string())]);

/** Time that the list waits for earlier events to be handled, in milliseconds. */
const freshnessMs = 250;

/** Returns a page of processed events, newest first. Throws `MILL_INVALID_REQUEST` for a cursor from another list. */
export async function listEvents(
  mill: Mill,
  storage: EventStorage,
  { limit, cursor, ...filter }: z.infer<typeof EventQuery>,
  reading: ReadOptions = {},
): Promise<Page<EventAnswer>> {
  const after = cursor === undefined ? undefined : await decodeCursor(Cursor, cursor);
  await mill.settled(pipelineName, freshnessMs);
  const place = after && { created_at: after[0], id: after[1] };
  const rows = await storage.select(mill, { ...filter, after: place, limit: limit + 1 }, reading);
  return pageOf(rows, { limit, cursor: (row) => [exactValue(row, 'created_at'), exactValue(row, 'id')], item: toAnswer });
}

/** Converts a row for display. */
export function toAnswer({ user_id, ...row }: ProcessedEvent): EventAnswer {
  const { id, type, source, ...processing } = row;
  return { id, type, source, ...(user_id === null ? {} : { user_id }), ...processing };
}
