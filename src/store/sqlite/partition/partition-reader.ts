import type { DatabaseSync } from 'node:sqlite';
import { deliveryFailureOf } from '../../delivery-failure.ts';
import { sizeOfAll } from '../../list-size.ts';
import { Select } from '../../node-sqlite/select.ts';
import type { CauseBounds, DeliveryName, DeliveryOfKey, FlowQuery, GapQuery, ListBounds, Progress } from '../../store.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import {
  type CauseRow,
  type DeliveryRow,
  type DueMomentRow,
  type GapRow,
  type HeldRow,
  type KeyRow,
  type LogRow,
  sizeOfCauseRow,
  sizeOfDeliveryRow,
  sizeOfLogRow,
  toNameRow,
} from './rows.ts';

/** See `Store.dueByFlow`. */
export interface DueByFlowRows {
  readonly rows: readonly DeliveryRow[];
  readonly next: string | null;
}

type DeliveryOfKeyRow = readonly [
  id: string,
  endpoint: string,
  url: string | null,
  askedAt: number,
  attempts: number,
  dueAt: number | null,
  failure: string | null,
  failedAt: number | null,
];

type RecordRow = readonly [state: string | null, version: number | null, next: number | null, parked: number | null, block: number | null];

const noRecord: RecordRow = [null, null, null, null, null];

/** Reads the data of one pipeline. */
export class PartitionReader {
  readonly #log: Select<LogRow>;
  readonly #record: Select<RecordRow>;
  readonly #heldCount: Select<readonly [heldFrom: number | null, heldTo: number | null, held: number]>;
  readonly #held: Select<HeldRow>;
  readonly #firstHeldKey: Select<readonly [key: string | null]>;
  readonly #nextHeldKey: Select<readonly [key: string | null]>;
  readonly #gap: Select<GapRow>;
  readonly #gaps: Select<GapRow>;
  readonly #causes: Select<CauseRow>;
  readonly #firstKeyOfCauses: Select<readonly [key: string | null]>;
  readonly #dueCauses: Select<CauseRow>;
  readonly #dueCausesAfter: Select<CauseRow>;
  readonly #nextCauseDue: Select<readonly [dueAt: number | null]>;
  readonly #dueDeliveries: Select<DeliveryRow>;
  readonly #dueOfFlow: Select<DeliveryRow>;
  readonly #flowFrom: Select<readonly [flow: string | null]>;
  readonly #nextFlow: Select<readonly [flow: string | null]>;
  readonly #nextDeliveryDue: Select<readonly [dueAt: number | null]>;
  readonly #dueMoments: Select<DueMomentRow>;
  readonly #deliveryNames: Select<readonly [key: string, id: string]>;
  readonly #deliveryNamesOfKey: Select<readonly [key: string, id: string]>;
  readonly #deliveriesOfKey: Select<DeliveryOfKeyRow>;
  readonly #progress: Select<readonly [cursor: number, head: number]>;
  readonly #isPendingOrigin: Select<readonly [isPending: number]>;

  readonly #pipeline: string;

  constructor(db: DatabaseSync, pipeline: string) {
    const { log, keys, held, gaps, causes, deliveries } = tablesOf(pipeline);
    this.#log = new Select(
      db,
      `SELECT position, key, id, number, accepted_at, body, traceparent, origin FROM ${log} WHERE position > ? ORDER BY position LIMIT ?`,
    );
    this.#record = new Select(db, `SELECT state, state_version, CAST(next AS REAL), parked, block FROM ${keys} WHERE key = ?`);
    this.#heldCount = new Select(db, `SELECT min("order"), max(position), count(*) FROM ${held} WHERE key = ?`);
    this.#held = new Select(
      db,
      `SELECT log.position, log.key, log.id, log.number, log.accepted_at, log.body, log.traceparent, log.origin,
         held."order", held.attempts, held.retry_at
       FROM ${held} AS held CROSS JOIN ${log} AS log ON log.position = held.position
       WHERE held.key = ? AND held."order" >= ? ORDER BY held."order" LIMIT ?`,
    );
    this.#firstHeldKey = new Select(db, `SELECT min(key) FROM ${held}`);
    this.#nextHeldKey = new Select(db, `SELECT min(key) FROM ${held} WHERE key > ?`);
    const gap = 'key, next, "first", since';
    this.#gap = new Select(db, `SELECT ${gap} FROM ${gaps} WHERE key = ?`);
    this.#gaps = new Select(db, `SELECT ${gap} FROM ${gaps} WHERE since <= ? AND (since, key) > (?, ?) ORDER BY since, key LIMIT ?`);
    const cause = `SELECT key, kind, name, id, due_at, data, attempts, retry_at FROM ${causes}`;
    const place = 'due_at, key, kind, name, id';
    this.#causes = new Select(db, `${cause} WHERE key = ? ORDER BY kind, name, id`);
    this.#firstKeyOfCauses = new Select(db, `SELECT min(key) FROM ${causes}`);
    this.#dueCauses = new Select(db, `${cause} WHERE due_at <= ? ORDER BY ${place} LIMIT ?`);
    this.#dueCausesAfter = new Select(db, `${cause} WHERE due_at <= ? AND (${place}) > (?, ?, ?, ?, ?) ORDER BY ${place} LIMIT ?`);
    this.#nextCauseDue = new Select(db, `SELECT min(due_at) FROM ${causes} WHERE due_at > ?`);
    const delivery = `SELECT id, key, endpoint, flow, body, url, ordered, asked_at, traceparent, attempts, due_at FROM ${deliveries}`;
    this.#dueDeliveries = new Select(db, `${delivery} WHERE waits = 0 AND endpoint = ? AND due_at <= ? ORDER BY due_at, place LIMIT ?`);
    this.#dueOfFlow = new Select(
      db,
      `${delivery} WHERE waits = 0 AND endpoint = ? AND flow = ? AND due_at <= ? ORDER BY due_at, place LIMIT ?`,
    );
    this.#flowFrom = new Select(db, `SELECT min(flow) FROM ${deliveries} WHERE waits = 0 AND endpoint = ? AND flow >= ?`);
    this.#nextFlow = new Select(db, `SELECT min(flow) FROM ${deliveries} WHERE waits = 0 AND endpoint = ? AND flow > ?`);
    this.#nextDeliveryDue = new Select(db, `SELECT min(due_at) FROM ${deliveries} WHERE waits = 0 AND endpoint = ? AND due_at > ?`);
    this.#dueMoments = new Select(
      db,
      `SELECT due_at, min(pause) FROM ${deliveries} WHERE waits = 0 AND endpoint = ? AND due_at > ? GROUP BY due_at ORDER BY due_at LIMIT ?`,
    );
    this.#deliveryNames = new Select(db, `SELECT key, id FROM ${deliveries} WHERE endpoint = ? ORDER BY key, id LIMIT ?`);
    this.#deliveryNamesOfKey = new Select(db, `SELECT key, id FROM ${deliveries} WHERE endpoint = ? AND key = ? ORDER BY id LIMIT ?`);
    this.#deliveriesOfKey = new Select(
      db,
      `SELECT id, endpoint, url, asked_at, attempts, due_at, failure, failed_at FROM ${deliveries}
       WHERE endpoint = ? AND key = ? ORDER BY id LIMIT ?`,
    );
    // Deleted events are settled, so the head is at least the cursor.
    this.#progress = new Select(
      db,
      `SELECT cursor, max(cursor, coalesce((SELECT max(position) FROM ${log}), 0))
       FROM (SELECT coalesce((SELECT cursor FROM millrace_partitions WHERE pipeline = ?), 0) AS cursor)`,
    );
    this.#isPendingOrigin = new Select(
      db,
      `SELECT EXISTS (SELECT 1 FROM millrace_dead_letters WHERE pipeline = ?1 AND origin = ?2 AND resolved = 0)
         OR EXISTS (SELECT 1 FROM ${log} AS log WHERE log.origin = ?2 AND (
           log.position > coalesce((SELECT cursor FROM millrace_partitions WHERE pipeline = ?1), 0)
           OR EXISTS (SELECT 1 FROM ${held} AS held WHERE held.key = log.key AND held."order" = coalesce(log.number, log.position))
           OR EXISTS (SELECT 1 FROM millrace_dead_letters AS letter WHERE letter.pipeline = ?1 AND letter.position = log.position)))`,
    );
    this.#pipeline = pipeline;
  }

  progress(): Progress {
    const [cursor, head] = this.#progress.get(this.#pipeline) ?? [0, 0];
    return { cursor, head };
  }

  read(after: number, limit: number, bounds?: ListBounds): readonly LogRow[] {
    return this.#log.upTo(bounds?.charactersMax, sizeOfLogRow, after, limit);
  }

  /** Reads the data of keys. If no key has a held event, or none has a timer or outcome, it searches no key for one. */
  load(keys: readonly string[]): IteratorObject<KeyRow> {
    const [firstHeldKey] = this.#firstHeldKey.get() ?? [null];
    const [firstKeyOfCauses] = this.#firstKeyOfCauses.get() ?? [null];
    return keys.values().map((key): KeyRow => {
      const [heldFrom, heldTo, held] = (firstHeldKey === null ? undefined : this.#heldCount.get(key)) ?? [null, null, 0];
      const gap = held === 0 ? null : (this.#gap.get(key) ?? null);
      const causes = firstKeyOfCauses === null ? [] : this.#causes.all(key);
      return [...(this.#record.get(key) ?? noRecord), heldFrom, heldTo, held, gap, causes];
    });
  }

  held(key: string, from: number, limit: number, bounds?: ListBounds): readonly HeldRow[] {
    return this.#held.upTo(bounds?.charactersMax, sizeOfLogRow, key, from, limit);
  }

  /** Jumps from key to key: a key may hold thousands of events. */
  heldKeys(after: string | null, limit: number): readonly string[] {
    const keys: string[] = [];
    let key = after;
    while (keys.length < limit) {
      key = (key === null ? this.#firstHeldKey.get() : this.#nextHeldKey.get(key))?.[0] ?? null;
      if (key === null) break;
      keys.push(key);
    }
    return keys;
  }

  gaps({ until, after, limit }: GapQuery): readonly GapRow[] {
    return this.#gaps.all(until ?? Number.MAX_SAFE_INTEGER, after?.since ?? Number.MIN_SAFE_INTEGER, after?.key ?? '', limit);
  }

  dueCauses(dueBy: number, limit: number, { after, charactersMax }: CauseBounds = {}): readonly CauseRow[] {
    if (after === undefined) return this.#dueCauses.upTo(charactersMax, sizeOfCauseRow, dueBy, limit);
    return this.#dueCausesAfter.upTo(charactersMax, sizeOfCauseRow, dueBy, after.dueAt, ...toNameRow(after), limit);
  }

  nextCauseDue(after: number): number | null {
    return this.#nextCauseDue.get(after)?.[0] ?? null;
  }

  dueDeliveries(endpoint: string, dueBy: number, limit: number, bounds?: ListBounds): readonly DeliveryRow[] {
    return this.#dueDeliveries.upTo(bounds?.charactersMax, sizeOfDeliveryRow, endpoint, dueBy, limit);
  }

  /** Jumps from flow to flow: one may have a hundred thousand deliveries. */
  dueByFlow({ endpoint, dueBy, from, flows, each, charactersMax = Number.POSITIVE_INFINITY }: FlowQuery): DueByFlowRows {
    const rows: DeliveryRow[] = [];
    let flow = this.#flowFrom.get(endpoint, from ?? '')?.[0] ?? null;
    let left = charactersMax;
    for (let looked = 0; looked < flows && flow !== null && left > 0; looked += 1) {
      const due = this.#dueOfFlow.upTo(left, sizeOfDeliveryRow, endpoint, flow, dueBy, each);
      rows.push(...due);
      left -= sizeOfAll(due, sizeOfDeliveryRow);
      flow = this.#nextFlow.get(endpoint, flow)?.[0] ?? null;
    }
    return { rows, next: flow };
  }

  nextDeliveryDue(endpoint: string, after: number): number | null {
    return this.#nextDeliveryDue.get(endpoint, after)?.[0] ?? null;
  }

  dueMoments(endpoint: string, after: number, limit: number): readonly DueMomentRow[] {
    return this.#dueMoments.all(endpoint, after, limit);
  }

  deliveryNames(endpoint: string, limit: number, only?: string): readonly DeliveryName[] {
    const names = only === undefined ? this.#deliveryNames.all(endpoint, limit) : this.#deliveryNamesOfKey.all(endpoint, only, limit);
    return names.map(([key, id]) => ({ endpoint, key, id }));
  }

  deliveriesOfKey(endpoint: string, key: string, limit: number): readonly DeliveryOfKey[] {
    const rows = this.#deliveriesOfKey.all(endpoint, key, limit);
    return rows.map(([id, endpoint, url, askedAt, attempts, dueAt, failure, failedAt]) => ({
      ...{ id, endpoint, url, askedAt, attempts, dueAt },
      lastFailure: deliveryFailureOf(failure, failedAt),
    }));
  }

  pendingOrigins(origins: readonly string[]): readonly string[] {
    return origins.filter((origin) => this.#isPendingOrigin.get(this.#pipeline, origin)?.[0] === 1);
  }
}
