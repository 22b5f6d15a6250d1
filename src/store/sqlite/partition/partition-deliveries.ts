import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import type { DeliveryName, DeliveryWrite, StoredDelivery } from '../../store.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';

/**
 * Writes the deliveries of one pipeline. The ordered ones of an endpoint and key form a line, by place, and each row says whether it waits:
 * the first of a line does not, all others do. So the index of due deliveries never leads past a waiting one, and a write touches few rows
 * however long the line is. Unordered ones are in no line.
 */
export class PartitionDeliveries {
  readonly #insert: StatementSync;
  readonly #find: Select<[place: number, ordered: number]>;
  readonly #replace: StatementSync;
  readonly #retry: StatementSync;
  readonly #remove: Select<[ordered: number]>;
  readonly #firstTwo: Select<[place: number, waits: number]>;
  readonly #wait: StatementSync;

  constructor(db: DatabaseSync, pipeline: string) {
    const { deliveries } = tablesOf(pipeline);
    this.#insert = db.prepare(
      `INSERT INTO ${deliveries} (endpoint, id, key, flow, ordered, waits, attempts, due_at, asked_at, url, traceparent, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint, key, id) DO NOTHING`,
    );
    this.#find = new Select(db, `SELECT place, ordered FROM ${deliveries} WHERE endpoint = ? AND key = ? AND id = ?`);
    this.#replace = db.prepare(
      `UPDATE ${deliveries} SET flow = ?, ordered = ?, due_at = coalesce(due_at, ?), url = ?, traceparent = ?, body = ? WHERE place = ?`,
    );
    this.#retry = db.prepare(
      `UPDATE ${deliveries} SET attempts = ?, due_at = ?, pause = ?, failure = coalesce(?, failure), failed_at = coalesce(?, failed_at)
       WHERE endpoint = ? AND key = ? AND id = ?`,
    );
    this.#remove = new Select(db, `DELETE FROM ${deliveries} WHERE endpoint = ? AND key = ? AND id = ? RETURNING ordered`);
    this.#firstTwo = new Select(
      db,
      `SELECT place, waits FROM ${deliveries} WHERE endpoint = ? AND key = ? AND ordered = 1 ORDER BY place LIMIT 2`,
    );
    this.#wait = db.prepare(`UPDATE ${deliveries} SET waits = ? WHERE place = ?`);
  }

  /** Returns the change in the number of deliveries. */
  write(write: DeliveryWrite): number {
    switch (write.write) {
      case 'ask':
        return this.#insertOne(write.delivery) || this.#replaceOne(write.delivery);
      case 'restore':
        return this.#insertOne(write.delivery);
      case 'remove':
        return this.#take(write);
      case 'retry':
        this.#retryOne(write);
        return 0;
    }
  }

  #retryOne({ attempts, dueAt, pauseMs, failure, endpoint, key, id }: DeliveryWrite & { readonly write: 'retry' }): void {
    this.#retry.run(attempts, dueAt, pauseMs, failure?.reason ?? null, failure?.at ?? null, endpoint, key, id);
  }

  #insertOne(delivery: StoredDelivery): number {
    const { endpoint, id, key, flow, ordered, attempts, dueAt, askedAt, url, traceparent, body } = delivery;
    const waits = ordered && this.#firstTwo.get(endpoint, key) !== undefined;
    const flags = [Number(ordered), Number(waits)];
    return Number(this.#insert.run(endpoint, id, key, flow, ...flags, attempts, dueAt, askedAt, url, traceparent, body).changes);
  }

  /** Updates an existing one of that name, which keeps its place. */
  #replaceOne({ endpoint, id, key, flow, ordered, dueAt, url, traceparent, body }: StoredDelivery): number {
    const [place = 0, wasOrdered = 0] = this.#find.get(endpoint, key, id) ?? [];
    this.#replace.run(flow, Number(ordered), dueAt, url, traceparent, body, place);
    if (Number(ordered) === wasOrdered) return 0;
    // The endpoint has changed its order: the delivery enters the line, or leaves it.
    this.#wait.run(Number(ordered), place);
    this.#lineUp(endpoint, key);
    return 0;
  }

  #take({ endpoint, key, id }: DeliveryName): number {
    const [ordered] = this.#remove.get(endpoint, key, id) ?? [];
    if (ordered === 1) this.#lineUp(endpoint, key);
    return ordered === undefined ? 0 : -1;
  }

  /** Corrects a line after a delivery has left or entered it: only the first two can be wrong. */
  #lineUp(endpoint: string, key: string): void {
    for (const [at, [place, waits]] of this.#firstTwo.all(endpoint, key).entries()) {
      if (waits !== at) this.#wait.run(at, place);
    }
  }
}
