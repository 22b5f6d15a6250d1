import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { hashOf, IdFilter } from './id-filter.ts';
import { tablesOf } from './schema.ts';
import { Select } from './select.ts';

/** Ids in a bucket, at least; some hundred pages, which hold what one commit adds closely together. */
const bucketMin = 8_192;
/** How much of all known ids a new bucket takes, at least, so that there are never many of them. */
const bucketShare = 1 / 32;

interface Bucket {
  readonly number: number;
  readonly filter: IdFilter;
  /** How many ids the filter was made for. */
  readonly capacity: number;
  ids: number;
  /** When its newest id was accepted. */
  newest: number;
}

/**
 * The ids that callers of one pipeline chose, exactly, with the moment at which each was accepted.
 *
 * Random ids in one index would make every insert change a page of its own, and soon read it from the disk first. So
 * they go into buckets, one after the other: only the last one grows, it is small, and those before it are read only
 * for an id that their filter, which stays in memory, does not rule out. A bucket is forgotten whole, when its newest
 * id is. What is in memory may lag behind a rollback in one way only: a filter may know too much, which costs a look-up.
 */
export class ChosenIds {
  readonly #insert: StatementSync;
  readonly #open: StatementSync;
  readonly #close: StatementSync;
  readonly #drop: StatementSync;
  readonly #dropIds: StatementSync;
  readonly #find: Select<[acceptedAt: number]>;
  readonly #list: Select<[bucket: number, capacity: number, ids: number, newest: number]>;
  readonly #filter: Select<[filter: Uint8Array | null]>;
  readonly #tail: Select<[id: string, acceptedAt: number]>;
  /** Ascending; only the last one grows. */
  #buckets: Bucket[] = [];
  /** The last number given: none is given twice, so that a filter never passes for that of another bucket. */
  #numbered = 0;

  constructor(db: DatabaseSync, pipeline: string) {
    const { ids, idBuckets } = tablesOf(pipeline);
    this.#insert = db.prepare(
      `INSERT INTO ${ids} VALUES (?, ?, ?)
       ON CONFLICT (bucket, id) DO UPDATE SET accepted_at = excluded.accepted_at WHERE accepted_at < ?`,
    );
    this.#open = db.prepare(`INSERT INTO ${idBuckets} VALUES (?, ?, 0, 0, NULL)`);
    this.#close = db.prepare(`UPDATE ${idBuckets} SET ids = ?, newest = ?, filter = ? WHERE bucket = ?`);
    this.#drop = db.prepare(`DELETE FROM ${idBuckets} WHERE bucket = ?`);
    this.#dropIds = db.prepare(`DELETE FROM ${ids} WHERE bucket = ? AND id IN (SELECT id FROM ${ids} WHERE bucket = ? LIMIT ?)`);
    this.#find = new Select(db, `SELECT accepted_at FROM ${ids} WHERE bucket = ? AND id = ?`);
    this.#list = new Select(db, `SELECT bucket, capacity, ids, newest FROM ${idBuckets} ORDER BY bucket`);
    this.#filter = new Select(db, `SELECT filter FROM ${idBuckets} WHERE bucket = ?`);
    this.#tail = new Select(db, `SELECT id, accepted_at FROM ${ids} WHERE bucket = ?`);
  }

  /** Reads what is on disk, anew after a rollback. Filters that it has it keeps. */
  reload(): void {
    const present = new Map(this.#buckets.map((bucket) => [bucket.number, bucket]));
    this.#buckets = this.#list.all().map(([number, capacity, ids, newest]) => {
      const filter = present.get(number)?.filter;
      return filter === undefined ? this.#read(number, capacity, ids, newest) : { number, filter, capacity, ids, newest };
    });
    const last = this.#buckets.at(-1);
    if (last === undefined) return;
    this.#numbered = Math.max(this.#numbered, last.number);
    if (last.ids === 0) this.#readTail(last);
  }

  /** Remembers an id; false when it was accepted at `knownSince` or later already. */
  remember(id: string, acceptedAt: number, knownSince: number): boolean {
    const hash = hashOf(id);
    const last = this.#last();
    for (const { number, filter, newest } of this.#buckets) {
      if (number === last.number || newest < knownSince || !filter.mayHave(hash)) continue;
      const [found] = this.#find.get(number, id) ?? [];
      if (found !== undefined && found >= knownSince) return false;
    }
    if (this.#insert.run(last.number, id, acceptedAt, knownSince).changes === 0) return false;
    last.filter.add(hash);
    last.ids += 1;
    last.newest = Math.max(last.newest, acceptedAt);
    return true;
  }

  /** Forgets ids that were accepted before a moment, at most `limit`; answers how many. Those that share a bucket with newer ones may stay. */
  forget(before: number, limit: number): number {
    let forgotten = 0;
    for (const bucket of [...this.#buckets]) {
      if (bucket.newest >= before) continue;
      const gone = Number(this.#dropIds.run(bucket.number, bucket.number, limit - forgotten).changes);
      forgotten += gone;
      if (forgotten === limit) break;
      this.#drop.run(bucket.number);
      this.#buckets = this.#buckets.filter((other) => other !== bucket);
    }
    return forgotten;
  }

  /** The bucket that takes the next id; a new one when the last is full. */
  #last(): Bucket {
    const last = this.#buckets.at(-1);
    if (last !== undefined && last.ids < last.capacity) return last;
    if (last !== undefined) this.#close.run(last.ids, last.newest, last.filter.bytes, last.number);
    const known = this.#buckets.reduce((total, { ids }) => total + ids, 0);
    const capacity = Math.max(bucketMin, Math.ceil(known * bucketShare));
    this.#numbered += 1;
    const next = { number: this.#numbered, filter: IdFilter.for(capacity), capacity, ids: 0, newest: 0 };
    this.#open.run(next.number, capacity);
    this.#buckets.push(next);
    return next;
  }

  #read(number: number, capacity: number, ids: number, newest: number): Bucket {
    const [bytes] = this.#filter.get(number) ?? [];
    const filter = bytes === null || bytes === undefined ? IdFilter.for(capacity) : new IdFilter(bytes);
    return { number, filter, capacity, ids, newest };
  }

  /** What the growing bucket has come to is written down only when it is full. */
  #readTail(last: Bucket): void {
    for (const [id, acceptedAt] of this.#tail.all(last.number)) {
      last.filter.add(hashOf(id));
      last.ids += 1;
      last.newest = Math.max(last.newest, acceptedAt);
    }
  }
}
