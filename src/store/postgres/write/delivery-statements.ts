import { asOfOne, onRows } from '../connection/lookups.ts';

/*
 * How deliveries are written. `CommitParts.addDeliveries` says what a line is.
 */

/** Parameters: pipelines, slices, endpoints, keys, hashes of ids, attempts, moments, pauses. */
export const retry = `UPDATE millrace_deliveries AS delivery SET attempts = retry.attempts, due_at = retry.due_at, pause = retry.pause
  FROM unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::bytea[], $6::int4[], $7::int8[], $8::int8[])
    AS retry (pipeline, slice, endpoint, key, id_hash, attempts, due_at, pause)
  WHERE delivery.pipeline = retry.pipeline AND delivery.slice = retry.slice AND delivery.endpoint = retry.endpoint
    AND delivery.key = retry.key AND delivery.id_hash = retry.id_hash AND ${asOfOne('retry.slice')}`;

/**
 * One that is there keeps its place, its attempts, and its moment unless that is null; one that is restored changes nothing of it. Parameters: pipelines,
 * slices, endpoints, keys, hashes of ids, then the columns of a delivery, and whether it is asked for.
 */
export const asking = `WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::bool[], $9::int4[],
        $10::int8[], $11::int8[], $12::text[], $13::text[], $14::text[], $15::bool[]) WITH ORDINALITY
      AS asked (pipeline, slice, endpoint, key, id_hash, id, flow, ordered, attempts, due_at, asked_at, url, traceparent, body, is_asked, at)
  ), replaced AS (
    UPDATE millrace_deliveries AS delivery
    SET flow = asked.flow, ordered = asked.ordered, waits = CASE WHEN delivery.ordered = asked.ordered THEN delivery.waits ELSE asked.ordered END,
      due_at = coalesce(delivery.due_at, asked.due_at), url = asked.url, traceparent = asked.traceparent, body = asked.body
    FROM asked
    WHERE asked.is_asked AND delivery.pipeline = asked.pipeline AND delivery.slice = asked.slice AND delivery.endpoint = asked.endpoint
      AND delivery.key = asked.key AND delivery.id_hash = asked.id_hash AND ${asOfOne('asked.slice')}
  )
  INSERT INTO millrace_deliveries
    (pipeline, slice, endpoint, key, id_hash, id, flow, ordered, waits, attempts, due_at, asked_at, url, traceparent, body)
  SELECT pipeline, slice, endpoint, key, id_hash, id, flow, ordered,
    ordered AND (
      row_number() OVER (PARTITION BY pipeline, slice, endpoint, key, ordered ORDER BY at) > 1
      OR EXISTS (SELECT FROM millrace_deliveries AS before WHERE before.pipeline = asked.pipeline AND before.slice = asked.slice
        AND before.endpoint = asked.endpoint AND before.key = asked.key AND before.ordered OFFSET 0)),
    attempts, due_at, asked_at, url, traceparent, body
  FROM asked
  WHERE NOT EXISTS (SELECT FROM millrace_deliveries AS present WHERE present.pipeline = asked.pipeline AND present.slice = asked.slice
    AND present.endpoint = asked.endpoint AND present.key = asked.key AND present.id_hash = asked.id_hash OFFSET 0)
  ORDER BY at
  RETURNING pipeline, slice`;

/** Whoever is wrong in a line is so because it does not wait, or does. */
export const lineUp = `UPDATE millrace_deliveries SET waits = NOT waits WHERE ${onRows(
  'unnest($1::text[], $2::int4[], $3::text[], $4::text[]) AS line (pipeline, slice, endpoint, key)',
  `SELECT ctid FROM (
    SELECT ctid, waits, row_number() OVER (ORDER BY place) AS nth FROM (
      SELECT ctid, place, waits FROM millrace_deliveries AS one WHERE one.pipeline = line.pipeline AND one.slice = line.slice
        AND one.endpoint = line.endpoint AND one.key = line.key AND one.ordered ORDER BY place LIMIT 2
    ) AS places
  ) AS first_two WHERE waits <> (nth > 1)`,
)}`;
