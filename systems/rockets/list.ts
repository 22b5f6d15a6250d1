import * as z from 'zod';
import type { Mill, ReadOptions, StoredRowOf, UnreadableColumn } from '../../src/index.ts';
import {
  decodeCursor,
  encodeCursor,
  exactly,
  exactValue,
  forPage,
  pageParameters,
  rowsOfPage,
  withRowErrors,
} from '../../src/server/index.ts';
import { pipelineName, rocketsTable } from './pipeline.ts';
import type { Rocket } from './rocket.ts';

type Row = StoredRowOf<typeof rocketsTable>;
type Sort = (typeof sorts)[number];
type Order = 'asc' | 'desc';
type Place = readonly [value: string | number, id: string];

const sorts = ['id', 'type', 'speed', 'mission', 'status'] as const;

/** The parameters of the list. Unlike other lists it is complete without a limit: a long one is returned in chunks. */
export const RocketQuery = z.object({
  sort: z.enum(sorts).default('id').meta({ description: 'Ties are sorted by id.' }),
  order: z.enum(['asc', 'desc']).optional().meta({ description: 'Default: descending for speed, otherwise ascending.' }),
  limit: pageParameters.limit.unwrap().optional().meta({ description: 'Maximum number of rockets; all by default.' }),
  cursor: pageParameters.cursor,
});

export interface RocketList {
  /** All rockets, not only this page's. */
  readonly count: number;
  readonly rockets: readonly (Rocket & { readonly pendingMessages: number; readonly errors?: readonly UnreadableColumn[] })[];
  readonly sort: Sort;
  readonly order: Order;
  readonly nextCursor?: string;
}

/** Maximum rockets of a complete list read at once. */
const pieceMax = 10_000;
/** Time that the list waits for earlier events to be handled, in milliseconds. */
const freshnessMs = 250;

/**
 * Returns the rockets, sorted; a complete list too long for one answer comes as chunks of its JSON. Throws `MILL_INVALID_REQUEST` for a
 * cursor from a list in another order.
 */
export async function findRockets(
  mill: Mill,
  query: z.infer<typeof RocketQuery>,
  reading: ReadOptions = {},
): Promise<RocketList | AsyncIterable<string>> {
  const { sort, limit } = query;
  const order = query.order ?? (sort === 'speed' ? 'desc' : 'asc');
  const after = query.cursor === undefined ? undefined : await placeOf(query.cursor, sort, order);
  await mill.settled(pipelineName, freshnessMs);
  const asked = limit ?? pieceMax;
  const found = await selectSorted(mill, { sort, order, after, limit: asked + 1 }, reading);
  const rows = rowsOfPage(found, asked);
  const last = rows.at(-1);
  const more = found.length > rows.length && last !== undefined;
  if (more && limit === undefined) return wholeList(mill, { sort, order, after }, { rows }, reading);
  const whole = !more && after === undefined;
  return {
    count: whole ? rows.length : await countAll(mill, reading),
    rockets: await withPending(mill, rows, reading),
    sort,
    order,
    ...(more ? { nextCursor: cursorOf(last, { sort, order }) } : {}),
  };
}

/**
 * Yields a list without a limit, reading more once its reader has taken the previous chunk. Each chunk shows its rockets as they are when
 * read; a rocket that changes place in the order meanwhile may be listed twice, or not at all.
 */
async function* wholeList(
  mill: Mill,
  { sort, order, after }: Omit<Selection, 'limit'>,
  found: { rows: readonly Row[] },
  reading: ReadOptions,
): AsyncGenerator<string> {
  let count = 0;
  yield `{"sort":"${sort}","order":"${order}","rockets":[`;
  while (found.rows.length > 0) {
    const rockets = (await withPending(mill, found.rows, reading)).map((rocket) => JSON.stringify(rocket)).join(',');
    const place = await placeOf(cursorOf(found.rows.at(-1) as Row, { sort, order }), sort, order);
    const separator = count === 0 ? '' : ',';
    count += found.rows.length;
    // While a chunk waits to be read, nothing else is in memory.
    found.rows = [];
    yield separator + rockets;
    found.rows = rowsOfPage(await selectSorted(mill, { sort, order, after: place, limit: pieceMax + 1 }, reading), pieceMax);
  }
  yield `],"count":${after === undefined ? count : await countAll(mill, reading)}}`;
}

function cursorOf(row: Row, { sort, order }: Pick<Selection, 'sort' | 'order'>): string {
  return encodeCursor([sort, order, exactValue(row, sort), exactValue(row, 'id')]);
}

interface Selection {
  readonly sort: Sort;
  readonly order: Order;
  /** Start after the rocket at this place. */
  readonly after: Place | undefined;
  readonly limit: number;
}

function selectSorted(mill: Mill, { sort, order, after, limit }: Selection, reading: ReadOptions): Promise<readonly Row[]> {
  const beyond = order === 'asc' ? '>' : '<';
  const select = mill
    .query(rocketsTable, { ...reading, ...forPage })
    .selectAll()
    .orderBy(sort, order)
    .orderBy('id')
    .limit(limit);
  if (after === undefined) return select.execute();
  const [value, id] = after;
  if (sort === 'id') return select.where('id', beyond, id).execute();
  return select
    .where((where) => where.or([where(sort, beyond, value), where.and([where(sort, '=', value), where('id', '>', id)])]))
    .execute();
}

async function countAll(mill: Mill, reading: ReadOptions): Promise<number> {
  const { count } = await mill
    .query(rocketsTable, reading)
    .select((row) => row.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

async function withPending(mill: Mill, rows: readonly Row[], reading: ReadOptions): Promise<RocketList['rockets']> {
  const statuses = await mill.keys(
    pipelineName,
    rows.map((row) => row.id),
    // The list has waited already.
    { ...reading, waitMs: 0 },
  );
  return rows.map((row, index) => withRowErrors(row, { ...toRocket(row), pendingMessages: statuses[index]?.pending ?? 0 }));
}

function toRocket(row: Row): Rocket {
  return {
    id: row.id,
    type: row.type,
    speed: row.speed,
    mission: row.mission,
    status: row.status === 'EXPLODED' ? 'EXPLODED' : 'ACTIVE',
    ...(row.explosion_reason === null ? {} : { explosionReason: row.explosion_reason }),
    lastMessageNumber: row.last_message_number,
    lastUpdated: row.last_updated,
  };
}

/** Decodes a cursor. It is valid only for the order that it was made for. */
async function placeOf(cursor: string, sort: Sort, order: Order): Promise<Place> {
  const value = exactly(sort === 'speed' ? z.number() : z.string());
  const schema = z.tuple([z.literal(sort), z.literal(order), value, exactly(z.string())]);
  const [, , ...place] = await decodeCursor(schema, cursor);
  return place;
}
