import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import type { ReadStatements } from '../../sql/statements.ts';
import { indexes } from '../schema/schema.ts';
import { boundedLists, sized } from './bounded-lists.ts';
import { jsonTable } from './json-rows.ts';

const ofPartition = 'pipeline = $1 AND slice = $2';

/** Returns a list of texts as JSON: each is a row of one column. */
function listOf(texts: readonly string[]): string {
  return JSON.stringify(texts.map((text) => [text.toWellFormed()]));
}

/** The join for the record of each. */
const recordOfAsked =
  'millrace_keys AS record FORCE INDEX (PRIMARY) ON record.pipeline = $1 AND record.slice = $2 AND record."key" = asked."key"';
const askedKeys = `${jsonTable('$3', [{ name: 'key', kind: 'text' }])} AS asked`;

/** Returns the highest cursor of a slice, and the highest position of its log: the last entries of their indexes. */
export function cursorOf(pipeline: string, slice: string): string {
  return `COALESCE((SELECT settled."cursor" FROM millrace_cursors AS settled WHERE settled.pipeline = ${pipeline} AND settled.slice = ${slice}
    ORDER BY settled."cursor" DESC LIMIT 1), 0)`;
}

export function headOf(log: string, pipeline: string, slice: string): string {
  const last = `COALESCE((SELECT log.position FROM ${log} AS log WHERE log.slice = ${slice} ORDER BY log.position DESC LIMIT 1), 0)`;
  return `GREATEST(${cursorOf(pipeline, slice)}, ${last})`;
}

export const readStatements: ReadStatements = {
  ...boundedLists,

  letters: { unresolved: 'resolved = 0', parameter: (nth) => `$${nth}` },

  ownedHeads: (pipeline, process) => ({
    text: `SELECT fence.slice, ${headOf(tablesOf(pipeline).log, '$1', 'fence.slice')} FROM millrace_fences AS fence
      WHERE fence.pipeline = $1 AND fence.owner = $2`,
    values: [pipeline, process],
  }),

  list: listOf,

  progress: ({ pipeline, slice }) => ({
    text: `SELECT ${cursorOf('$1', '$2')}, ${headOf(tablesOf(pipeline).log, '$1', '$2')}`,
    values: [pipeline, slice],
  }),

  standing({ pipeline, slice }) {
    const count = (table: string) => `(SELECT COUNT(*) FROM ${table} WHERE ${ofPartition})`;
    return {
      text: `SELECT ${cursorOf('$1', '$2')}, ${headOf(tablesOf(pipeline).log, '$1', '$2')}, ${count('millrace_held')}, letters,
          (SELECT COUNT(*) FROM millrace_keys FORCE INDEX (by_parked) WHERE ${ofPartition} AND parked = 1),
          ${count('millrace_deliveries')}, ${count('millrace_gaps')},
          COALESCE((SELECT MAX(block) FROM millrace_blocks WHERE ${ofPartition}), 0)
        FROM (SELECT COUNT(*) AS letters FROM millrace_dead_letters
          WHERE ${ofPartition} AND resolved = 0) AS buried`,
      values: [pipeline, slice],
    };
  },

  /** Determines how many states fit without reading them. */
  records: `SELECT asked.at, record.state, record.state_version, record.next, record.parked, ${ofHeld('MIN(held."order")')},
      ${ofHeld('MAX(held.position)')}, ${ofHeld('COUNT(*)')}, gap.next, gap."first", gap.since, record.block
    FROM (
      SELECT at, "key", SUM(size) OVER (ORDER BY at ROWS UNBOUNDED PRECEDING) - size AS size_before FROM (
        SELECT asked.nth AS at, asked."key", COALESCE(OCTET_LENGTH(record.state), 0) AS size
        FROM ${askedKeys} LEFT JOIN ${recordOfAsked}
      ) AS item
    ) AS asked
    LEFT JOIN ${recordOfAsked}
    LEFT JOIN millrace_gaps AS gap FORCE INDEX (PRIMARY) ON gap.pipeline = $1 AND gap.slice = $2 AND gap."key" = asked."key"
    WHERE asked.size_before < $4 ORDER BY asked.at`,

  causesOfKeys(columns) {
    const own = columns
      .split(', ')
      .map((column) => `cause.${column}`)
      .join(', ');
    return `SELECT ${own} FROM ${askedKeys}
      STRAIGHT_JOIN millrace_causes AS cause FORCE INDEX (PRIMARY) ON cause.pipeline = $1 AND cause.slice = $2 AND cause."key" = asked."key"`;
  },

  log(log, columns) {
    const rows = `SELECT position AS at, OCTET_LENGTH(body) AS size FROM ${log} FORCE INDEX (PRIMARY)
      WHERE slice = $1 AND position > $2 ORDER BY position LIMIT $3`;
    return `SELECT ${columns.join(', ')} FROM ${sized('at', 'at', rows)}
      STRAIGHT_JOIN ${log} AS log FORCE INDEX (PRIMARY) ON log.slice = $1 AND log.position = found.at
      WHERE found.size_before < $4 ORDER BY found.at`;
  },

  /*
   * Reads names from an index. MariaDB does not jump from one name to the next if a statement finds each from the one before: it would read
   * all entries up to there every time. So this reads the entries once, as far as needed.
   */
  flows: `SELECT flow FROM millrace_deliveries FORCE INDEX (${indexes.deliveriesOfFlows})
    WHERE ${ofPartition} AND endpoint = $3 AND waits = 0 AND flow >= $4 GROUP BY flow ORDER BY flow LIMIT $5`,

  heldKeys: (behind) => `SELECT "key" FROM millrace_held FORCE INDEX (PRIMARY) WHERE ${ofPartition} ${behind ? 'AND "key" > $4' : ''}
    GROUP BY "key" ORDER BY "key" LIMIT $3`,

  keysIn: ({ table, condition = 'true', isBehind, isBounded }) => {
    const range = `"key" ${isBehind ? '>' : '>='} $3 ${isBounded ? 'AND "key" < $5' : ''}`;
    const index = table === 'millrace_keys' && condition !== 'true' ? indexes.parkedKeys : 'PRIMARY';
    return `SELECT "key" FROM ${table} FORCE INDEX (${index}) WHERE ${ofPartition} AND ${condition} AND ${range} GROUP BY "key" ORDER BY "key" LIMIT $4`;
  },

  strangers: `SELECT pipeline FROM millrace_inbox FORCE INDEX (${indexes.inbox}) GROUP BY pipeline ORDER BY pipeline LIMIT $1`,

  pendingOrigins(pipeline) {
    const asked = `${jsonTable('$3', [{ name: 'origin', kind: 'text' }], new Set(['origin']))} AS asked`;
    const isIt = (table: string) => `${table}.origin_hash = UNHEX(SHA2(asked.origin, 256)) AND ${table}.slice = $2`;
    return `SELECT asked.origin FROM ${asked}
      WHERE EXISTS (SELECT 1 FROM millrace_dead_letters AS letter WHERE ${isIt('letter')} AND letter.pipeline = $1 AND letter.resolved = 0)
        OR EXISTS (SELECT 1 FROM ${tablesOf(pipeline).log} AS log WHERE ${isIt('log')} AND (
          log.position > ${cursorOf('$1', '$2')}
          OR EXISTS (SELECT 1 FROM millrace_held AS held WHERE held.pipeline = $1 AND held.slice = $2 AND held."key" = log."key"
            AND held."order" = COALESCE(log.number, log.position))
          OR EXISTS (SELECT 1 FROM millrace_dead_letters AS letter WHERE letter.pipeline = $1 AND letter.slice = $2
            AND letter.position = log.position)))
      ORDER BY asked.nth`;
  },

  events: (pipeline, places, columns) => ({
    text: `SELECT slice, position, ${columns} FROM ${tablesOf(pipeline).log} FORCE INDEX (PRIMARY)
      WHERE ${places.map((_, at) => `(slice = $${2 * at + 1} AND position = $${2 * at + 2})`).join(' OR ')}`,
    values: places.flatMap(({ slice, position }) => [slice, position]),
  }),

  waiting: (pipelines, countMax) => ({
    text: pipelines
      .map((_, at) => `SELECT $${at + 2}, COUNT(*) FROM (SELECT 1 FROM millrace_inbox WHERE pipeline = $${at + 2} LIMIT $1) AS counted`)
      .join(' UNION ALL '),
    values: [countMax, ...pipelines],
  }),

  /** A numbered event is held from the moment it is appended. */
  waitingEvents: (pipeline) => `SELECT (SELECT COUNT(*) FROM millrace_held WHERE pipeline = $1) + COALESCE(SUM((
      SELECT COUNT(*) FROM ${tablesOf(pipeline).log} AS log
      WHERE log.slice = head.slice AND log.number IS NULL AND log.position > ${cursorOf('$1', 'head.slice')}
    )), 0) FROM millrace_heads AS head WHERE head.pipeline = $1`,
};

/** Returns an aggregate over the held events of a key. */
function ofHeld(what: string): string {
  return `(SELECT ${what} FROM millrace_held AS held WHERE held.pipeline = $1 AND held.slice = $2 AND held."key" = asked."key")`;
}
