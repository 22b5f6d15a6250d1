import type { KeyWalk } from '../../sql/statements.ts';
import { strangersText } from '../../tables/inbox-sql.ts';

/* Finds the distinct names in an index with one look-up each, however many rows have the name. */

const ofPartition = 'pipeline = $1 AND slice = $2';
const ofEndpoint = `FROM millrace_deliveries WHERE ${ofPartition} AND NOT waits AND endpoint = $3`;

const flows = `WITH RECURSIVE flow AS (
    (SELECT flow AS name, 1 AS nth ${ofEndpoint} AND flow >= $4 ORDER BY flow LIMIT 1)
    UNION ALL
    SELECT (SELECT flow ${ofEndpoint} AND flow > flow.name ORDER BY flow LIMIT 1), nth + 1 FROM flow WHERE name IS NOT NULL AND nth < $5
  ) SELECT name FROM flow WHERE name IS NOT NULL ORDER BY nth`;

function heldKeys(behind: boolean): string {
  const first = (condition: string) => `(SELECT key FROM millrace_held WHERE ${ofPartition} ${condition} ORDER BY key LIMIT 1)`;
  return `WITH RECURSIVE held AS (
      ${first(behind ? 'AND key > $4' : '')} UNION ALL SELECT ${first('AND key > held.key')} FROM held WHERE held.key IS NOT NULL
    ) SELECT key FROM held WHERE key IS NOT NULL LIMIT $3`;
}

function keysIn({ table, condition = 'true', isBehind, isBounded }: KeyWalk): string {
  const ofRange = `${ofPartition} AND ${condition} ${isBounded ? 'AND key < $5' : ''}`;
  const first = (from: string) => `(SELECT key FROM ${table} WHERE ${ofRange} AND key ${from} ORDER BY key LIMIT 1)`;
  return `WITH RECURSIVE found AS (
      ${first(isBehind ? '> $3' : '>= $3')} UNION ALL SELECT ${first('> found.key')} FROM found WHERE found.key IS NOT NULL
    ) SELECT key FROM found WHERE key IS NOT NULL LIMIT $4`;
}

export const jumps = { flows, heldKeys, keysIn, strangers: strangersText('$1') };
