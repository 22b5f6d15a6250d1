import type { Flight } from '../../sql/connection/flight.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import type { Owned } from '../../sql/statements.ts';
import type { Appended, NewEvent, PartitionId } from '../../store.ts';
import { bigints, integers, texts } from '../connection/binary-arrays.ts';
import { headOf } from '../read/head.ts';

/*
 * Judges and stores events. Whoever appends to a partition locks its row in `heads` until the transaction ends; a later statement reads the
 * highest position, on a snapshot newer than the lock. So positions are dense without a counter, and a rolled-back transaction leaves no
 * gap.
 */

/** Locks the heads of partitions, in the same order for everyone, and returns the owner of each. */
export function addHeadLocks(flight: Flight, partitions: readonly PartitionId[], owned: Owned): void {
  const text = `SELECT head.pipeline, head.slice, fence.owner
      FROM millrace_heads AS head LEFT JOIN millrace_fences AS fence USING (pipeline, slice)
      WHERE (head.pipeline, head.slice) IN (SELECT * FROM unnest($1::text[], $2::int4[]))
      ORDER BY head.pipeline, head.slice FOR UPDATE OF head`;
  const values = [texts(partitions.map(({ pipeline }) => pipeline)), integers(partitions.map(({ slice }) => slice))];
  flight.add({ text, values }, ({ rows }) => {
    for (const [pipeline, slice, owner] of rows) owned({ pipeline: String(pipeline), slice: Number(slice) }, owner as string | null);
  });
}

/** Describes a flight's new entries in the log of a pipeline. */
export function logged(
  pipeline: string,
  after: readonly { readonly slice: number; readonly position: number }[],
  flightId: number,
): Statement {
  return {
    text: `SELECT log.slice, log.position, log.key, log.id, log.number FROM unnest($1::int4[], $2::int8[]) AS own (slice, after)
      JOIN ${tablesOf(pipeline).log} AS log ON log.slice = own.slice AND log.position > own.after
      WHERE log.flight = $3 ORDER BY log.slice, log.position`,
    values: [integers(after.map(({ slice }) => slice)), bigints(after.map(({ position }) => position)), flightId],
  };
}

/** An event and its index in the combined answer. */
interface Placed {
  readonly event: NewEvent;
  readonly at: number;
}

/** The parts needed to judge a pipeline's events. */
interface Means {
  readonly ids: boolean;
  readonly numbers: boolean;
}

const isDuplicate = 0;
const isLate = -1;

/**
 * Adds the statements that append events to a flight. An earlier statement must have locked the heads. The answers, in the order of the
 * events, are available once the flight has committed.
 *
 * @param flightId identifies what it stored if its answer is lost
 */
export function addAppends(flight: Flight, events: readonly NewEvent[], flightId: number): readonly Appended[] {
  const answers: Appended[] = new Array(events.length);
  const { segments, followers } = inSegments(events);
  for (const segment of segments) {
    for (const [pipeline, placed] of Map.groupBy(segment, ({ event }) => event.partition.pipeline)) {
      flight.add(appendStatement(pipeline, placed, flightId), ({ rows }) => {
        for (const [at, answer] of rows) answers[Number(at)] = toAppended(Number(answer));
      });
    }
  }
  if (followers.length > 0) flight.add({ text: 'SELECT 1', values: [] }, () => answerFollowers(answers, followers));
  return answers;
}

/** An event judged by an earlier one. */
interface Follower {
  readonly at: number;
  readonly leader: number;
}

/**
 * A statement judges its events by what was stored before it. Of two with the same number or id, the second is judged by the first; if an
 * id may no longer be known for the second one, a new segment begins.
 */
function inSegments(events: readonly NewEvent[]): { segments: readonly (readonly Placed[])[]; followers: readonly Follower[] } {
  const segments: Placed[][] = [[]];
  const followers: Follower[] = [];
  let leaders = new Map<string, Placed>();
  for (const [at, event] of events.entries()) {
    const name = identityOf(event);
    const leader = name === undefined ? undefined : leaders.get(name);
    if (leader !== undefined && isJudgedBy(event, leader.event)) {
      followers.push({ at, leader: leader.at });
      continue;
    }
    if (leader !== undefined) {
      segments.push([]);
      leaders = new Map();
    }
    segments.at(-1)?.push({ event, at });
    if (name !== undefined) leaders.set(name, { event, at });
  }
  return { segments: segments.filter(({ length }) => length > 0), followers };
}

function identityOf({ partition: { pipeline, slice }, key, id, knownSince, number }: NewEvent): string | undefined {
  if (number !== null) return JSON.stringify([pipeline, slice, key, number]);
  return knownSince === null ? undefined : JSON.stringify([pipeline, slice, id]);
}

/** Returns whether it is a duplicate, whatever became of the earlier one: that was accepted at its moment, or is known since its own. */
function isJudgedBy({ number, knownSince }: NewEvent, leader: NewEvent): boolean {
  if (number !== null || knownSince === null) return true;
  return knownSince <= leader.acceptedAt && knownSince <= (leader.knownSince ?? Number.NEGATIVE_INFINITY);
}

function answerFollowers(answers: Appended[], followers: readonly Follower[]): void {
  for (const { at, leader } of followers) answers[at] = { status: answers[leader]?.status === 'late' ? 'late' : 'duplicate' };
}

function toAppended(answer: number): Appended {
  if (answer === isDuplicate) return { status: 'duplicate' };
  return answer === isLate ? { status: 'late' } : { status: 'accepted', position: answer };
}

function appendStatement(pipeline: string, placed: readonly Placed[], flightId: number): Statement {
  const events = placed.map(({ event }) => event);
  const means = { ids: events.some(({ knownSince }) => knownSince !== null), numbers: events.some(({ number }) => number !== null) };
  return {
    text: appendText(pipeline, means),
    values: [
      pipeline,
      integers(placed.map(({ at }) => at)),
      integers(events.map(({ partition }) => partition.slice)),
      texts(events.map(({ key }) => key)),
      texts(events.map(({ id }) => id)),
      bigints(events.map(({ knownSince }) => knownSince)),
      bigints(events.map(({ number }) => number)),
      bigints(events.map(({ acceptedAt }) => acceptedAt)),
      texts(events.map(({ body }) => body)),
      texts(events.map(({ traceparent }) => traceparent)),
      texts(events.map(({ origin }) => origin)),
      flightId,
    ],
  };
}

function appendText(pipeline: string, { ids: hasIds, numbers: hasNumbers }: Means): string {
  const { log, ids } = tablesOf(pipeline);
  return `WITH event AS MATERIALIZED (
      SELECT * FROM unnest($2::int4[], $3::int4[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::int8[], $9::text[], $10::text[], $11::text[])
        AS event (at, slice, key, id, known_since, number, accepted_at, body, traceparent, origin)
    ), judged AS MATERIALIZED (
      SELECT event.at, event.slice, ${verdict({ ids: hasIds, numbers: hasNumbers })} AS verdict FROM event
      ${hasIds ? knownOf(ids) : ''} ${hasNumbers ? recordOf : ''}
    ), base AS MATERIALIZED (
      SELECT slice, ${headOf(log, 'target.slice', 'cursor')} AS head FROM (
        SELECT slice, coalesce(
          (SELECT max(cursor) FROM millrace_cursors AS settled WHERE settled.pipeline = $1 AND settled.slice = any_of.slice), 0) AS cursor
        FROM (SELECT DISTINCT slice FROM event) AS any_of OFFSET 0
      ) AS target
    ), accepted AS MATERIALIZED (
      SELECT judged.at, base.head + row_number() OVER (PARTITION BY judged.slice ORDER BY judged.at) AS position
      FROM judged JOIN base USING (slice) WHERE verdict = 1
    ), logged AS (
      INSERT INTO ${log} (slice, position, key, id, number, accepted_at, body, traceparent, origin, flight)
      SELECT slice, position, key, id, number, accepted_at, body, traceparent, origin, $12::int8 FROM accepted JOIN event USING (at)
      ORDER BY slice, position
    )${hasIds ? `, ${remembering(ids)}` : ''}${hasNumbers ? `, ${holding}` : ''}
    SELECT judged.at, coalesce(accepted.position, judged.verdict) FROM judged LEFT JOIN accepted USING (at)`;
}

/** Looks each event up separately: a join could read all existing ids. */
function knownOf(ids: string): string {
  return `LEFT JOIN LATERAL (
      SELECT accepted_at FROM ${ids} AS known WHERE event.known_since IS NOT NULL AND known.slice = event.slice AND known.id = event.id LIMIT 1
    ) AS known ON true`;
}

const recordOf = `LEFT JOIN LATERAL (
      SELECT next FROM millrace_keys AS record WHERE record.pipeline = $1 AND record.slice = event.slice AND record.key = event.key LIMIT 1
    ) AS record ON true`;

/** 1: accepted; any other value is the answer. */
function verdict({ ids, numbers }: Means): string {
  const cases = [
    ...(ids ? [`WHEN known.accepted_at >= event.known_since THEN ${isDuplicate}`] : []),
    ...(numbers
      ? [
          'WHEN event.number IS NULL THEN 1',
          `WHEN EXISTS (SELECT FROM millrace_held AS held WHERE held.pipeline = $1 AND held.slice = event.slice AND held.key = event.key
             AND held."order" = event.number OFFSET 0) THEN ${isDuplicate}`,
          'WHEN record.next IS NULL OR event.number >= record.next THEN 1',
          `WHEN EXISTS (SELECT FROM millrace_dead_letters AS letter WHERE letter.pipeline = $1 AND letter.slice = event.slice
             AND letter.key = event.key AND letter.number_from IS NOT NULL AND event.number BETWEEN letter.number_from AND letter.number_to OFFSET 0)
             THEN ${isLate}`,
          `ELSE ${isDuplicate}`,
        ]
      : ['ELSE 1']),
  ];
  return cases.length === 1 ? '1' : `CASE ${cases.join(' ')} END`;
}

function remembering(ids: string): string {
  return `remembered AS (
      INSERT INTO ${ids} (slice, id, accepted_at)
      SELECT slice, id, accepted_at FROM accepted JOIN event USING (at) WHERE known_since IS NOT NULL ORDER BY slice, id
      ON CONFLICT (slice, id) DO UPDATE SET accepted_at = excluded.accepted_at
    )`;
}

const holding = `held AS (
      INSERT INTO millrace_held (pipeline, slice, key, "order", position, attempts, retry_at)
      SELECT $1, slice, key, number, position, 0, NULL FROM accepted JOIN event USING (at) WHERE number IS NOT NULL
    )`;
