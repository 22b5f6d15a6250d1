import * as z from 'zod';
import type { Mill, ReadOptions, StoredRowOf } from '../../src/index.ts';
import { decodeCursor, exactly, exactValue, forPage, type Page, pageOf, pageParameters, rowErrors } from '../../src/server/index.ts';
import { updatesTable } from './tables.ts';

/** The parameters of the list. */
export const VersionQuery = z.object(pageParameters);

/** A version of an account as shown, with the fate of its callback. */
export const VersionAnswer = z.object({
  version: z.int(),
  accountType: z.string(),
  tokens: z.int(),
  callbackTimeMs: z.int(),
  data: z.record(z.string(), z.unknown()).nullable().meta({ description: 'Null if it cannot be read.' }),
  indexedAt: z.iso.datetime().meta({ description: 'When it was accepted.' }),
  callbackAt: z.iso.datetime().optional().meta({ description: 'When its callback fired.' }),
  cancelledAt: z.iso.datetime().optional().meta({ description: 'When its callback was cancelled.' }),
  cancelledBy: z.int().optional().meta({ description: 'The newer version that did.' }),
  ...rowErrors,
});
type VersionAnswer = Omit<z.infer<typeof VersionAnswer>, 'data'> & { readonly data: unknown };

const Cursor = z.tuple([exactly(z.int())]);

/** Returns a page of an account's versions, ascending. Throws `MILL_INVALID_REQUEST` for a cursor from another list. */
export async function listVersions(
  mill: Mill,
  account: string,
  { limit, cursor }: z.infer<typeof VersionQuery>,
  reading: ReadOptions = {},
): Promise<Page<VersionAnswer>> {
  const [after] = cursor === undefined ? [-1] : await decodeCursor(Cursor, cursor);
  const rows = await mill
    .query(updatesTable, { ...reading, ...forPage })
    .selectAll()
    .where('id', '=', account)
    .where('version', '>', after)
    .orderBy('version')
    .limit(limit + 1)
    .execute();
  return pageOf(rows, { limit, cursor: (row) => [exactValue(row, 'version')], item: toAnswer });
}

function toAnswer(row: StoredRowOf<typeof updatesTable>): VersionAnswer {
  return {
    version: row.version,
    accountType: row.account_type,
    tokens: row.tokens,
    callbackTimeMs: row.callback_time_ms,
    data: row.data,
    indexedAt: row.indexed_at,
    ...(row.callback_at === null ? {} : { callbackAt: row.callback_at }),
    ...(row.cancelled_at === null ? {} : { cancelledAt: row.cancelled_at }),
    ...(row.cancelled_by === null ? {} : { cancelledBy: row.cancelled_by }),
  };
}
