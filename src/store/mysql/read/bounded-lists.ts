import { bytesFor } from '../../sql/read/bounded.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import type { ReadStatements } from '../../sql/statements.ts';
import { causeNameOf } from '../../sql/write/commit-parts.ts';
import { inboxIdLengthMax } from '../../tables/inbox-sql.ts';
import { indexes } from '../schema/schema.ts';

/*
 * Lists of rows with large texts. An index provides their order, and the number that fits is determined without the texts, which are looked
 * up afterwards: an in-memory table holds no texts, and one on disk costs more than everything else. Results have their own names, so that
 * columns need no table.
 */

const ofPartition = 'pipeline = $1 AND slice = $2';

/**
 * Returns the places of rows as a table `found`, each with the total bytes before it (`size_before`).
 *
 * @param columns the columns of the places
 * @param order a total order of the places
 * @param rows a SELECT of places, with a column `size`
 */
export function sized(columns: string, order: string, rows: string): string {
  return `(SELECT ${columns}, SUM(size) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) - size AS size_before FROM (${rows}) AS item) AS found`;
}

export const boundedLists: Pick<ReadStatements, 'held' | 'dueCauses' | 'dueDeliveries' | 'dueOfFlows' | 'inboxRows'> = {
  /**
   * Looks up a key's entries by the key alone, and judges them one by one: beyond the end of a range the server would search for an
   * undeleted entry through all the keys that follow.
   */
  held({ partition: { pipeline, slice }, key, from, limit, charactersMax }, columns) {
    const { log } = tablesOf(pipeline);
    const rows = `SELECT held.at, held."order", held.attempts, held.retry_at, OCTET_LENGTH(log.body) AS size
      FROM (SELECT position AS at, "order", attempts, retry_at FROM millrace_held FORCE INDEX (PRIMARY)
        WHERE ${ofPartition} AND "key" = $3 AND "order" + 0 >= $4 ORDER BY "order" LIMIT $5) AS held
      STRAIGHT_JOIN ${log} AS log FORCE INDEX (PRIMARY) ON log.slice = $2 AND log.position = held.at`;
    return {
      text: `SELECT ${columns} FROM ${sized('at, "order", attempts, retry_at', '"order"', rows)}
        STRAIGHT_JOIN ${log} AS log FORCE INDEX (PRIMARY) ON log.slice = $2 AND log.position = found.at
        WHERE found.size_before < $6 ORDER BY found."order"`,
      values: [pipeline, slice, key, from, limit, bytesFor(charactersMax)],
    };
  },

  /**
   * The index has them by moment and key, since its entries end with the primary key. Names may be of any length, so those of one moment
   * and key are counted together, and the caller orders them.
   */
  dueCauses({ partition: { pipeline, slice }, dueBy, limit, after, charactersMax }, columns) {
    const behind =
      after === undefined
        ? ''
        : 'AND (due_at > $6 OR (due_at = $6 AND ("key" > $7 OR ("key" = $7 AND (kind > $8 OR (kind = $8 AND (name, id) > ($9, $10)))))))';
    const place = after === undefined ? [] : [after.dueAt, ...causeNameOf(after)];
    const groups = `SELECT due_at AS due, "key" AS of_key, COUNT(*) AS count, SUM(COALESCE(OCTET_LENGTH(data), 0)) AS size
      FROM millrace_causes FORCE INDEX (${indexes.dueCauses}) WHERE ${ofPartition} AND due_at <= $3 ${behind}
      GROUP BY due_at, "key" ORDER BY due_at, "key" LIMIT $4`;
    const before = (what: string) => `SUM(${what}) OVER (ORDER BY due, of_key ROWS UNBOUNDED PRECEDING) - ${what} AS ${what}_before`;
    return {
      text: `SELECT ${columns} FROM (SELECT due, of_key, ${before('count')}, ${before('size')} FROM (${groups}) AS item) AS found
        STRAIGHT_JOIN millrace_causes AS cause FORCE INDEX (${indexes.dueCauses})
          ON ${ofPartition} AND cause.due_at = found.due AND cause."key" = found.of_key
        WHERE found.count_before < $4 AND found.size_before < $5 ${behind}`,
      values: [pipeline, slice, dueBy, limit, bytesFor(charactersMax), ...place],
    };
  },

  dueDeliveries({ partition: { pipeline, slice }, endpoint, dueBy, limit, charactersMax }, columns) {
    const rows = `SELECT place AS at, due_at AS due, OCTET_LENGTH(body) AS size FROM millrace_deliveries FORCE INDEX (${indexes.dueDeliveries})
      WHERE ${ofPartition} AND endpoint = $3 AND waits = 0 AND due_at <= $4 ORDER BY due_at, place LIMIT $5`;
    return {
      text: `SELECT ${columns} FROM ${sized('at, due', 'due, at', rows)}
        STRAIGHT_JOIN millrace_deliveries AS delivery FORCE INDEX (PRIMARY) ON delivery.place = found.at
        WHERE found.size_before < $6 ORDER BY found.due, found.at`,
      values: [pipeline, slice, endpoint, dueBy, limit, bytesFor(charactersMax)],
    };
  },

  dueOfFlows({ partition: { pipeline, slice }, endpoint, flows, dueBy, each, charactersMax }, columns) {
    const ofFlow = (_: string, at: number) => `(SELECT ${at + 1} AS nth, place AS at, due_at AS due, OCTET_LENGTH(body) AS size
      FROM millrace_deliveries FORCE INDEX (${indexes.deliveriesOfFlows})
      WHERE ${ofPartition} AND endpoint = $3 AND waits = 0 AND flow = $${at + 7} AND due_at <= $4 ORDER BY due_at, place LIMIT $5)`;
    return {
      text: `SELECT nth, ${columns} FROM ${sized('nth, at, due', 'nth, due, at', flows.map(ofFlow).join(' UNION ALL '))}
        STRAIGHT_JOIN millrace_deliveries AS delivery FORCE INDEX (PRIMARY) ON delivery.place = found.at
        WHERE found.size_before < $6 ORDER BY found.nth, found.due, found.at`,
      values: [pipeline, slice, endpoint, dueBy, each, bytesFor(charactersMax), ...flows],
    };
  },

  inboxRows({ pipeline, except, eventLengthMax, limit, charactersMax }) {
    const rows = `SELECT place AS at, OCTET_LENGTH(LEFT(event, $4)) AS size FROM millrace_inbox FORCE INDEX (${indexes.inbox})
      WHERE pipeline = $1 AND place NOT IN $2 ORDER BY place LIMIT $3`;
    return {
      text: `SELECT place, LEFT(id, ${inboxIdLengthMax}), LEFT(traceparent, ${inboxIdLengthMax}), LEFT(event, $4), CHAR_LENGTH(event)
        FROM ${sized('at', 'at', rows)} STRAIGHT_JOIN millrace_inbox AS inbox FORCE INDEX (PRIMARY) ON inbox.place = found.at
        WHERE found.size_before < $5 ORDER BY found.at`,
      // No row is at place 0; MySQL cannot infer the type of an empty list.
      values: [pipeline, [0, ...except], limit, eventLengthMax, bytesFor(charactersMax)],
    };
  },
};
