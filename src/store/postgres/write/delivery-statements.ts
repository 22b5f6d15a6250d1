import { asOfOne } from '../connection/lookups.ts';

/* Writes deliveries. `CommitParts.addDeliveries` defines lines. */

/** The server's start time, in microseconds: another server, formerly its replica, may assign places again. */
const run = '(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::int8';

/** The starting point for a look at a line: its floor, if that is from the current server run. */
const floorOf = (known: string, ofRun: string) => `CASE WHEN ${ofRun}::int8 = ${run} THEN ${known} ELSE 0 END`;

const placeInLine = 'pipeline, slice, endpoint, key, place';

/**
 * The first deliveries of a line, from its floor on. Only the index of lines has the rows from a point on in this order, so the planner has
 * no choice that would read more, not even for an empty table.
 */
const firstOf = (line: string, columns: string, limit: number) => `SELECT ${columns} FROM millrace_deliveries
    WHERE (${placeInLine}) >= (${line}.pipeline, ${line}.slice, ${line}.endpoint, ${line}.key, ${line}.floor)
      AND (pipeline, slice, endpoint, key) <= (${line}.pipeline, ${line}.slice, ${line}.endpoint, ${line}.key) AND ordered
    ORDER BY ${placeInLine} LIMIT ${limit}`;

/** The row of a delivery that a parameter row names, if a condition holds for it. */
const named = (
  asked: string,
  column: string,
  condition = 'true',
) => `SELECT ${column} FROM millrace_deliveries AS one WHERE one.pipeline = ${asked}.pipeline
      AND one.slice = ${asked}.slice AND one.endpoint = ${asked}.endpoint AND one.key = ${asked}.key AND one.id_hash = ${asked}.id_hash
      AND ${condition} OFFSET 0`;

/** Parameters: pipelines, slices, endpoints, keys, hashes of ids, attempts, moments, pauses, failures, their moments. */
export const retry = `UPDATE millrace_deliveries AS delivery SET attempts = retry.attempts, due_at = retry.due_at, pause = retry.pause,
    failure = coalesce(retry.failure, delivery.failure), failed_at = coalesce(retry.failed_at, delivery.failed_at)
  FROM unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::bytea[], $6::int4[], $7::int8[], $8::int8[], $9::text[], $10::int8[])
    AS retry (pipeline, slice, endpoint, key, id_hash, attempts, due_at, pause, failure, failed_at)
  CROSS JOIN LATERAL (${named('retry', 'ctid AS row_id')}) AS there
  WHERE delivery.ctid = there.row_id AND ${asOfOne('retry.slice')}`;

/**
 * An existing one keeps its place, its attempts, and its moment unless that is null; a restored one changes nothing of it. Parameters:
 * pipelines, slices, endpoints, keys, hashes of ids, then the columns of a delivery, whether it is requested, the floors of their lines,
 * and the run of these.
 */
export const asking = `WITH asked AS MATERIALIZED (
    SELECT *, ${floorOf('known', '$17')} AS floor,
      row_number() OVER (PARTITION BY pipeline, slice, endpoint, key, ordered ORDER BY at) > 1 AS follows
    FROM unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::bool[], $9::int4[],
        $10::int8[], $11::int8[], $12::text[], $13::text[], $14::text[], $15::bool[], $16::int8[]) WITH ORDINALITY
      AS asked (pipeline, slice, endpoint, key, id_hash, id, flow, ordered, attempts, due_at, asked_at, url, traceparent, body, is_asked, known, at)
  ), replaced AS (
    UPDATE millrace_deliveries AS delivery
    SET flow = asked.flow, ordered = asked.ordered, waits = CASE WHEN delivery.ordered = asked.ordered THEN delivery.waits ELSE asked.ordered END,
      due_at = coalesce(delivery.due_at, asked.due_at), url = asked.url, traceparent = asked.traceparent, body = asked.body
    FROM asked CROSS JOIN LATERAL (${named('asked', 'ctid AS row_id')}) AS there
    WHERE delivery.ctid = there.row_id AND asked.is_asked AND ${asOfOne('asked.slice')}
  )
  INSERT INTO millrace_deliveries
    (pipeline, slice, endpoint, key, id_hash, id, flow, ordered, waits, attempts, due_at, asked_at, url, traceparent, body)
  SELECT pipeline, slice, endpoint, key, id_hash, id, flow, ordered,
    ordered AND (follows OR EXISTS (${firstOf('asked', '', 1)})),
    attempts, due_at, asked_at, url, traceparent, body
  FROM asked
  WHERE NOT EXISTS (${named('asked', '')})
  ORDER BY at
  RETURNING pipeline, slice`;

/**
 * Corrects deliveries in a line that wrongly do not wait, or wrongly do. Returns, for each line that is not empty, which parameter it
 * belongs to (from 1), the place of its first delivery, and the run. Parameters: pipelines, slices, endpoints, keys, hashes of ids of
 * deliveries that left or entered the lines, the floors of these, and the run of those. A delivery may have entered a line below its floor:
 * one that existed, but was in no line.
 */
export const lineUp = `WITH line AS MATERIALIZED (
    SELECT min(touched.at) AS at, touched.pipeline, touched.slice, touched.endpoint, touched.key, min(least(${floorOf('touched.known', '$7')}, there.place)) AS floor
    FROM unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::bytea[], $6::int8[]) WITH ORDINALITY
      AS touched (pipeline, slice, endpoint, key, id_hash, known, at)
    LEFT JOIN LATERAL (${named('touched', 'place', 'touched.known > 0')}) AS there ON true
    GROUP BY touched.pipeline, touched.slice, touched.endpoint, touched.key
  ), first_two AS MATERIALIZED (
    SELECT line.at, found.row_id, found.place, found.waits, found.nth FROM line CROSS JOIN LATERAL (
      SELECT row_id, place, waits, row_number() OVER (ORDER BY place) AS nth FROM (${firstOf('line', 'ctid AS row_id, place, waits', 2)}) AS places
    ) AS found
  ), righted AS (
    UPDATE millrace_deliveries SET waits = NOT waits WHERE ctid = ANY (ARRAY(SELECT row_id FROM first_two WHERE waits <> (nth > 1)))
  )
  SELECT at, place, ${run} FROM first_two WHERE nth = 1`;
