import { MillraceError, messageOf } from '../../../errors.ts';
import type { FoundValue } from '../../../pipeline/table.ts';
import { pageUpTo, sizeOfValues } from '../../list-size.ts';
import type { Asked } from '../../sql/dialect.ts';
import { readingVerbOf } from '../../tables/reading-verb.ts';
import { toRows } from '../../tables/selection.ts';
import type { Reading } from '../connection/connections.ts';
import { withParameters } from '../connection/literals.ts';
import { isRefusal } from '../connection/mysql-errors.ts';

type FoundRow = readonly FoundValue[];

/**
 * Runs one user statement in a read-only transaction, on a connection that accepts one statement at a time. Throws `MILL_INVALID_REQUEST`
 * with the database's message for one that fails or would write.
 */
export async function selectRows(
  transaction: Reading,
  { sql, parameters, charactersMax = Number.POSITIVE_INFINITY }: Asked,
): Promise<Record<string, FoundValue>[]> {
  const verb = readingVerbOf(sql);
  const text = withParameters(sql, parameters);
  const sizeMax = verb === 'explain' ? Number.POSITIVE_INFINITY : charactersMax;
  let size = 0;
  let count = 0;
  const isEnough = (row: readonly unknown[]) => {
    count += 1;
    size += sizeOfValues(row as FoundRow);
    return count >= 2 && size >= sizeMax;
  };
  try {
    const { columns, rows } = await transaction.find(text, isEnough);
    return toRows({ columns, rows: pageUpTo(rows as readonly FoundRow[], sizeOfValues, sizeMax) });
  } catch (error) {
    throw isRefusal(error) ? new MillraceError('MILL_INVALID_REQUEST', `query: ${messageOf(error)}`, { cause: error }) : error;
  }
}
