import * as z from 'zod';
import type { Mill, ReadOptions } from '../../src/index.ts';
import { decodeCursor, exactly, exactValue, forPage, type Page, pageOf, pageParameters } from '../../src/server/index.ts';
import { type AccountAnswer, freshnessMs, toAnswer } from './list.ts';
import { pipelineName } from './pipeline.ts';
import { accountsTable } from './tables.ts';

/** The parameters of the list. */
export const HighestQuery = z.object(pageParameters);

const Cursor = z.tuple([exactly(z.string())]);

/**
 * Returns, for each account type by name, the account whose latest version has the most tokens; on a tie the one with the lowest id. Throws
 * `MILL_INVALID_REQUEST` for a cursor from another list.
 */
export async function listHighest(
  mill: Mill,
  { limit, cursor }: z.infer<typeof HighestQuery>,
  reading: ReadOptions = {},
): Promise<Page<AccountAnswer>> {
  const after = cursor === undefined ? undefined : (await decodeCursor(Cursor, cursor))[0];
  await mill.settled(pipelineName, freshnessMs);
  const select = selectHighest(mill, { ...reading, ...forPage }).limit(limit + 1);
  const rows = await (after === undefined ? select : select.where('account_type', '>', after)).execute();
  return pageOf(rows, { limit, cursor: (row) => [exactValue(row, 'account_type')], item: toAnswer });
}

/** Returns the whole list at once, from the current tables. */
export async function findHighest(mill: Mill): Promise<readonly AccountAnswer[]> {
  return (await selectHighest(mill, {}).execute()).map(toAnswer);
}

/** Reads the index of types and tokens, and only the resulting accounts. */
function selectHighest(mill: Mill, reading: ReadOptions) {
  return mill
    .query(accountsTable, reading)
    .selectAll()
    .where(({ eb, exists, not, ref, refTuple, selectFrom }) =>
      eb.and([
        eb(
          refTuple('account_type', 'tokens'),
          'in',
          selectFrom('accounts as same_type')
            .select(({ fn }) => ['same_type.account_type', fn.max('same_type.tokens').as('tokens')])
            .groupBy('same_type.account_type')
            .$asTuple('account_type', 'tokens'),
        ),
        not(
          exists(
            selectFrom('accounts as equal')
              .select('equal.id')
              .where('equal.account_type', '=', ref('accounts.account_type'))
              .where('equal.tokens', '=', ref('accounts.tokens'))
              .where('equal.id', '<', ref('accounts.id')),
          ),
        ),
      ]),
    )
    .orderBy('account_type');
}
