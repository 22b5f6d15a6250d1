import type { DeliveryName, DeliveryWrite, PartitionId, StoredDelivery } from '../../store.ts';
import { bigints, booleans, bytes, integers, texts } from '../connection/binary-arrays.ts';
import type { Flight, StatementResult } from '../connection/flight.ts';
import { among, asOfOne, onRows } from '../connection/lookups.ts';
import type { Parameter } from '../connection/statement.ts';
import { hashOf, nameOf, partitionColumns } from './commit-statements.ts';
import { segmentsOf } from './segments.ts';

/*
 * How deliveries are written. The ordered ones of an endpoint and key stand in a line, by their places, and each row says whether it
 * waits: the first of a line does not, all others do. So the index of those that are due never leads past one that waits, and a write
 * touches few rows however long the line is. Unordered ones stand in no line.
 */

interface Of<T> {
  readonly partition: PartitionId;
  readonly item: T;
}

/** @param changed called with each partition in which a delivery was added (1) or has gone (−1) */
export function addDeliveries(
  flight: Flight,
  all: readonly Of<DeliveryWrite>[],
  changed: (partition: PartitionId, by: number) => void,
): void {
  const change = (by: number) => (result: StatementResult) => {
    for (const [pipeline, slice] of result.rows) changed({ pipeline: String(pipeline), slice: Number(slice) }, by);
  };
  for (const segment of segmentsOf(all, ({ partition, item }) => fullNameOf(partition, item))) {
    const removed = segment.flatMap(({ partition, item }) => (item.write === 'remove' ? [{ partition, ...item }] : []));
    if (removed.length > 0) {
      flight.add({ text: removal, values: [...partitionColumns(removed), ...nameColumns(removed)] }, change(-1));
    }
    const retried = segment.flatMap(({ partition, item }) => (item.write === 'retry' ? [{ partition, ...item }] : []));
    if (retried.length > 0) {
      flight.add({
        text: retry,
        values: [
          ...partitionColumns(retried),
          ...nameColumns(retried),
          integers(retried.map(({ attempts }) => attempts)),
          bigints(retried.map(({ dueAt }) => dueAt)),
          bigints(retried.map(({ pauseMs }) => pauseMs)),
        ],
      });
    }
    const asked = segment.flatMap(({ partition, item }) =>
      'delivery' in item ? [{ partition, delivery: item.delivery, isAsked: item.write === 'ask' }] : [],
    );
    if (asked.length > 0) flight.add({ text: asking, values: askedColumns(asked) }, change(1));
  }
  addLineUp(flight, all);
}

function fullNameOf(partition: PartitionId, write: DeliveryWrite): string {
  const { endpoint, key, id } = 'delivery' in write ? write.delivery : write;
  return nameOf(partition, endpoint, key, id);
}

function nameColumns(names: readonly DeliveryName[]): readonly Parameter[] {
  return [texts(names.map(({ endpoint }) => endpoint)), texts(names.map(({ key }) => key)), bytes(names.map(({ id }) => hashOf(id)))];
}

const removed = {
  from: 'unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::bytea[])',
  columns: ['pipeline', 'slice', 'endpoint', 'key', 'id_hash'],
};
const removal = `DELETE FROM millrace_deliveries WHERE ${among('millrace_deliveries', removed)} RETURNING pipeline, slice`;

const retry = `UPDATE millrace_deliveries AS delivery SET attempts = retry.attempts, due_at = retry.due_at, pause = retry.pause
  FROM unnest($1::text[], $2::int4[], $3::text[], $4::text[], $5::bytea[], $6::int4[], $7::int8[], $8::int8[])
    AS retry (pipeline, slice, endpoint, key, id_hash, attempts, due_at, pause)
  WHERE delivery.pipeline = retry.pipeline AND delivery.slice = retry.slice AND delivery.endpoint = retry.endpoint
    AND delivery.key = retry.key AND delivery.id_hash = retry.id_hash AND ${asOfOne('retry.slice')}`;

/** One that is there keeps its place, its attempts, and its moment unless that is null; one that is restored changes nothing of it. */
const asking = `WITH asked AS MATERIALIZED (
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

function askedColumns(asked: readonly { partition: PartitionId; delivery: StoredDelivery; isAsked: boolean }[]): readonly Parameter[] {
  const deliveries = asked.map(({ delivery }) => delivery);
  return [
    ...partitionColumns(asked),
    ...nameColumns(deliveries),
    texts(deliveries.map(({ id }) => id)),
    texts(deliveries.map(({ flow }) => flow)),
    booleans(deliveries.map(({ ordered }) => ordered)),
    integers(deliveries.map(({ attempts }) => attempts)),
    bigints(deliveries.map(({ dueAt }) => dueAt)),
    bigints(deliveries.map(({ askedAt }) => askedAt)),
    texts(deliveries.map(({ url }) => url)),
    texts(deliveries.map(({ traceparent }) => traceparent)),
    texts(deliveries.map(({ body }) => body)),
    booleans(asked.map(({ isAsked }) => isAsked)),
  ];
}

/** Makes lines right again after one has left or entered them: only the first two of each can be wrong. */
function addLineUp(flight: Flight, all: readonly Of<DeliveryWrite>[]): void {
  const touched = new Map<string, { readonly partition: PartitionId; readonly endpoint: string; readonly key: string }>();
  for (const { partition, item } of all) {
    if (item.write === 'retry' || item.write === 'restore') continue;
    const { endpoint, key } = 'delivery' in item ? item.delivery : item;
    touched.set(nameOf(partition, endpoint, key), { partition, endpoint, key });
  }
  if (touched.size === 0) return;
  const lines = Array.from(touched.values());
  flight.add({
    text: lineUp,
    values: [...partitionColumns(lines), texts(lines.map(({ endpoint }) => endpoint)), texts(lines.map(({ key }) => key))],
  });
}

/** Whoever is wrong in a line is so because it does not wait, or does. */
const lineUp = `UPDATE millrace_deliveries SET waits = NOT waits WHERE ${onRows(
  'unnest($1::text[], $2::int4[], $3::text[], $4::text[]) AS line (pipeline, slice, endpoint, key)',
  `SELECT ctid FROM (
    SELECT ctid, waits, row_number() OVER (ORDER BY place) AS nth FROM (
      SELECT ctid, place, waits FROM millrace_deliveries AS one WHERE one.pipeline = line.pipeline AND one.slice = line.slice
        AND one.endpoint = line.endpoint AND one.key = line.key AND one.ordered ORDER BY place LIMIT 2
    ) AS places
  ) AS first_two WHERE waits <> (nth > 1)`,
)}`;
