import type { DatabaseSync } from 'node:sqlite';
import { deliveryFailureOf } from '../../delivery-failure.ts';
import { keyRangeOf } from '../../key-range.ts';
import { Select } from '../../node-sqlite/select.ts';
import type { DeliveriesQuery, ListedDelivery, ListedTimer, TimersQuery } from '../../store.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';

type TimerRow = readonly [key: string, name: string, dueAt: number, attempts: number, retryAt: number | null];
type DeliveryRow = readonly [
  key: string,
  id: string,
  endpoint: string,
  url: string | null,
  askedAt: number,
  attempts: number,
  dueAt: number | null,
  failure: string | null,
  failedAt: number | null,
];

/** Lists the pending items of one pipeline: its timers and its deliveries. */
export class WaitingListReader {
  readonly #timers: Select<TimerRow>;
  readonly #timersFrom: Select<TimerRow>;
  readonly #deliveries: Select<DeliveryRow>;
  readonly #deliveriesOfKey: Select<DeliveryRow>;

  constructor(db: DatabaseSync, pipeline: string) {
    const { causes, deliveries } = tablesOf(pipeline);
    const timers = (behind: string) =>
      new Select<TimerRow>(
        db,
        `SELECT key, name, due_at, attempts, retry_at FROM ${causes}
         WHERE kind = 'timer' AND due_at < ?1 AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR key >= ?3) AND (?4 IS NULL OR key < ?4) ${behind}
         ORDER BY due_at, key, name LIMIT ?5`,
      );
    this.#timers = timers('');
    this.#timersFrom = timers('AND (due_at, key, name) > (?6, ?7, ?8)');
    const delivery = `SELECT key, id, endpoint, url, asked_at, attempts, due_at, failure, failed_at FROM ${deliveries} WHERE endpoint = ?1`;
    this.#deliveries = new Select(db, `${delivery} AND (key, id) > (?2, ?3) AND (?4 IS NULL OR id = ?4) ORDER BY key, id LIMIT ?5`);
    this.#deliveriesOfKey = new Select(
      db,
      `${delivery} AND (key, id) > (?2, ?3) AND (?4 IS NULL OR id = ?4) AND key = ?6 ORDER BY id LIMIT ?5`,
    );
  }

  timers({ name, prefix, before = Number.MAX_SAFE_INTEGER, after, limit }: TimersQuery): readonly ListedTimer[] {
    const { from, below } = prefix === undefined ? { from: null, below: null } : keyRangeOf({ prefix });
    const asked = [before, name ?? null, from, below ?? null, limit] as const;
    const rows = after === undefined ? this.#timers.all(...asked) : this.#timersFrom.all(...asked, after.dueAt, after.key, after.name);
    return rows.map(([key, name, dueAt, attempts, retryAt]) => ({ key, name, dueAt, attempts, retryAt }));
  }

  /** No key is empty, so all come after the empty place. */
  deliveries({ endpoint, key: only, id: own, after = { key: '', id: '' }, limit }: DeliveriesQuery): readonly ListedDelivery[] {
    const asked = [endpoint, after.key, after.id, own ?? null, limit] as const;
    const rows = only === undefined ? this.#deliveries.all(...asked) : this.#deliveriesOfKey.all(...asked, only);
    return rows.map(([key, id, endpoint, url, askedAt, attempts, dueAt, failure, failedAt]) => ({
      ...{ key, id, endpoint, url, askedAt, attempts, dueAt },
      lastFailure: deliveryFailureOf(failure, failedAt),
    }));
  }
}
