import { sizeOfAll, sizeOfCause, sizeOfDelivery, sizeOfEvent, sizeOfRecord, upTo } from '../../list-size.ts';
import type {
  CauseBounds,
  DeliveryName,
  DueByFlow,
  DueMoment,
  FlowQuery,
  GapQuery,
  HeldEvent,
  KeyRecord,
  ListBounds,
  LoggedEvent,
  PartitionId,
  Progress,
  StoredCause,
  StoredDelivery,
  StoredGap,
  StoredOutcome,
  StoredTimer,
} from '../../store.ts';
import { texts } from '../connection/binary-arrays.ts';
import type { StatementResult } from '../connection/flight.ts';
import type { Parameter, Row, Statement } from '../connection/statement.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import { causeNameOf } from '../write/commit-statements.ts';
import { bounded, bytesFor, type OrderedRows } from './bounded.ts';
import { headOf } from './head.ts';

/** Runs statements that read, on one snapshot. */
export type Read = (...statements: readonly Statement[]) => Promise<readonly StatementResult[]>;

const ofPartition = 'pipeline = $1 AND slice = $2';
const event = 'position, key, id, number, accepted_at, body, traceparent, origin';
const cause = 'key, kind, name, id, due_at, data, attempts, retry_at';
const causePlace = 'due_at, key, kind, name, id';
const delivery = 'id, key, endpoint, flow, body, url, ordered, asked_at, traceparent, attempts, due_at';

/** Reads what is kept of one partition. */
export class PartitionReads {
  readonly #read: Read;
  readonly #partition: PartitionId;

  constructor(read: Read, partition: PartitionId) {
    this.#read = read;
    this.#partition = partition;
  }

  /** What is pruned is settled, so the head is at least the cursor. */
  async progress(): Promise<Progress> {
    const [[cursor, head] = []] = await this.#rows(progressText(this.#partition.pipeline));
    return { cursor: Number(cursor), head: Number(head) };
  }

  async read(after: number, limit: number, { charactersMax: sizeMax }: ListBounds = {}): Promise<readonly LoggedEvent[]> {
    const { log } = tablesOf(this.#partition.pipeline);
    const rows = `SELECT ${event}, octet_length(body) AS size FROM ${log} WHERE $1::text IS NOT NULL AND slice = $2 AND position > $3
      ORDER BY position LIMIT $4`;
    const found = await this.#list({ rows, order: 'position', columns: event }, sizeMax, after, limit);
    return upTo(found.map(toLoggedEvent), sizeOfEvent, sizeMax);
  }

  async load(keys: readonly string[], { charactersMax: sizeMax }: ListBounds = {}): Promise<readonly KeyRecord[]> {
    if (keys.length === 0) return [];
    const { pipeline, slice } = this.#partition;
    const record = 'at, state, state_version, next, parked, held_from, held_to, held, gap_next, gap_first, gap_since';
    const values = [pipeline, slice, texts(keys)];
    const [records, causes] = await this.#read(boundedStatement({ rows: recordRows, order: 'at', columns: record }, sizeMax, values), {
      text: `SELECT cause.* FROM (SELECT DISTINCT key FROM unnest($3::text[]) AS key) AS asked CROSS JOIN LATERAL (
          SELECT ${cause} FROM millrace_causes WHERE ${ofPartition} AND key = asked.key ORDER BY name_hash
        ) AS cause ORDER BY key, kind, name, id`,
      values,
    });
    const byKey = Map.groupBy((causes?.rows ?? []).map(toCause), ({ key }) => key);
    const found = (records?.rows ?? []).map((row) => toKeyRecord(row, byKey.get(keys[Number(row[0]) - 1] ?? '') ?? []));
    return upTo(found, sizeOfRecord, sizeMax);
  }

  async held(key: string, from: number, limit: number, { charactersMax: sizeMax }: ListBounds = {}): Promise<readonly HeldEvent[]> {
    const { log } = tablesOf(this.#partition.pipeline);
    const columns = `${event}, "order", attempts, retry_at`;
    const rows = `SELECT log.*, held."order", held.attempts, held.retry_at, octet_length(log.body) AS size
      FROM (SELECT * FROM millrace_held WHERE ${ofPartition} AND key = $3 AND "order" >= $4 ORDER BY "order" LIMIT $5) AS held
      JOIN LATERAL (SELECT * FROM ${log} WHERE slice = held.slice AND position = held.position LIMIT 1) AS log ON true`;
    const found = await this.#list({ rows, order: '"order"', columns }, sizeMax, key, from, limit);
    return upTo(found.map(toHeldEvent), sizeOfEvent, sizeMax);
  }

  /** Jumps from key to key: a key may hold thousands of events. */
  async heldKeys(after: string | null, limit: number): Promise<readonly string[]> {
    const first = (condition: string) => `(SELECT key FROM millrace_held WHERE ${ofPartition} AND ${condition} ORDER BY key LIMIT 1)`;
    const rows = await this.#rows(
      `WITH RECURSIVE held AS (
        ${first(after === null ? '$3::text IS NULL' : 'key > $3::text')} UNION ALL SELECT ${first('key > held.key')} FROM held WHERE held.key IS NOT NULL
      ) SELECT key FROM held WHERE key IS NOT NULL LIMIT $4`,
      after,
      limit,
    );
    return rows.map(([key]) => String(key));
  }

  async gaps({ until, after, limit }: GapQuery): Promise<readonly StoredGap[]> {
    const rows = await this.#rows(
      `SELECT key, next, "first", since FROM millrace_gaps
       WHERE ${ofPartition} AND since <= $3 AND since >= $4 AND (since > $4 OR key > $5 OR NOT $6) ORDER BY since, key LIMIT $7`,
      until ?? Number.MAX_SAFE_INTEGER,
      after?.since ?? Number.MIN_SAFE_INTEGER,
      after?.key ?? '',
      String(after !== undefined),
      limit,
    );
    return rows.map(([key, next, first, since]) => ({
      key: String(key),
      next: Number(next),
      first: Number(first),
      since: Number(since),
    }));
  }

  async dueCauses(dueBy: number, limit: number, { after, charactersMax: sizeMax }: CauseBounds = {}): Promise<readonly StoredCause[]> {
    const behind = after === undefined ? '' : `AND due_at >= $5 AND (${causePlace}) > ($5, $6, $7, $8, $9)`;
    const place = after === undefined ? [] : [after.dueAt, ...causeNameOf(after)];
    const rows = `SELECT ${cause}, coalesce(octet_length(data), 0) AS size FROM millrace_causes
      WHERE ${ofPartition} AND due_at <= $3 ${behind} ORDER BY ${causePlace} LIMIT $4`;
    const found = await this.#list({ rows, order: causePlace, columns: cause }, sizeMax, dueBy, limit, ...place);
    return upTo(found.map(toCause), sizeOfCause, sizeMax);
  }

  async nextCauseDue(after: number): Promise<number | null> {
    return this.#moment(`SELECT min(due_at) FROM millrace_causes WHERE ${ofPartition} AND due_at > $3`, after);
  }

  async dueDeliveries(
    endpoint: string,
    dueBy: number,
    limit: number,
    { charactersMax: sizeMax }: ListBounds = {},
  ): Promise<readonly StoredDelivery[]> {
    const rows = `SELECT place, ${delivery}, octet_length(body) AS size FROM millrace_deliveries
      WHERE ${ofPartition} AND NOT waits AND endpoint = $3 AND due_at <= $4 ORDER BY due_at, place LIMIT $5`;
    const found = await this.#list({ rows, order: 'due_at, place', columns: delivery }, sizeMax, endpoint, dueBy, limit);
    return upTo(found.map(toDelivery), sizeOfDelivery, sizeMax);
  }

  /** Jumps from flow to flow: one may have a hundred thousand. */
  async dueByFlow({ endpoint, dueBy, from, flows, each, charactersMax = Number.POSITIVE_INFINITY }: FlowQuery): Promise<DueByFlow> {
    const { pipeline, slice } = this.#partition;
    const values = [pipeline, slice, endpoint, from ?? '', flows];
    const rows = `WITH RECURSIVE ${flowsText}
      SELECT flow.name, flow.nth, due.*, octet_length(due.body) AS size FROM flow CROSS JOIN LATERAL (
        SELECT place, ${delivery} FROM millrace_deliveries
        WHERE ${ofPartition} AND NOT waits AND endpoint = $3 AND flow = flow.name AND due_at <= $6 ORDER BY due_at, place LIMIT $7
      ) AS due WHERE flow.nth <= $5`;
    const ordered = { rows, order: 'nth, due_at, place', columns: `name, ${delivery}` };
    const [names, due] = await this.#read(
      { text: `WITH RECURSIVE ${flowsText} SELECT name FROM flow WHERE name IS NOT NULL ORDER BY nth`, values },
      boundedStatement(ordered, charactersMax, [...values, dueBy, each]),
    );
    const byFlow = Map.groupBy(due?.rows ?? [], ([name]) => String(name));
    return takeByFlow(
      (names?.rows ?? []).map(([name]) => ({ name: String(name), rows: byFlow.get(String(name)) ?? [] })),
      flows,
      charactersMax,
    );
  }

  async nextDeliveryDue(endpoint: string, after: number): Promise<number | null> {
    return this.#moment(
      `SELECT min(due_at) FROM millrace_deliveries WHERE ${ofPartition} AND NOT waits AND endpoint = $3 AND due_at > $4`,
      endpoint,
      after,
    );
  }

  async dueMoments(endpoint: string, after: number, limit: number): Promise<readonly DueMoment[]> {
    const rows = await this.#rows(
      `SELECT due_at, min(pause) FROM millrace_deliveries WHERE ${ofPartition} AND NOT waits AND endpoint = $3 AND due_at > $4
       GROUP BY due_at ORDER BY due_at LIMIT $5`,
      endpoint,
      after,
      limit,
    );
    return rows.map(([dueAt, pauseMs]) => ({ dueAt: Number(dueAt), pauseMs: Number(pauseMs) }));
  }

  async deliveryNames(endpoint: string, limit: number, only?: string): Promise<readonly DeliveryName[]> {
    const ofKey = only === undefined ? '$4::text IS NULL' : 'key = $4';
    const rows = await this.#rows(
      `SELECT key, id FROM millrace_deliveries WHERE ${ofPartition} AND endpoint = $3 AND ${ofKey} ORDER BY key, id LIMIT $5`,
      endpoint,
      only ?? null,
      limit,
    );
    return rows.map(([key, id]) => ({ endpoint, key: String(key), id: String(id) }));
  }

  async pendingOrigins(origins: readonly string[]): Promise<readonly string[]> {
    const rows = await this.#rows(pendingText(this.#partition.pipeline), texts(origins));
    return rows.map(([origin]) => String(origin));
  }

  async #moment(text: string, ...values: readonly Parameter[]): Promise<number | null> {
    const [[moment] = []] = await this.#rows(text, ...values);
    return moment === null || moment === undefined ? null : Number(moment);
  }

  async #list(ordered: OrderedRows, sizeMax: number | undefined, ...values: readonly Parameter[]): Promise<readonly Row[]> {
    const { pipeline, slice } = this.#partition;
    const [result] = await this.#read(boundedStatement(ordered, sizeMax, [pipeline, slice, ...values]));
    return result?.rows ?? [];
  }

  /** The first two parameters are the partition's. */
  async #rows(text: string, ...values: readonly Parameter[]): Promise<readonly Row[]> {
    const { pipeline, slice } = this.#partition;
    const [result] = await this.#read({ text, values: [pipeline, slice, ...values] });
    return result?.rows ?? [];
  }
}

function boundedStatement(ordered: OrderedRows, sizeMax: number | undefined, values: readonly Parameter[]): Statement {
  if (sizeMax === undefined || sizeMax === Number.POSITIVE_INFINITY) return { text: bounded(ordered, undefined), values };
  return { text: bounded(ordered, values.length + 1), values: [...values, bytesFor(sizeMax)] };
}

const cursorText = `coalesce((SELECT max(cursor) FROM millrace_cursors WHERE ${ofPartition}), 0)`;

function progressText(pipeline: string): string {
  const { log } = tablesOf(pipeline);
  return `SELECT cursor, ${headOf(log, '$2', 'cursor')} FROM (SELECT ${cursorText} AS cursor OFFSET 0) AS settled`;
}

/** See `Standing`: also the head, then the counts. */
export function standingOf({ pipeline, slice }: PartitionId): Statement {
  const { log } = tablesOf(pipeline);
  const count = (table: string) => `(SELECT count(*) FROM ${table} WHERE ${ofPartition})`;
  return {
    text: `SELECT cursor, ${headOf(log, '$2', 'cursor')}, ${count('millrace_held')}, letters, parked,
        ${count('millrace_deliveries')}, ${count('millrace_gaps')}
      FROM (SELECT ${cursorText} AS cursor OFFSET 0) AS settled,
        (SELECT count(*) AS letters, coalesce(sum(parked), 0) AS parked FROM millrace_dead_letters WHERE ${ofPartition} AND NOT resolved) AS buried`,
    values: [pipeline, slice],
  };
}

/**
 * A lookup for each key that is asked for: in a plain join of a table that was never analysed the planner takes all keys of a slice for one,
 * and reads them all for each that is asked for.
 */
const recordRows = `SELECT asked.at, state, state_version, record.next, parked, held_from, held_to, held, gap.next AS gap_next, gap."first" AS gap_first,
    gap.since AS gap_since, coalesce(octet_length(state), 0) AS size
  FROM unnest($3::text[]) WITH ORDINALITY AS asked (key, at)
  LEFT JOIN LATERAL (SELECT * FROM millrace_keys WHERE ${ofPartition} AND key = asked.key LIMIT 1) AS record ON true
  LEFT JOIN LATERAL (SELECT * FROM millrace_gaps WHERE ${ofPartition} AND key = asked.key LIMIT 1) AS gap ON true
  LEFT JOIN LATERAL (
    SELECT min("order") AS held_from, max(position) AS held_to, count(*) AS held FROM millrace_held WHERE ${ofPartition} AND key = asked.key
  ) AS held ON true`;

function pendingText(pipeline: string): string {
  const { log } = tablesOf(pipeline);
  return `SELECT asked.origin FROM unnest($3::text[]) WITH ORDINALITY AS asked (origin, at)
    WHERE EXISTS (SELECT FROM millrace_dead_letters AS letter
        WHERE letter.pipeline = $1 AND letter.slice = $2 AND letter.origin = asked.origin AND NOT resolved)
      OR EXISTS (SELECT FROM ${log} AS log WHERE log.slice = $2 AND log.origin = asked.origin AND (
        log.position > ${cursorText}
        OR EXISTS (SELECT FROM millrace_held AS held WHERE held.pipeline = $1 AND held.slice = $2 AND held.key = log.key
          AND held."order" = coalesce(log.number, log.position))
        OR EXISTS (SELECT FROM millrace_dead_letters AS letter WHERE letter.pipeline = $1 AND letter.slice = $2
          AND letter.position = log.position)))
    ORDER BY asked.at`;
}

/** The flows of an endpoint from one on, and one more than are asked for. */
const flowsText = `flow AS (
    (SELECT flow AS name, 1 AS nth FROM millrace_deliveries WHERE ${ofPartition} AND NOT waits AND endpoint = $3 AND flow >= $4
      ORDER BY flow LIMIT 1)
    UNION ALL
    SELECT (SELECT flow FROM millrace_deliveries WHERE ${ofPartition} AND NOT waits AND endpoint = $3 AND flow > flow.name
      ORDER BY flow LIMIT 1), nth + 1 FROM flow WHERE name IS NOT NULL AND nth <= $5
  )`;

interface Flow {
  readonly name: string;
  readonly rows: readonly Row[];
}

function takeByFlow(found: readonly Flow[], flows: number, sizeMax: number): DueByFlow {
  const deliveries: StoredDelivery[] = [];
  let left = sizeMax;
  for (const [looked, { name, rows }] of found.entries()) {
    if (looked === flows || left <= 0) return { deliveries, next: name };
    const due = upTo(
      rows.map(([, ...columns]) => toDelivery(columns)),
      sizeOfDelivery,
      left,
    );
    deliveries.push(...due);
    left -= sizeOfAll(due, sizeOfDelivery);
  }
  return { deliveries, next: null };
}

/*
 * What the port makes of rows. The columns of our own tables have the types that the schema gives them.
 */

type Value = string | number | null;

function toLoggedEvent(row: Row): LoggedEvent {
  const [position, key, id, number, acceptedAt, body, traceparent, origin] = row as [
    number,
    string,
    string,
    number | null,
    number,
    string,
    string | null,
    string | null,
  ];
  return { position, key, id, number, acceptedAt, body, traceparent, origin };
}

function toHeldEvent(row: Row): HeldEvent {
  const [order, attempts, retryAt] = row.slice(8) as [number, number, number | null];
  return { ...toLoggedEvent(row), order, attempts, retryAt };
}

function toCause(row: Row): StoredCause {
  const [key, kind, name, id, dueAt, data, attempts, retryAt] = row as [
    string,
    StoredCause['kind'],
    string,
    string,
    number,
    string | null,
    number,
    number | null,
  ];
  if (kind === 'timer') return { kind, key, name, dueAt, data, attempts, retryAt };
  return { kind, key, endpoint: name, id, dueAt, data: data ?? 'null', attempts, retryAt };
}

function toKeyRecord(row: Row, causes: readonly StoredCause[]): KeyRecord {
  const [, json, version, next, parked, heldFrom, heldTo, held, gapNext, first, since] = row as Value[];
  return {
    state: json === null ? null : { json: String(json), version: Number(version) },
    next: orNull(next),
    parked: parked === 1,
    heldFrom: orNull(heldFrom),
    heldTo: orNull(heldTo),
    held: Number(held),
    gap: held === 0 || gapNext === null ? null : { next: Number(gapNext), first: Number(first), since: Number(since) },
    timers: causes.filter((cause): cause is StoredTimer => cause.kind === 'timer'),
    outcomes: causes.filter((cause): cause is StoredOutcome => cause.kind === 'outcome'),
  };
}

function orNull(value: Value | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function toDelivery(row: Row): StoredDelivery {
  const [id, key, endpoint, flow, body, url, ordered, askedAt, traceparent, attempts, dueAt] = row as [
    string,
    string,
    string,
    string,
    string,
    string | null,
    number,
    number,
    string | null,
    number,
    number | null,
  ];
  return { id, key, endpoint, flow, body, url, ordered: ordered === 1, askedAt, traceparent, attempts, dueAt };
}
