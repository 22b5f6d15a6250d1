import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../errors.ts';
import { Select } from '../node-sqlite/select.ts';
import type { DeliveryOfKey, HeldEvent, KeyRecord, KeySummary, KeysQuery } from '../store.ts';
import { KeyListReader } from './partition/key-list-reader.ts';
import { PartitionReader } from './partition/partition-reader.ts';
import { toHeldEvent, toKeyRecord } from './partition/rows.ts';
import { pipelinesOf, tablesOf } from './schema/pipeline-tables.ts';

/** A key as stored in a file. */
export interface KeyOfFile extends KeySummary {
  readonly record: KeyRecord;
}

/** Everything shown about one key. */
export interface KeyOfFileDetails extends KeyOfFile {
  /** The first of its held events. */
  readonly heldEvents: readonly HeldEvent[];
  readonly deliveries: readonly DeliveryOfKey[];
}

const shownMax = 20;

/** Reads the keys of a pipeline from a database file without the program, and so without knowing what the pipeline declares. */
export class KeysOfFile {
  readonly #db: DatabaseSync;
  readonly #pipeline: string;
  readonly #list: KeyListReader;
  readonly #partition: PartitionReader;

  /** Throws `MILL_NOT_FOUND` for a pipeline of which nothing is stored. */
  constructor(db: DatabaseSync, pipeline: string) {
    checkStored(db, pipeline);
    this.#db = db;
    this.#pipeline = pipeline;
    this.#list = new KeyListReader(db, pipeline);
    this.#partition = new PartitionReader(db, pipeline);
  }

  list(query: KeysQuery): readonly KeyOfFile[] {
    const summaries = this.#list.read(query);
    const records = Array.from(this.#partition.load(summaries.map(({ key }) => key)), toKeyRecord);
    return summaries.flatMap((summary, at) => {
      const record = records[at];
      return record === undefined ? [] : [{ ...summary, record }];
    });
  }

  /** Returns undefined for a key without a state, number, waiting event, timer or outcome. */
  find(key: string): KeyOfFileDetails | undefined {
    const found = this.list({ prefix: key, limit: 1 }).find((one) => one.key === key);
    if (found === undefined) return undefined;
    const { deliveries } = tablesOf(this.#pipeline);
    const endpoints = new Select<[string]>(this.#db, `SELECT DISTINCT endpoint FROM ${deliveries} WHERE key = ?`).all(key);
    return {
      ...found,
      heldEvents: this.#partition.held(key, 0, shownMax).map(toHeldEvent),
      deliveries: endpoints.flatMap(([endpoint]) => this.#partition.deliveriesOfKey(endpoint, key, shownMax)),
    };
  }
}

/** Throws `MILL_NOT_FOUND` for a pipeline of which nothing is stored. */
export function checkStored(db: DatabaseSync, pipeline: string): void {
  const known = pipelinesOf(db);
  if (known.includes(pipeline)) return;
  throw new MillraceError('MILL_NOT_FOUND', `expected a pipeline of the database (${known.join(', ') || 'none'}), found ${pipeline}`);
}
