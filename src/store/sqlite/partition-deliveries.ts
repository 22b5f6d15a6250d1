import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { DeliveryWrite, StoredDelivery } from '../store.ts';
import { tablesOf } from './pipeline-tables.ts';
import { Select } from './select.ts';

type Named = Pick<StoredDelivery, 'endpoint' | 'id'>;

/**
 * Writes the deliveries of one pipeline. The ordered ones of an endpoint and key stand in a line, by their places, and
 * each row says whether it waits: the first of a line does not, all others do. So the index of those that are due never
 * leads past one that waits, and a write touches few rows however long the line is. Unordered ones stand in no line.
 */
export class PartitionDeliveries {
  readonly #insert: StatementSync;
  readonly #find: Select<[place: number, key: string, ordered: number]>;
  readonly #replace: StatementSync;
  readonly #retry: StatementSync;
  readonly #remove: Select<[key: string, ordered: number]>;
  readonly #firstTwo: Select<[place: number, waits: number]>;
  readonly #wait: StatementSync;

  constructor(db: DatabaseSync, pipeline: string) {
    const { deliveries } = tablesOf(pipeline);
    this.#insert = db.prepare(
      `INSERT INTO ${deliveries} (endpoint, id, key, ordered, waits, attempts, due_at, asked_at, url, traceparent, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint, id) DO NOTHING`,
    );
    this.#find = new Select(db, `SELECT place, key, ordered FROM ${deliveries} WHERE endpoint = ? AND id = ?`);
    this.#replace = db.prepare(
      `UPDATE ${deliveries} SET key = ?, ordered = ?, due_at = ?, url = ?, traceparent = ?, body = ? WHERE place = ?`,
    );
    this.#retry = db.prepare(`UPDATE ${deliveries} SET attempts = ?, due_at = ? WHERE endpoint = ? AND id = ?`);
    this.#remove = new Select(db, `DELETE FROM ${deliveries} WHERE endpoint = ? AND id = ? RETURNING key, ordered`);
    this.#firstTwo = new Select(
      db,
      `SELECT place, waits FROM ${deliveries} WHERE endpoint = ? AND key = ? AND ordered = 1 ORDER BY place LIMIT 2`,
    );
    this.#wait = db.prepare(`UPDATE ${deliveries} SET waits = ? WHERE place = ?`);
  }

  /** Answers by how much it changed the number of deliveries. */
  write(write: DeliveryWrite): number {
    if (write.write === 'ask') return this.#ask(write.delivery) ? 1 : 0;
    if (write.write === 'remove') return this.#take(write) ? -1 : 0;
    this.#retry.run(write.attempts, write.dueAt, write.endpoint, write.id);
    return 0;
  }

  /** Whether there was none of its endpoint and id. */
  #ask(delivery: StoredDelivery): boolean {
    const { endpoint, id, key, ordered, attempts, dueAt, askedAt, url, traceparent, body } = delivery;
    const waits = ordered && this.#firstTwo.get(endpoint, key) !== undefined;
    const flags = [Number(ordered), Number(waits)];
    const { changes } = this.#insert.run(endpoint, id, key, ...flags, attempts, dueAt, askedAt, url, traceparent, body);
    if (changes === 0) this.#askAgain(delivery);
    return changes !== 0;
  }

  /** One of that endpoint and id is there: it keeps its place. With another key it goes from one line to another. */
  #askAgain({ endpoint, id, key, ordered, dueAt, url, traceparent, body }: StoredDelivery): void {
    const [place = 0, formerKey = key, wasOrdered = 0] = this.#find.get(endpoint, id) ?? [];
    this.#replace.run(key, Number(ordered), dueAt, url, traceparent, body, place);
    if (key === formerKey && Number(ordered) === wasOrdered) return;
    this.#wait.run(Number(ordered), place);
    if (wasOrdered === 1) this.#lineUp(endpoint, formerKey);
    if (ordered) this.#lineUp(endpoint, key);
  }

  /** Whether there was one. */
  #take({ endpoint, id }: Named): boolean {
    const [key, ordered] = this.#remove.get(endpoint, id) ?? [];
    if (key !== undefined && ordered === 1) this.#lineUp(endpoint, key);
    return key !== undefined;
  }

  /** Makes a line right again after one has left or entered it: only the first two can be wrong. */
  #lineUp(endpoint: string, key: string): void {
    for (const [at, [place, waits]] of this.#firstTwo.all(endpoint, key).entries()) {
      if (waits !== at) this.#wait.run(at, place);
    }
  }
}
