import { keyRangeOf } from '../../key-range.ts';
import type { KeySummary, KeysQuery, PartitionId } from '../../store.ts';
import type { Row, Statement } from '../connection/statement.ts';
import type { KeyWalk, ReadStatements } from '../statements.ts';

type Walked = Pick<KeyWalk, 'table' | 'condition'>;

/** The tables with an index of the keys in order. */
const walks: Readonly<Record<NonNullable<KeysQuery['among']> | 'all', readonly Walked[]>> = {
  all: ['millrace_keys', 'millrace_held', 'millrace_causes'].map((table) => ({ table, condition: undefined })),
  parked: [{ table: 'millrace_keys', condition: 'parked = true' }],
  gaps: [{ table: 'millrace_gaps', condition: undefined }],
  retried: ['millrace_held', 'millrace_causes'].map((table) => ({ table, condition: 'attempts > 0' })),
};

/** Returns the statement that lists keys of a partition: the first names of each table, and then what exists for each. */
export function keyListStatement(
  { keysIn }: Pick<ReadStatements, 'keysIn'>,
  { pipeline, slice }: PartitionId,
  { among, limit, ...query }: KeysQuery,
): Statement {
  const { from, isBehind, below } = keyRangeOf(query);
  const range = { isBehind, isBounded: below !== undefined };
  const names = walks[among ?? 'all'].map((walked) => `(${keysIn({ ...walked, ...range })})`).join(' UNION ');
  const has = (table: string, condition = '') => `EXISTS (SELECT 1 FROM ${ofName(table)} ${condition})`;
  return {
    text: `SELECT name."key", (SELECT next FROM ${ofName('millrace_keys')}), ${has('millrace_keys', 'AND parked = true')},
        (SELECT min("order") FROM ${ofName('millrace_held')}), (SELECT count(*) FROM ${ofName('millrace_held')}),
        ${has('millrace_held', 'AND attempts > 0')} OR ${has('millrace_causes', 'AND attempts > 0')}
      FROM (SELECT "key" FROM (${names}) AS walked ORDER BY "key" LIMIT $4) AS name ORDER BY name."key"`,
    values: [pipeline, slice, from, limit, ...(below === undefined ? [] : [below])],
  };
}

/** The rows of a table for the key in question. */
function ofName(table: string): string {
  return `${table} AS own WHERE own.pipeline = $1 AND own.slice = $2 AND own."key" = name."key"`;
}

export function toKeySummary([key, next, parked, heldFrom, held, isRetried]: Row): KeySummary {
  return {
    key: String(key),
    next: orNull(next),
    parked: parked === 1,
    heldFrom: orNull(heldFrom),
    held: Number(held),
    isRetried: isRetried === 1,
  };
}

function orNull(value: Row[number] | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}
