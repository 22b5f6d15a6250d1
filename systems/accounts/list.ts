import { sql } from 'kysely';
import * as z from 'zod';
import { type Mill, MillraceError, type ReadOptions, type StoredRowOf, type TableQuery } from '../../src/index.ts';
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
import { pipelineName } from './pipeline.ts';
import { forPart, mapFound, type Sorting, sortedRows } from './sorted-rows.ts';
import { accountsTable } from './tables.ts';
import { AccountType } from './update.ts';

type Row = StoredRowOf<typeof accountsTable>;
type Sort = (typeof sorts)[number];
type Order = 'asc' | 'desc';
type Place = readonly [value: string | number, id: string];

const sorts = ['id', 'tokens', 'version'] as const;

/** The parameters of the list. */
export const AccountQuery = z.object({
  type: AccountType.optional().meta({ description: 'Only accounts of this `accountType`.' }),
  sort: z.enum(sorts).default('id').meta({ description: 'Ties are sorted by id.' }),
  order: z.enum(['asc', 'desc']).optional().meta({ description: 'Default: ascending for id, otherwise descending.' }),
  ...pageParameters,
});

/** An account as shown. */
export const AccountAnswer = z.object({
  id: z.string(),
  accountType: z.string(),
  tokens: z.int(),
  version: z.int(),
  callbackTimeMs: z.int(),
  callbackDueAt: z.iso.datetime().optional().meta({ description: 'Absent once the callback of this version has fired.' }),
  data: z.record(z.string(), z.unknown()).nullable().meta({ description: 'Null if it cannot be read.' }),
  updatedAt: z.iso.datetime().meta({ description: 'When this version was accepted.' }),
  ...rowErrors,
});
export type AccountAnswer = Omit<z.infer<typeof AccountAnswer>, 'data'> & { readonly data: unknown };

/** Time that a list waits for earlier events to be handled, in milliseconds. */
export const freshnessMs = 250;

/** Returns a sorted page of accounts. Throws `MILL_INVALID_REQUEST` for a cursor from a list in another order. */
export async function listAccounts(
  mill: Mill,
  query: z.infer<typeof AccountQuery>,
  reading: ReadOptions = {},
): Promise<Page<AccountAnswer>> {
  const { type, sort, limit } = query;
  const order = query.order ?? (sort === 'id' ? 'asc' : 'desc');
  const after = query.cursor === undefined ? undefined : await placeOf(query.cursor, sort, order);
  await mill.settled(pipelineName, freshnessMs);
  const rows = await selectSorted(mill, { type, sort, order, after, limit: limit + 1 }, reading);
  return pageOf(rows, { limit, cursor: (row) => [sort, order, exactValue(row, sort), exactValue(row, 'id')], item: toAnswer });
}

/** Returns one account, reflecting every update accepted before. Throws `MILL_NOT_FOUND`. */
export async function findAccount(mill: Mill, id: string, reading: ReadOptions = {}): Promise<AccountAnswer> {
  // Waits for the account itself, not for others.
  await mill.keys(pipelineName, [id], reading);
  const row = await mill.query(accountsTable, reading).selectAll().where('id', '=', id).executeTakeFirst();
  if (row !== undefined) return withRowErrors(row, toAnswer(row));
  throw new MillraceError('MILL_NOT_FOUND', `expected the id of an account, found ${JSON.stringify(id)}`);
}

/** Converts a row for display. */
export function toAnswer(row: Row): AccountAnswer {
  return {
    id: row.id,
    accountType: row.account_type,
    tokens: row.tokens,
    version: row.version,
    callbackTimeMs: row.callback_time_ms,
    ...(row.callback_due_at === null ? {} : { callbackDueAt: row.callback_due_at }),
    data: row.data,
    updatedAt: row.updated_at,
  };
}

interface Selection {
  readonly type: string | undefined;
  readonly sort: Sort;
  readonly order: Order;
  /** Start after the account at this place. */
  readonly after: Place | undefined;
  readonly limit: number;
}

function selectSorted(mill: Mill, { type, sort, ...sorting }: Selection, reading: ReadOptions): Promise<readonly Row[]> {
  const select = (bounds: typeof forPage) => {
    const all = mill.query(accountsTable, { ...reading, ...bounds });
    return type === undefined ? all : all.where('account_type', '=', type);
  };
  if (sort === 'id') return selectById(select(forPage), sorting);
  // `placeOf` has checked that the value of the place is a number.
  return sortedRows(sorting as Sorting<number>, {
    ascending(after, limit) {
      const rows = select(forPage).selectAll().orderBy(sort).orderBy('id').limit(limit);
      const behind = after && rows.where(({ eb, refTuple, tuple }) => eb(refTuple(sort, 'id'), '>', tuple(...after)));
      return (behind ?? rows).execute();
    },
    equal(value, afterId, limit) {
      // May be null, in a table somebody created by hand.
      const rows = select(forPart)
        .selectAll()
        .where(sort, value === null ? 'is' : '=', value)
        .orderBy('id')
        .limit(limit);
      return (afterId === undefined ? rows : rows.where('id', '>', afterId)).execute();
    },
    async valuesBelow(value, limit) {
      const values = select(forPart)
        .select(sql<number>`${sql.ref(sort)}`.as('value'))
        .orderBy(sort, 'desc')
        .limit(limit);
      const rows = await (value === undefined ? values : values.where(sort, '<', value)).execute();
      return mapFound(rows, (row) => SortValue.parse(exactValue(row, 'value')));
    },
    between(lower, higher, limit) {
      const rows = select(forPart).selectAll().where(sort, '>', lower).where(sort, '<=', higher);
      return rows.orderBy(sort, 'desc').orderBy('id').limit(limit).execute();
    },
  });
}

function selectById(select: TableQuery<typeof accountsTable>, { order, after, limit }: Omit<Selection, 'type' | 'sort'>): Promise<Row[]> {
  const rows = select.selectAll().orderBy('id', order).limit(limit);
  return (after === undefined ? rows : rows.where('id', order === 'asc' ? '>' : '<', after[1])).execute();
}

/** A value to sort by, exactly as stored. */
const SortValue = exactly(z.custom<number>((value) => value === null || typeof value === 'number' || typeof value === 'string'));

/** Decodes a cursor. It is valid only for the order that it was made for. */
async function placeOf(cursor: string, sort: Sort, order: Order): Promise<Place> {
  const value = exactly(sort === 'id' ? z.string() : z.int());
  const schema = z.tuple([z.literal(sort), z.literal(order), value, exactly(z.string())]);
  const [, , ...place] = await decodeCursor(schema, cursor);
  return place;
}
