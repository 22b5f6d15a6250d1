import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../errors.ts';
import type { FoundValue } from '../../pipeline/table.ts';
import { upTo } from '../list-size.ts';
import type { DeadLetter, DeadLetterQuery, DeliveryName, InventoryQuery, PartitionId, StoredPipeline } from '../store.ts';
import { DeadLetterReader } from './dead-letter-reader.ts';
import { readInventory } from './inventory.ts';
import { PartitionReader } from './partition-reader.ts';
import { type DeliveryRow, type HeldRow, type KeyRow, type LogRow, sizeOfKeyRow, type TimerRow } from './rows.ts';
import { type Selection, select } from './select-rows.ts';

/** The calls that a reader's thread answers, by rows as they were selected. */
export interface ReaderCalls {
  read(partition: PartitionId, after: number, limit: number, charactersMax: number | undefined): readonly LogRow[];
  load(partition: PartitionId, keys: readonly string[], charactersMax: number | undefined): readonly KeyRow[];
  held(partition: PartitionId, key: string, from: number, limit: number, charactersMax: number | undefined): readonly HeldRow[];
  heldKeys(partition: PartitionId, after: string | null, limit: number): readonly string[];
  dueTimers(partition: PartitionId, dueBy: number, limit: number, charactersMax: number | undefined): readonly TimerRow[];
  nextTimerDue(partition: PartitionId, after: number): number | null;
  dueDeliveries(
    partition: PartitionId,
    endpoint: string,
    dueBy: number,
    limit: number,
    charactersMax: number | undefined,
  ): readonly DeliveryRow[];
  nextDeliveryDue(partition: PartitionId, endpoint: string, after: number): number | null;
  pendingOrigins(partition: PartitionId, origins: readonly string[]): readonly string[];
  deadLetters(query: DeadLetterQuery): readonly DeadLetter[];
  deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): readonly DeliveryName[];
  inventory(query: InventoryQuery): readonly StoredPipeline[];
  query(sql: string, parameters: readonly FoundValue[], charactersMax: number | undefined): Selection;
}

/** Answers what the store is asked to read, within the transaction of whoever calls. */
export class Reader implements ReaderCalls {
  readonly #db: DatabaseSync;
  readonly #partitions: ReadonlyMap<string, PartitionReader>;
  readonly #deadLetters: DeadLetterReader;

  constructor(db: DatabaseSync, pipelines: readonly string[]) {
    this.#db = db;
    this.#partitions = new Map(pipelines.map((pipeline) => [pipeline, new PartitionReader(db, pipeline)]));
    this.#deadLetters = new DeadLetterReader(db);
  }

  read(partition: PartitionId, after: number, limit: number, charactersMax = Number.POSITIVE_INFINITY): readonly LogRow[] {
    return this.#partition(partition).read(after, limit, charactersMax);
  }

  load(partition: PartitionId, keys: readonly string[], charactersMax?: number): readonly KeyRow[] {
    const reader = this.#partition(partition);
    return upTo(
      keys.values().map((key) => reader.load(key)),
      sizeOfKeyRow,
      charactersMax,
    );
  }

  held(partition: PartitionId, key: string, from: number, limit: number, charactersMax = Number.POSITIVE_INFINITY): readonly HeldRow[] {
    return this.#partition(partition).held(key, from, limit, charactersMax);
  }

  heldKeys(partition: PartitionId, after: string | null, limit: number): readonly string[] {
    return this.#partition(partition).heldKeys(after, limit);
  }

  dueTimers(partition: PartitionId, dueBy: number, limit: number, charactersMax = Number.POSITIVE_INFINITY): readonly TimerRow[] {
    return this.#partition(partition).dueTimers(dueBy, limit, charactersMax);
  }

  nextTimerDue(partition: PartitionId, after: number): number | null {
    return this.#partition(partition).nextTimerDue(after);
  }

  dueDeliveries(
    partition: PartitionId,
    endpoint: string,
    dueBy: number,
    limit: number,
    charactersMax = Number.POSITIVE_INFINITY,
  ): readonly DeliveryRow[] {
    return this.#partition(partition).dueDeliveries(endpoint, dueBy, limit, charactersMax);
  }

  nextDeliveryDue(partition: PartitionId, endpoint: string, after: number): number | null {
    return this.#partition(partition).nextDeliveryDue(endpoint, after);
  }

  pendingOrigins(partition: PartitionId, origins: readonly string[]): readonly string[] {
    return this.#partition(partition).pendingOrigins(origins);
  }

  deadLetters(query: DeadLetterQuery): readonly DeadLetter[] {
    return this.#deadLetters.read(query);
  }

  deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): readonly DeliveryName[] {
    return this.#partition(partition).deliveryNames(endpoint, limit, key);
  }

  inventory(query: InventoryQuery): readonly StoredPipeline[] {
    return readInventory(this.#db, query);
  }

  query(sql: string, parameters: readonly FoundValue[], charactersMax?: number): Selection {
    return select(this.#db, sql, parameters, charactersMax);
  }

  #partition({ pipeline, slice }: PartitionId): PartitionReader {
    const reader = this.#partitions.get(pipeline);
    if (reader !== undefined && slice === 0) return reader;
    throw new MillraceError('MILL_INTERNAL', `expected slice 0 of a declared pipeline, found ${pipeline}/${slice}`);
  }
}
