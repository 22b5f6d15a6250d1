import { deliveryFailureOf } from '../../delivery-failure.ts';
import { sizeOfAll, sizeOfCause, sizeOfDelivery, sizeOfEvent, sizeOfRecord, upTo } from '../../list-size.ts';
import type {
  BlocksQuery,
  CauseBounds,
  DeliveriesQuery,
  DeliveryName,
  DeliveryOfKey,
  DueByFlow,
  DueMoment,
  EventAt,
  FlowQuery,
  GapQuery,
  HeldEvent,
  KeyRecord,
  KeySummary,
  KeysQuery,
  ListBounds,
  ListedDelivery,
  ListedTimer,
  LoggedEvent,
  PartitionId,
  Progress,
  StoredCause,
  StoredDelivery,
  StoredGap,
  StoredOutcome,
  StoredTimer,
  TimersQuery,
} from '../../store.ts';
import { compareText } from '../../text-order.ts';
import type { Parameter, Row } from '../connection/statement.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import type { ReadStatements } from '../statements.ts';
import { causeNameOf } from '../write/commit-parts.ts';
import { bytesFor, type Read } from './bounded.ts';
import { keyListStatement, toKeySummary } from './key-list.ts';
import { deliveryListStatement, timerListStatement, toListedDelivery, toListedTimer } from './lists-of-waiting.ts';

const ofPartition = 'pipeline = $1 AND slice = $2';
const event = 'position, "key", id, number, accepted_at, body, traceparent, origin';
const cause = '"key", kind, name, id, due_at, data, attempts, retry_at';
const delivery = 'id, "key", endpoint, flow, body, url, ordered, asked_at, traceparent, attempts, due_at';

/** Reads the data of one partition. */
export class PartitionReads {
  readonly #read: Read;
  readonly #statements: ReadStatements;
  readonly #partition: PartitionId;

  constructor(read: Read, statements: ReadStatements, partition: PartitionId) {
    this.#read = read;
    this.#statements = statements;
    this.#partition = partition;
  }

  /** Deleted events are settled, so the head is at least the cursor. */
  async progress(): Promise<Progress> {
    const [found] = await this.#read(this.#statements.progress(this.#partition));
    const [cursor, head] = found?.rows[0] ?? [];
    return { cursor: Number(cursor), head: Number(head) };
  }

  async read(after: number, limit: number, { charactersMax: sizeMax }: ListBounds = {}): Promise<readonly LoggedEvent[]> {
    const { pipeline, slice } = this.#partition;
    const text = this.#statements.log(tablesOf(pipeline).log, event.split(', '));
    const [found] = await this.#read({ text, values: [slice, after, limit, bytesFor(sizeMax)] });
    return upTo((found?.rows ?? []).map(toLoggedEvent), sizeOfEvent, sizeMax);
  }

  async load(keys: readonly string[], { charactersMax: sizeMax }: ListBounds = {}): Promise<readonly KeyRecord[]> {
    if (keys.length === 0) return [];
    const { pipeline, slice } = this.#partition;
    const { list, records: recordsText, causesOfKeys } = this.#statements;
    const [records, causes] = await this.#read(
      { text: recordsText, values: [pipeline, slice, list(keys), bytesFor(sizeMax)] },
      { text: causesOfKeys(cause), values: [pipeline, slice, list(Array.from(new Set(keys)))] },
    );
    const byKey = Map.groupBy((causes?.rows ?? []).map(toCause).toSorted(byName), ({ key }) => key);
    const found = (records?.rows ?? []).map((row) => toKeyRecord(row, byKey.get(keys[Number(row[0]) - 1] ?? '') ?? []));
    return upTo(found, sizeOfRecord, sizeMax);
  }

  async held(key: string, from: number, limit: number, { charactersMax }: ListBounds = {}): Promise<readonly HeldEvent[]> {
    const asked = { partition: this.#partition, key, from, limit, charactersMax };
    const [found] = await this.#read(this.#statements.held(asked, `${event}, "order", attempts, retry_at`));
    return upTo((found?.rows ?? []).map(toHeldEvent), sizeOfEvent, charactersMax);
  }

  async heldKeys(after: string | null, limit: number): Promise<readonly string[]> {
    const rows = await this.#rows(this.#statements.heldKeys(after !== null), limit, ...(after === null ? [] : [after]));
    return rows.map(([key]) => String(key));
  }

  async keys(query: KeysQuery): Promise<readonly KeySummary[]> {
    const [found] = await this.#read(keyListStatement(this.#statements, this.#partition, query));
    return (found?.rows ?? []).map(toKeySummary);
  }

  async gaps({ until, after, limit }: GapQuery): Promise<readonly StoredGap[]> {
    const behind = after === undefined ? '' : 'AND since >= $5 AND (since > $5 OR "key" > $6)';
    const rows = await this.#rows(
      `SELECT "key", next, "first", since FROM millrace_gaps
       WHERE ${ofPartition} AND since <= $3 ${behind} ORDER BY since, "key" LIMIT $4`,
      until ?? Number.MAX_SAFE_INTEGER,
      limit,
      ...(after === undefined ? [] : [after.since, after.key]),
    );
    return rows.map(([key, next, first, since]) => ({
      key: String(key),
      next: Number(next),
      first: Number(first),
      since: Number(since),
    }));
  }

  async dueCauses(dueBy: number, limit: number, { after, charactersMax }: CauseBounds = {}): Promise<readonly StoredCause[]> {
    const asked = { partition: this.#partition, dueBy, limit, after, charactersMax };
    const [found] = await this.#read(this.#statements.dueCauses(asked, cause));
    const causes = (found?.rows ?? []).map(toCause).toSorted(byPlace).slice(0, limit);
    return upTo(causes, sizeOfCause, charactersMax);
  }

  async nextCauseDue(after: number): Promise<number | null> {
    return this.#moment(`SELECT min(due_at) FROM millrace_causes WHERE ${ofPartition} AND due_at > $3`, after);
  }

  async dueDeliveries(
    endpoint: string,
    dueBy: number,
    limit: number,
    { charactersMax }: ListBounds = {},
  ): Promise<readonly StoredDelivery[]> {
    const asked = { partition: this.#partition, endpoint, dueBy, limit, charactersMax };
    const [found] = await this.#read(this.#statements.dueDeliveries(asked, delivery));
    return upTo((found?.rows ?? []).map(toDelivery), sizeOfDelivery, charactersMax);
  }

  async dueByFlow({ endpoint, dueBy, from, flows, each, charactersMax = Number.POSITIVE_INFINITY }: FlowQuery): Promise<DueByFlow> {
    const names = (await this.#rows(this.#statements.flows, endpoint, from ?? '', flows + 1)).map(([name]) => String(name));
    const looked = names.slice(0, flows);
    if (looked.length === 0) return { deliveries: [], next: null };
    const asked = { partition: this.#partition, endpoint, flows: looked, dueBy, each, charactersMax };
    const [due] = await this.#read(this.#statements.dueOfFlows(asked, delivery));
    const byFlow = Map.groupBy(due?.rows ?? [], ([nth]) => Number(nth) - 1);
    return takeByFlow(
      names.map((name, nth) => ({ name, rows: byFlow.get(nth) ?? [] })),
      flows,
      charactersMax,
    );
  }

  async nextDeliveryDue(endpoint: string, after: number): Promise<number | null> {
    return this.#moment(
      `SELECT min(due_at) FROM millrace_deliveries WHERE ${ofPartition} AND waits = false AND endpoint = $3 AND due_at > $4`,
      endpoint,
      after,
    );
  }

  async dueMoments(endpoint: string, after: number, limit: number): Promise<readonly DueMoment[]> {
    const rows = await this.#rows(
      `SELECT due_at, min(pause) FROM millrace_deliveries WHERE ${ofPartition} AND waits = false AND endpoint = $3 AND due_at > $4
       GROUP BY due_at ORDER BY due_at LIMIT $5`,
      endpoint,
      after,
      limit,
    );
    return rows.map(([dueAt, pauseMs]) => ({ dueAt: Number(dueAt), pauseMs: Number(pauseMs) }));
  }

  async deliveryNames(endpoint: string, limit: number, only?: string): Promise<readonly DeliveryName[]> {
    const ofKey = only === undefined ? '' : 'AND "key" = $5';
    const rows = await this.#rows(
      `SELECT "key", id FROM millrace_deliveries WHERE ${ofPartition} AND endpoint = $3 ${ofKey} ORDER BY "key", id LIMIT $4`,
      endpoint,
      limit,
      ...(only === undefined ? [] : [only]),
    );
    return rows.map(([key, id]) => ({ endpoint, key: String(key), id: String(id) }));
  }

  async deliveriesOfKey(endpoint: string, key: string, limit: number): Promise<readonly DeliveryOfKey[]> {
    const rows = await this.#rows(
      `SELECT id, url, asked_at, attempts, due_at, failure, failed_at FROM millrace_deliveries
       WHERE ${ofPartition} AND endpoint = $3 AND "key" = $4 ORDER BY id LIMIT $5`,
      endpoint,
      key,
      limit,
    );
    return rows.map(([id, url, askedAt, attempts, dueAt, failure, failedAt]) => ({
      id: String(id),
      endpoint,
      url: url === null ? null : String(url),
      askedAt: Number(askedAt),
      attempts: Number(attempts),
      dueAt: dueAt === null ? null : Number(dueAt),
      lastFailure: deliveryFailureOf(failure, failedAt),
    }));
  }

  async timers(query: TimersQuery): Promise<readonly ListedTimer[]> {
    const [found] = await this.#read(timerListStatement(this.#partition, query));
    return (found?.rows ?? []).map(toListedTimer);
  }

  async deliveries(query: DeliveriesQuery): Promise<readonly ListedDelivery[]> {
    const [found] = await this.#read(deliveryListStatement(this.#partition, query));
    return (found?.rows ?? []).map(toListedDelivery);
  }

  async blocksOfKey(key: string, { before, limit }: BlocksQuery): Promise<readonly number[]> {
    const ofKey = `${ofPartition} AND "key" = $3 AND block < $4`;
    const text = `SELECT block FROM millrace_keys WHERE ${ofKey} UNION
      (SELECT block FROM millrace_key_blocks WHERE ${ofKey} ORDER BY block DESC LIMIT $5) ORDER BY block DESC LIMIT $5`;
    return (await this.#rows(text, key, before, limit)).map(([block]) => Number(block));
  }

  async block(block: number): Promise<string | null> {
    const [row] = await this.#rows(`SELECT text FROM millrace_blocks WHERE ${ofPartition} AND block = $3`, block);
    return row === undefined ? null : String(row[0]);
  }

  async eventsAt(positions: readonly number[]): Promise<readonly EventAt[]> {
    if (positions.length === 0) return [];
    const { pipeline, slice } = this.#partition;
    const places = positions.map((position) => ({ slice, position }));
    const [found] = await this.#read(this.#statements.events(pipeline, places, 'id, number, accepted_at'));
    return (found?.rows ?? []).map(([, position, id, number, acceptedAt]) => ({
      position: Number(position),
      id: String(id),
      number: number === null ? null : Number(number),
      acceptedAt: Number(acceptedAt),
    }));
  }

  async pendingOrigins(origins: readonly string[]): Promise<readonly string[]> {
    const rows = await this.#rows(this.#statements.pendingOrigins(this.#partition.pipeline), this.#statements.list(origins));
    return rows.map(([origin]) => String(origin));
  }

  async #moment(text: string, ...values: readonly Parameter[]): Promise<number | null> {
    const [[moment] = []] = await this.#rows(text, ...values);
    return moment === null || moment === undefined ? null : Number(moment);
  }

  /** The first two parameters are the partition's. */
  async #rows(text: string, ...values: readonly Parameter[]): Promise<readonly Row[]> {
    const { pipeline, slice } = this.#partition;
    const [result] = await this.#read({ text, values: [pipeline, slice, ...values] });
    return result?.rows ?? [];
  }
}

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

/* Converts rows to the port's types. The columns of our own tables have the types of the schema. */

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

/** Orders by moment, then by key and name. */
function byPlace(a: StoredCause, b: StoredCause): number {
  return a.dueAt - b.dueAt || byName(a, b);
}

/** Orders the causes of a key; those of several come key by key. */
function byName(a: StoredCause, b: StoredCause): number {
  const [one, other] = [causeNameOf(a), causeNameOf(b)];
  for (const [at, part] of one.entries()) {
    const order = compareText(part, other[at] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

function toKeyRecord(row: Row, causes: readonly StoredCause[]): KeyRecord {
  const [, json, version, next, parked, heldFrom, heldTo, held, gapNext, first, since, block] = row as Value[];
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
    ...(block !== null && { block: Number(block) }),
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
