import type { Flight, StatementResult } from '../../sql/connection/flight.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import { column } from '../../sql/write/columns.ts';
import type { Appended, NewEvent, PartitionId } from '../../store.ts';
import { jsonOf, jsonTable, listed, listOf } from '../read/json-rows.ts';
import { headOf } from '../read/read-statements.ts';
import { insertsOf, replacing, withOriginHash } from './inserts.ts';

/*
 * Judges and stores events. Whoever appends to a partition locks its row in `heads` until the transaction ends; positions and known ids and
 * numbers are read by later statements, under READ COMMITTED and so on snapshots newer than the lock. No statement returns what it has
 * stored (MySQL has no RETURNING): so the process judges by the answers, assigns positions, and stores in a second step. Its knowledge
 * cannot become outdated meanwhile: only the lock's holder makes an id or a number known, and a number known as held can only become known
 * as applied. A number skipped at that very moment is admitted, and its turn finds it late, as with any store.
 */

/** Locks the heads of partitions, in the same order for everyone. There is nobody to notify, so their owners are not looked up. */
export function addHeadLocks(flight: Flight, partitions: readonly PartitionId[]): void {
  for (const [pipeline, slices] of slicesOf(partitions))
    flight.add({
      text: `SELECT head.slice FROM ${headsOf('$1', '$2')} FOR UPDATE`,
      values: [pipeline, listOf(slices)],
    });
}

/** Returns the heads of the given slices only: appending to one slice does not wait for another. */
function headsOf(pipeline: string, slices: string): string {
  return `${listed(slices, { name: 'slice', kind: 'int4' })}
    STRAIGHT_JOIN millrace_heads AS head FORCE INDEX (PRIMARY) ON head.pipeline = ${pipeline} AND head.slice = asked.slice`;
}

/** Returns the slices of each pipeline, in order. */
function slicesOf(partitions: Iterable<PartitionId>): readonly (readonly [pipeline: string, slices: readonly number[]])[] {
  const byPipeline = Map.groupBy(partitions, ({ pipeline }) => pipeline);
  const sorted = Array.from(byPipeline, ([pipeline, own]) => {
    const slices = Array.from(new Set(own.map(({ slice }) => slice))).sort((a, b) => a - b);
    return [pipeline, slices] as const;
  });
  return sorted.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Describes a flight's new entries in the log of a pipeline. */
export function logged(
  pipeline: string,
  after: readonly { readonly slice: number; readonly position: number }[],
  flightId: number,
): Statement {
  const places = after.map(({ slice, position }) => `(slice = ${slice} AND position > ${position})`).join(' OR ');
  return {
    text: `SELECT slice, position, "key", id, number FROM ${tablesOf(pipeline).log} FORCE INDEX (PRIMARY)
      WHERE (${places}) AND flight = $1 ORDER BY slice, position`,
    values: [flightId],
  };
}

/** An event and its index in the combined answer. */
interface Placed {
  readonly event: NewEvent;
  readonly at: number;
}

/** An event that is stored. */
interface Accepted {
  readonly event: NewEvent;
  readonly position: number;
}

/** The record of an event: the time since which its id is known, and the fate of its number. */
interface Known {
  readonly acceptedAt: number | null;
  readonly isHeld: boolean;
  readonly next: number | null;
  readonly isSkipped: boolean;
}

export function addAppends(flight: Flight, events: readonly NewEvent[], flightId: number): readonly Appended[] {
  const answers: Appended[] = new Array(events.length);
  const placed = events.map((event, at) => ({ event, at }));
  for (const [pipeline, own] of Map.groupBy(placed, ({ event }) => event.partition.pipeline)) {
    const from = flight.statements.length;
    const slices = Array.from(new Set(own.map(({ event }) => event.partition.slice)));
    flight.add({
      text: `SELECT head.slice, ${headOf(tablesOf(pipeline).log, '$1', 'head.slice')} FROM ${headsOf('$1', '$2')}`,
      values: [pipeline, listOf(slices)],
    });
    const judged = own.filter(({ event }) => event.knownSince !== null || event.number !== null);
    if (judged.length > 0) flight.add(knownOf(pipeline, judged));
    flight.addLater((results) => {
      const judge = new Judge(results[from], judged.length === 0 ? undefined : results[from + 1]);
      const accepted: Accepted[] = [];
      for (const { event, at } of own) {
        const answer = judge.judge(event, at);
        answers[at] = answer;
        if (answer.status === 'accepted') accepted.push({ event, position: answer.position });
      }
      return accepted.length === 0 ? [] : storing(pipeline, accepted, flightId);
    });
  }
  return answers;
}

/** Asks what is known of events, identified by their indexes. */
function knownOf(pipeline: string, placed: readonly Placed[]): Statement {
  const columns = [
    column('at', 'int4', placed, ({ at }) => at),
    column('slice', 'int4', placed, ({ event }) => event.partition.slice),
    column('key', 'text', placed, ({ event }) => event.key),
    // A generated id is never known, whatever its length.
    column('id', 'text', placed, ({ event }) => (event.knownSince === null ? null : event.id)),
    column('number', 'int8', placed, ({ event }) => event.number),
  ];
  return {
    text: `SELECT event.at, known.accepted_at, held.position IS NOT NULL, record.next, event.number IS NOT NULL AND EXISTS (
        SELECT 1 FROM millrace_dead_letters AS letter WHERE letter.pipeline = $1 AND letter.slice = event.slice AND letter."key" = event."key"
          AND letter.number_from <= event.number AND letter.number_to >= event.number)
      FROM ${jsonTable('$2', columns)} AS event
      LEFT JOIN ${tablesOf(pipeline).ids} AS known FORCE INDEX (PRIMARY) ON known.slice = event.slice AND known.id = event.id
      LEFT JOIN millrace_held AS held FORCE INDEX (PRIMARY) ON held.pipeline = $1 AND held.slice = event.slice AND held."key" = event."key"
        AND held."order" = event.number
      LEFT JOIN millrace_keys AS record FORCE INDEX (PRIMARY) ON record.pipeline = $1 AND record.slice = event.slice AND record."key" = event."key"`,
    values: [pipeline, jsonOf(columns)],
  };
}

/** Judges the events of one pipeline in order, each by the stored data and the events before it. */
class Judge {
  /** The highest positions of slices. */
  readonly #heads: Map<number, number>;
  readonly #known: ReadonlyMap<number, Known>;
  /** The acceptance times of ids in this flight. */
  readonly #ids = new Map<string, number>();
  /** The fate of numbers in this flight. */
  readonly #numbers = new Map<string, Appended>();

  constructor(heads: StatementResult | undefined, known: StatementResult | undefined) {
    this.#heads = new Map(heads?.rows.map(([slice, head]) => [Number(slice), Number(head)]));
    this.#known = new Map(
      known?.rows.map(([at, acceptedAt, isHeld, next, isSkipped]) => [
        Number(at),
        { acceptedAt: orNull(acceptedAt), isHeld: isHeld === 1, next: orNull(next), isSkipped: isSkipped === 1 },
      ]),
    );
  }

  judge(event: NewEvent, at: number): Appended {
    if (event.number !== null) return this.#judgeNumber(event, event.number, this.#known.get(at));
    if (event.knownSince === null) return this.#accept(event);
    const name = `${event.partition.slice} ${event.id}`;
    const acceptedAt = this.#ids.get(name) ?? this.#known.get(at)?.acceptedAt ?? null;
    if (acceptedAt !== null && acceptedAt >= event.knownSince) return { status: 'duplicate' };
    this.#ids.set(name, event.acceptedAt);
    return this.#accept(event);
  }

  #judgeNumber(event: NewEvent, number: number, known: Known | undefined): Appended {
    const name = JSON.stringify([event.partition.slice, event.key, number]);
    const before = this.#numbers.get(name);
    if (before !== undefined) return { status: before.status === 'late' ? 'late' : 'duplicate' };
    const answer = this.#answerTo(event, number, known);
    this.#numbers.set(name, answer);
    return answer;
  }

  #answerTo(event: NewEvent, number: number, known: Known | undefined): Appended {
    if (known?.isHeld) return { status: 'duplicate' };
    const next = known?.next ?? null;
    if (next === null || number >= next) return this.#accept(event);
    return { status: known?.isSkipped ? 'late' : 'duplicate' };
  }

  #accept({ partition: { slice } }: NewEvent): Appended {
    const position = (this.#heads.get(slice) ?? 0) + 1;
    this.#heads.set(slice, position);
    return { status: 'accepted', position };
  }
}

function orNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function storing(pipeline: string, accepted: readonly Accepted[], flightId: number): readonly Statement[] {
  const { log, ids } = tablesOf(pipeline);
  const slice = column('slice', 'int4', accepted, ({ event }) => event.partition.slice);
  const events = insertsOf(
    log,
    withOriginHash([
      slice,
      column('position', 'int8', accepted, ({ position }) => position),
      column('key', 'text', accepted, ({ event }) => event.key),
      column('id', 'text', accepted, ({ event }) => event.id),
      column('number', 'int8', accepted, ({ event }) => event.number),
      column('accepted_at', 'int8', accepted, ({ event }) => event.acceptedAt),
      column('body', 'text', accepted, ({ event }) => event.body),
      column('traceparent', 'text', accepted, ({ event }) => event.traceparent),
      column('origin', 'text', accepted, ({ event }) => event.origin),
      column('flight', 'int8', accepted, () => flightId),
    ]),
  );
  const chosen = accepted.filter(({ event }) => event.knownSince !== null && event.number === null);
  const numbered = accepted.filter(({ event }) => event.number !== null);
  const remembered = insertsOf(
    ids,
    [
      column('slice', 'int4', chosen, ({ event }) => event.partition.slice),
      column('id', 'text', chosen, ({ event }) => event.id),
      column('accepted_at', 'int8', chosen, ({ event }) => event.acceptedAt),
    ],
    replacing(['accepted_at']),
  );
  const held = insertsOf('millrace_held', [
    column('pipeline', 'text', numbered, () => pipeline),
    column('slice', 'int4', numbered, ({ event }) => event.partition.slice),
    column('key', 'text', numbered, ({ event }) => event.key),
    column('order', 'int8', numbered, ({ event }) => event.number),
    column('position', 'int8', numbered, ({ position }) => position),
    column('attempts', 'int4', numbered, () => 0),
    column('retry_at', 'int8', numbered, () => null),
  ]);
  return [...events, ...remembered, ...held];
}
