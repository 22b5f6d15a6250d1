import { MillraceError, messageOf } from '../../../errors.ts';
import type { FoundValue } from '../../../pipeline/table.ts';
import { pageUpTo, sizeOfAll, sizeOfValues } from '../../list-size.ts';
import type { Transaction } from '../../sql/connection/connections.ts';
import type { StatementResult } from '../../sql/connection/flight.ts';
import type { Asked } from '../../sql/dialect.ts';
import { readingVerbOf } from '../../tables/reading-verb.ts';
import { toRows } from '../../tables/selection.ts';
import { isRefusal, stateOf } from '../connection/postgres-errors.ts';
import { toParameter } from '../connection/values.ts';

type FoundRow = readonly FoundValue[];

/** Rows fetched at once for a list with a size limit. */
const fetchedAtOnce = 200;

/**
 * Runs one user statement in a read-only transaction. Throws `MILL_INVALID_REQUEST` with the database's message for one that fails or would
 * write.
 */
export async function selectRows(
  transaction: Transaction,
  { sql, parameters, charactersMax }: Asked,
): Promise<Record<string, FoundValue>[]> {
  const verb = readingVerbOf(sql);
  const values = parameters.map(toParameter);
  try {
    if (charactersMax === undefined || verb === 'explain') {
      const found = await transaction.run({ text: sql, values, isForeign: true, isSingle: true });
      return toRows({ columns: found.columns, rows: rowsOf(found) });
    }
    await transaction.run({ text: `DECLARE millrace_found NO SCROLL CURSOR FOR ${sql}`, values, isSingle: true });
    return await fetchRows(transaction, charactersMax);
  } catch (error) {
    throw isOfStatement(error) ? new MillraceError('MILL_INVALID_REQUEST', `query: ${messageOf(error)}`, { cause: error }) : error;
  }
}

async function fetchRows({ run }: Transaction, charactersMax: number): Promise<Record<string, FoundValue>[]> {
  const rows: FoundRow[] = [];
  for (;;) {
    const fetched = await run({ text: `FETCH ${fetchedAtOnce} FROM millrace_found`, values: [], isForeign: true });
    rows.push(...rowsOf(fetched));
    const isFull = rows.length >= 2 && sizeOfAll(rows, sizeOfValues) >= charactersMax;
    if (isFull || fetched.rows.length < fetchedAtOnce)
      return toRows({ columns: fetched.columns, rows: pageUpTo(rows, sizeOfValues, charactersMax) });
  }
}

function rowsOf({ rows }: StatementResult): readonly FoundRow[] {
  return rows as readonly FoundRow[];
}

/** A fault of neither the connection nor another's lock is the statement's, including an attempt to write. */
function isOfStatement(thrown: unknown): boolean {
  return isRefusal(thrown) || stateOf(thrown) === '25006';
}
