import { strangersText } from '../../tables/inbox-sql.ts';

/*
 * Names that an index has, each found by one look at it, however many rows have the name.
 */

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

export const jumps = { flows, heldKeys, strangers: strangersText('$1') };
