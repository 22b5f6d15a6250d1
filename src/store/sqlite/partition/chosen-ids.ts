import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import { bucketsPerFilter, hashOf, IdFilter } from './id-filter.ts';

/** Minimum ids per bucket; some hundred pages, which keep one commit's additions close together. */
const bucketMin = 8_192;
/** Maximum ids per bucket, so that closing it takes the writer a few milliseconds. */
const bucketMax = 131_072;

interface Bucket {
  /** Unique, so that buckets cannot be confused. */
  readonly number: number;
  /** Maximum number of ids. */
  readonly capacity: number;
  ids: number;
  /** The acceptance time of its newest id. */
  newest: number;
}

/** Buckets with consecutive numbers and equal capacity, behind one filter. */
interface Shelf {
  readonly filter: IdFilter;
  readonly capacity: number;
  /** Each at the index of its number; some may have been deleted. */
  readonly buckets: (Bucket | undefined)[];
}

/**
 * The exact set of ids chosen by one pipeline's callers, with the moment each was accepted.
 *
 * With random ids in one index every insert would change a different page, and soon have to read it from disk first. So they go into
 * buckets, one after another: only the last one grows, and it is small; earlier ones are read only for an id that their in-memory filters
 * (two bytes an id) do not rule out. The more ids are known, the larger a new shelf, so that there are never many. A bucket is deleted as a
 * whole, together with its newest id. After a rollback memory may differ from the disk in one way only: it may overestimate the contents of
 * a bucket or a filter. That costs a look-up, or closes the bucket early.
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
  #shelves = new Map<number, Shelf>();
  /** The growing one. */
  #last: Bucket | undefined;
  #numbered = -1;

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

  /** Reads the state on disk, again after a rollback. Existing filters are kept. */
  reload(): void {
    const known = this.#shelves;
    this.#shelves = new Map();
    this.#last = undefined;
    for (const [number, capacity, ids, newest] of this.#list.all()) {
      const place = placeOf(number);
      const before = known.get(shelfOf(number));
      const isKnown = before?.capacity === capacity;
      const shelf = this.#shelf(number, capacity, isKnown ? before.filter : undefined);
      const bucket = (isKnown ? before.buckets[place] : undefined) ?? this.#read(shelf.filter, { number, capacity, ids, newest });
      shelf.buckets[place] = bucket;
      this.#last = bucket;
      this.#numbered = Math.max(this.#numbered, number);
    }
  }

  /** Remembers an id; returns false if it was already accepted at `knownSince` or later. */
  remember(id: string, acceptedAt: number, knownSince: number): boolean {
    const hash = hashOf(id);
    const last = this.#growing();
    for (const { filter, buckets } of this.#shelves.values()) {
      for (let places = filter.placesOf(hash); places !== 0; places &= places - 1) {
        const bucket = buckets[31 - Math.clz32(places & -places)];
        if (bucket !== undefined && bucket !== last && this.#knows(bucket, id, knownSince)) return false;
      }
    }
    if (this.#insert.run(last.number, id, acceptedAt, knownSince).changes === 0) return false;
    this.#shelves.get(shelfOf(last.number))?.filter.add(placeOf(last.number), hash);
    last.ids += 1;
    last.newest = Math.max(last.newest, acceptedAt);
    return true;
  }

  /** Deletes ids accepted before a moment, at most `limit`; returns how many. Those that share a bucket with newer ones may stay. */
  forget(before: number, limit: number): number {
    let forgotten = 0;
    for (const bucket of this.#all) {
      if (bucket.newest >= before) continue;
      forgotten += Number(this.#dropIds.run(bucket.number, bucket.number, limit - forgotten).changes);
      if (forgotten === limit) break;
      this.#forgetBucket(bucket);
    }
    return forgotten;
  }

  get #all(): readonly Bucket[] {
    return Array.from(this.#shelves.values(), ({ buckets }) => buckets.filter((bucket) => bucket !== undefined)).flat();
  }

  #knows({ number, newest }: Bucket, id: string, knownSince: number): boolean {
    if (newest < knownSince) return false;
    const [acceptedAt] = this.#find.get(number, id) ?? [];
    return acceptedAt !== undefined && acceptedAt >= knownSince;
  }

  /** Returns the bucket for the next id; a new one if the last is full. */
  #growing(): Bucket {
    const last = this.#last;
    if (last !== undefined && last.ids < last.capacity) return last;
    if (last !== undefined) {
      const filter = this.#shelves.get(shelfOf(last.number))?.filter.bytesOf(placeOf(last.number)) ?? null;
      this.#close.run(last.ids, last.newest, filter, last.number);
    }
    this.#numbered += 1;
    const number = this.#numbered;
    const { buckets, capacity } = this.#shelf(number, this.#newCapacity());
    const next = { number, capacity, ids: 0, newest: 0 };
    this.#open.run(number, capacity);
    buckets[placeOf(number)] = next;
    this.#last = next;
    return next;
  }

  /** Returns the shelf of a bucket, created if missing. */
  #shelf(number: number, capacity: number, filter = new IdFilter(capacity)): Shelf {
    const present = this.#shelves.get(shelfOf(number));
    if (present !== undefined) return present;
    const shelf = { filter, capacity, buckets: new Array<Bucket | undefined>(bucketsPerFilter).fill(undefined) };
    this.#shelves.set(shelfOf(number), shelf);
    return shelf;
  }

  /** A new shelf has room for as many ids as are known. */
  #newCapacity(): number {
    const known = this.#all.reduce((total, { ids }) => total + ids, 0);
    return Math.min(bucketMax, Math.max(bucketMin, 2 ** Math.ceil(Math.log2(known / bucketsPerFilter))));
  }

  #forgetBucket(bucket: Bucket): void {
    this.#drop.run(bucket.number);
    if (bucket === this.#last) this.#last = undefined;
    const shelf = this.#shelves.get(shelfOf(bucket.number));
    if (shelf === undefined) return;
    shelf.buckets[placeOf(bucket.number)] = undefined;
    if (shelf.buckets.every((other) => other === undefined)) this.#shelves.delete(shelfOf(bucket.number));
  }

  /** Reads a bucket that is not in memory. The growing one's contents are recorded only when it is full. */
  #read(filter: IdFilter, bucket: Bucket): Bucket {
    const place = placeOf(bucket.number);
    const [bytes] = this.#filter.get(bucket.number) ?? [];
    if (bytes !== null && bytes !== undefined) {
      filter.restore(place, bytes);
      return bucket;
    }
    for (const [id, acceptedAt] of this.#tail.all(bucket.number)) {
      filter.add(place, hashOf(id));
      bucket.ids += 1;
      bucket.newest = Math.max(bucket.newest, acceptedAt);
    }
    return bucket;
  }
}

function shelfOf(bucket: number): number {
  return Math.floor(bucket / bucketsPerFilter);
}

function placeOf(bucket: number): number {
  return bucket % bucketsPerFilter;
}
