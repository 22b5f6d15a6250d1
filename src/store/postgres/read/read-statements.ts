import { boundedStatement, boundedText } from '../../sql/read/bounded.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import type { ReadStatements } from '../../sql/statements.ts';
import { causeNameOf } from '../../sql/write/commit-parts.ts';
import { inboxIdLengthMax } from '../../tables/inbox-sql.ts';
import { bigints, integers, texts } from '../connection/binary-arrays.ts';
import { headOf, ownedHeads } from './head.ts';
import { jumps } from './jumps.ts';

const ofPartition = 'pipeline = $1 AND slice = $2';
const cursorText = `coalesce((SELECT max(cursor) FROM millrace_cursors WHERE ${ofPartition}), 0)`;

const recordColumns = 'at, state, state_version, next, parked, held_from, held_to, held, gap_next, gap_first, gap_since, block';
const recordRows = `SELECT asked.at, state, state_version, record.next, parked, held_from, held_to, held, gap.next AS gap_next, gap."first" AS gap_first,
    gap.since AS gap_since, block, coalesce(octet_length(state), 0) AS size
  FROM unnest($3::text[]) WITH ORDINALITY AS asked (key, at)
  LEFT JOIN LATERAL (SELECT * FROM millrace_keys WHERE ${ofPartition} AND key = asked.key LIMIT 1) AS record ON true
  LEFT JOIN LATERAL (SELECT * FROM millrace_gaps WHERE ${ofPartition} AND key = asked.key LIMIT 1) AS gap ON true
  LEFT JOIN LATERAL (
    SELECT min("order") AS held_from, max(position) AS held_to, count(*) AS held FROM millrace_held WHERE ${ofPartition} AND key = asked.key
  ) AS held ON true`;

/*
 * Looks each requested key or flow up separately: in a plain join of a table that was never analysed the planner takes all keys of a slice
 * for one, and reads them all for each requested one.
 */
export const readStatements: ReadStatements = {
  ...jumps,

  letters: { unresolved: 'NOT resolved', parameter: (nth) => `$${nth}` },

  ownedHeads,

  list: texts,

  progress: ({ pipeline, slice }) => ({
    text: `SELECT cursor, ${headOf(tablesOf(pipeline).log, '$2', 'cursor')} FROM (SELECT ${cursorText} AS cursor OFFSET 0) AS settled`,
    values: [pipeline, slice],
  }),

  standing({ pipeline, slice }) {
    const count = (table: string) => `(SELECT count(*) FROM ${table} WHERE ${ofPartition})`;
    return {
      text: `SELECT cursor, ${headOf(tablesOf(pipeline).log, '$2', 'cursor')}, ${count('millrace_held')}, letters, (SELECT count(*) FROM millrace_keys WHERE ${ofPartition} AND parked),
          ${count('millrace_deliveries')}, ${count('millrace_gaps')},
          coalesce((SELECT max(block) FROM millrace_blocks WHERE ${ofPartition}), 0)
        FROM (SELECT ${cursorText} AS cursor OFFSET 0) AS settled,
          (SELECT count(*) AS letters FROM millrace_dead_letters WHERE ${ofPartition} AND NOT resolved) AS buried`,
      values: [pipeline, slice],
    };
  },

  records: boundedText({ rows: recordRows, order: 'at', columns: recordColumns }, 4),

  causesOfKeys: (columns) => `SELECT cause.* FROM unnest($3::text[]) AS asked (key) CROSS JOIN LATERAL (
      SELECT ${columns} FROM millrace_causes WHERE ${ofPartition} AND key = asked.key ORDER BY name_hash
    ) AS cause`,

  log(log, columns) {
    const names = columns.join(', ');
    const rows = `SELECT ${names}, octet_length(body) AS size FROM ${log} WHERE slice = $1 AND position > $2 ORDER BY position LIMIT $3`;
    return boundedText({ rows, order: 'position', columns: names }, 4);
  },

  held: ({ partition: { pipeline, slice }, key, from, limit, charactersMax }, columns) => {
    const { log } = tablesOf(pipeline);
    const rows = `SELECT log.*, held."order", held.attempts, held.retry_at, octet_length(log.body) AS size
      FROM (SELECT * FROM millrace_held WHERE ${ofPartition} AND key = $3 AND "order" >= $4 ORDER BY "order" LIMIT $5) AS held
      JOIN LATERAL (SELECT * FROM ${log} WHERE slice = held.slice AND position = held.position LIMIT 1) AS log ON true`;
    return boundedStatement({ rows, order: '"order"', columns, values: [pipeline, slice, key, from, limit] }, charactersMax);
  },

  dueCauses({ partition: { pipeline, slice }, dueBy, limit, after, charactersMax }, columns) {
    const order = 'due_at, key, kind, name, id';
    const behind = after === undefined ? '' : `AND due_at >= $5 AND (${order}) > ($5, $6, $7, $8, $9)`;
    const rows = `SELECT ${columns}, coalesce(octet_length(data), 0) AS size FROM millrace_causes
      WHERE ${ofPartition} AND due_at <= $3 ${behind} ORDER BY ${order} LIMIT $4`;
    const place = after === undefined ? [] : [after.dueAt, ...causeNameOf(after)];
    return boundedStatement({ rows, order, columns, values: [pipeline, slice, dueBy, limit, ...place] }, charactersMax);
  },

  dueDeliveries({ partition: { pipeline, slice }, endpoint, dueBy, limit, charactersMax }, columns) {
    const rows = `SELECT place, ${columns}, octet_length(body) AS size FROM millrace_deliveries
      WHERE ${ofPartition} AND NOT waits AND endpoint = $3 AND due_at <= $4 ORDER BY due_at, place LIMIT $5`;
    return boundedStatement({ rows, order: 'due_at, place', columns, values: [pipeline, slice, endpoint, dueBy, limit] }, charactersMax);
  },

  dueOfFlows({ partition: { pipeline, slice }, endpoint, flows, dueBy, each, charactersMax }, columns) {
    const rows = `SELECT flow.nth, due.*, octet_length(due.body) AS size FROM unnest($4::text[]) WITH ORDINALITY AS flow (name, nth)
      CROSS JOIN LATERAL (
        SELECT place, ${columns} FROM millrace_deliveries
        WHERE ${ofPartition} AND NOT waits AND endpoint = $3 AND flow = flow.name AND due_at <= $5 ORDER BY due_at, place LIMIT $6
      ) AS due`;
    const values = [pipeline, slice, endpoint, texts(flows), dueBy, each];
    return boundedStatement({ rows, order: 'nth, due_at, place', columns: `nth, ${columns}`, values }, charactersMax);
  },

  pendingOrigins: (pipeline) => `SELECT asked.origin FROM unnest($3::text[]) WITH ORDINALITY AS asked (origin, at)
    WHERE EXISTS (SELECT FROM millrace_dead_letters AS letter
        WHERE letter.pipeline = $1 AND letter.slice = $2 AND letter.origin = asked.origin AND NOT resolved)
      OR EXISTS (SELECT FROM ${tablesOf(pipeline).log} AS log WHERE log.slice = $2 AND log.origin = asked.origin AND (
        log.position > ${cursorText}
        OR EXISTS (SELECT FROM millrace_held AS held WHERE held.pipeline = $1 AND held.slice = $2 AND held.key = log.key
          AND held."order" = coalesce(log.number, log.position))
        OR EXISTS (SELECT FROM millrace_dead_letters AS letter WHERE letter.pipeline = $1 AND letter.slice = $2
          AND letter.position = log.position)))
    ORDER BY asked.at`,

  events: (pipeline, places, columns) => ({
    text: `SELECT slice, position, ${columns} FROM ${tablesOf(pipeline).log}
      WHERE (slice, position) IN (SELECT * FROM unnest($1::int4[], $2::int8[]))`,
    values: [integers(places.map(({ slice }) => slice)), bigints(places.map(({ position }) => position))],
  }),

  waiting: (pipelines, countMax) => ({
    text: `SELECT pipeline, (SELECT count(*) FROM (SELECT FROM millrace_inbox AS item WHERE item.pipeline = asked.pipeline LIMIT $2) AS counted)
      FROM unnest($1::text[]) AS asked (pipeline)`,
    values: [texts(pipelines), countMax],
  }),

  inboxRows({ pipeline, except, eventLengthMax, limit, charactersMax }) {
    const rows = `SELECT place, left(id, ${inboxIdLengthMax}) AS id, left(traceparent, ${inboxIdLengthMax}) AS traceparent, left(event, $4) AS event,
        char_length(event) AS length, octet_length(left(event, $4)) AS size
      FROM millrace_inbox WHERE pipeline = $1 AND place <> ALL ($2::int8[]) ORDER BY place LIMIT $3`;
    const columns = 'place, id, traceparent, event, length';
    return boundedStatement({ rows, order: 'place', columns, values: [pipeline, bigints(except), limit, eventLengthMax] }, charactersMax);
  },

  /** A numbered event is held from the moment it is appended. */
  waitingEvents: (pipeline) => `SELECT (SELECT count(*) FROM millrace_held WHERE pipeline = $1) + coalesce(sum(waiting), 0)
    FROM millrace_heads AS head CROSS JOIN LATERAL (
      SELECT count(*) AS waiting FROM ${tablesOf(pipeline).log} AS log WHERE log.slice = head.slice AND number IS NULL AND position > coalesce(
        (SELECT max(cursor) FROM millrace_cursors AS settled WHERE settled.pipeline = $1 AND settled.slice = head.slice), 0)
    ) AS behind WHERE head.pipeline = $1`,
};
