import { type RawBuilder, sql } from 'kysely';
import * as z from 'zod';
import { type Mill, MillraceError, type ReadOptions, type TableQuery } from '../../src/index.ts';
import {
  decodeCursor,
  exactly,
  exactValue,
  forPage,
  type Page,
  pageOf,
  pageParameters,
  rowErrors,
  withRowErrors,
} from '../../src/server/index.ts';
import { toUtc, UtcTimestamp } from '../shared/timestamp.ts';
import { timeBounds, timeOrder, toRfc3339 } from './moment.ts';
import { pipelineName } from './pipeline.ts';
import { type MessageRow, type MessageStatus, messages } from './table.ts';

const Moment = UtcTimestamp.transform(toUtc);

/** The parameters of the lists. */
export const MessageQuery = z
  .object({
    to: z
      .string()
      .min(1)
      // A + in a URL arrives as a blank unless written as %2B; no number begins with a blank.
      .transform((to) => to.replace(/^ /, '+'))
      .optional()
      .meta({ description: 'Only messages to this recipient.' }),
    from: Moment.optional().meta({
      description: 'Sent (or, if unsent, created) at or after this time, RFC 3339; write + as %2B in a URL.',
    }),
    until: Moment.optional().meta({ description: 'Sent (or, if unsent, created) at or before this time.' }),
    page: z
      .string('expected a whole number from 1 to 999999999')
      .regex(/^[1-9]\d{0,8}$/, 'expected a whole number from 1 to 999999999')
      .transform(Number)
      .meta({ type: 'integer', minimum: 1, pattern: undefined, description: 'The page number; 1 by default, unless there is a cursor.' })
      .optional(),
    ...pageParameters,
  })
  .refine(({ from, until }) => from === undefined || until === undefined || from <= until, {
    error: 'expected a time no later than `until`',
    path: ['from'],
  })
  .refine(({ page, cursor }) => page === undefined || cursor === undefined, {
    error: 'expected a page or a cursor, found both',
    path: ['page'],
  });
type MessageQuery = z.infer<typeof MessageQuery>;

/** A message as shown. */
export const MessageAnswer = z.object({
  id: z.string(),
  to: z.string(),
  content: z.string(),
  status: z.string().meta({ description: 'PENDING, SUCCESS or FAILED.' }),
  messageId: z.string().nullable().meta({ description: "The provider's id for it; null if it was not sent." }),
  sentAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  attempts: z.int().optional().meta({ description: 'Failed attempts of a pending message.' }),
  reason: z.string().optional().meta({ description: 'Why it failed, or why its last attempt did.' }),
  ...rowErrors,
});
export type MessageAnswer = z.infer<typeof MessageAnswer>;

/** A list as shown. */
export const MessageList = z.object({
  items: z.array(MessageAnswer),
  total: z.int().meta({ description: 'Number of messages on all pages.' }),
  page: z.int().optional().meta({ description: 'Absent if a cursor was given.' }),
  limit: z.int(),
  nextCursor: z.string().optional(),
});
type MessageList = Page<MessageAnswer> & { readonly total: number; readonly page?: number; readonly limit: number };

interface Listing {
  readonly status: MessageStatus;
  /** The column to filter and, newest first, sort by. */
  readonly column: 'sent_at' | 'created_at';
  readonly order: RawBuilder<string>;
}

const byCreation = { column: 'created_at', order: timeOrder('created_at') } as const;

/** The lists, by their names in URLs. */
export const listings = {
  // We write `sent_at` ourselves, in a fixed format, so that its index is in time order; there may be very many.
  sent: { status: 'SUCCESS', column: 'sent_at', order: sql.ref('sent_at') },
  pending: { status: 'PENDING', ...byCreation },
  failed: { status: 'FAILED', ...byCreation },
} as const satisfies Readonly<Record<string, Listing>>;
export type ListName = keyof typeof listings;

/** The columns shown. The provider's answer may be long, and is not shown. */
const shownColumns = [
  'id',
  'to',
  'content',
  'status',
  'message_id',
  'sent_at',
  'created_at',
  'updated_at',
  'attempts',
  'reason',
] as const satisfies readonly (keyof MessageRow)[];
type ShownRow = Pick<MessageRow, (typeof shownColumns)[number]>;

/** Time that a list waits for earlier events to be handled, in milliseconds. */
const freshnessMs = 250;

/** Returns messages with a status, newest first. Throws `MILL_INVALID_REQUEST` for a cursor from another list. */
export async function listMessages(
  mill: Mill,
  name: ListName,
  { page = 1, limit, cursor, ...filter }: MessageQuery,
  reading: ReadOptions = {},
): Promise<MessageList> {
  const listing: Listing = listings[name];
  const after = cursor === undefined ? undefined : await placeOf(cursor, name);
  await mill.settled(pipelineName, freshnessMs);
  const chosen = choose(mill.query(messages, reading), listing, filter);
  // A numbered page is placed by counting all the others, whatever their size.
  let select = choose(mill.query(messages, after === undefined ? reading : { ...reading, ...forPage }), listing, filter)
    .select(shownColumns)
    .select(listing.order.as('place'))
    .orderBy(listing.order, 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (after === undefined) select = select.offset((page - 1) * limit);
  else select = select.where(sql<boolean>`(${listing.order}, id) < (${after[0]}, ${after[1]})`);
  const rows = await select.execute();
  const { total } = await chosen.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const { items, ...next } = pageOf(rows, {
    limit,
    cursor: (row) => [name, exactValue(row, 'place'), exactValue(row, 'id')],
    item: (row) => toAnswer(row),
  });
  return { items, total, ...(after === undefined ? { page } : {}), limit, ...next };
}

/** Returns one message that is not deleted. Throws `MILL_NOT_FOUND`. */
export async function findMessage(mill: Mill, id: string, reading: ReadOptions = {}): Promise<MessageAnswer> {
  await mill.settled(pipelineName, freshnessMs);
  const found = await readMessage(mill, id, reading);
  if (found !== undefined) return found;
  throw new MillraceError('MILL_NOT_FOUND', `expected the id of a message, found ${JSON.stringify(id)}`);
}

/** Returns a message from its current row; undefined if there is no row, or it is deleted. */
export async function readMessage(mill: Mill, id: string, reading: ReadOptions = {}): Promise<MessageAnswer | undefined> {
  const row = await mill.query(messages, reading).selectAll().where('id', '=', id).where('deleted_at', 'is', null).executeTakeFirst();
  return row === undefined ? undefined : withRowErrors(row, toAnswer(row));
}

/** Converts a row for display. */
function toAnswer(row: ShownRow): MessageAnswer {
  const { id, to, content, status, message_id, sent_at, created_at, updated_at, attempts, reason } = row;
  return {
    id,
    to,
    content,
    status,
    messageId: message_id,
    sentAt: sent_at === null ? null : toRfc3339(sent_at),
    createdAt: toRfc3339(created_at),
    updatedAt: toRfc3339(updated_at ?? created_at),
    ...(status === 'PENDING' && attempts > 0 ? { attempts } : {}),
    ...(reason === null ? {} : { reason }),
  };
}

function choose(
  query: TableQuery<typeof messages>,
  { status, column }: Listing,
  { to, from, until }: Pick<MessageQuery, 'to' | 'from' | 'until'>,
): TableQuery<typeof messages> {
  let chosen = query.where('status', '=', status).where('deleted_at', 'is', null).where(column, 'is not', null);
  if (to !== undefined) chosen = chosen.where('to', '=', to);
  // An index finds the day, the beginning of every form of a moment; the moment within the day is compared row by row.
  if (from !== undefined) chosen = chosen.where(column, '>=', dayOf(from)).where(timeOrder(column), '>=', timeBounds(from).first);
  if (until !== undefined) chosen = chosen.where(column, '<=', `${dayOf(until)}~`).where(timeOrder(column), '<=', timeBounds(until).last);
  return chosen;
}

function dayOf(moment: string): string {
  return moment.slice(0, '2026-11-21'.length);
}

/** Decodes a cursor. It is valid only for the list that it was made for. */
async function placeOf(cursor: string, name: ListName): Promise<readonly [order: string, id: string]> {
  const [, ...place] = await decodeCursor(z.tuple([z.literal(name), exactly(z.string()), exactly(z.string())]), cursor);
  return place;
}
