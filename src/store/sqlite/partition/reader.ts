import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import type { FoundValue } from '../../../pipeline/table.ts';
import { upTo } from '../../list-size.ts';
import { Select } from '../../node-sqlite/select.ts';
import { canPrepare, select } from '../../node-sqlite/select-rows.ts';
import type {
  AuditEntry,
  AuditQuery,
  BlocksQuery,
  CauseBounds,
  DeadLetter,
  DeadLetterCount,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterGroupQuery,
  DeadLetterQuery,
  DeliveriesQuery,
  DeliveryName,
  DeliveryOfKey,
  EventAt,
  FlowQuery,
  GapQuery,
  InboxQuery,
  InventoryQuery,
  KeySummary,
  KeysQuery,
  ListBounds,
  ListedDelivery,
  ListedTimer,
  NamedCount,
  OperationQuery,
  PartitionId,
  Progress,
  SourceOffset,
  StoredOperation,
  StoredPipeline,
  TimersQuery,
} from '../../store.ts';
import { type AuditRow, auditSelect, toAuditEntry } from '../../tables/audit-sql.ts';
import { type OperationRow, operationsSelect, toOperation } from '../../tables/operations-sql.ts';
import type { Selection } from '../../tables/selection.ts';
import type { Interruptible } from '../threads/interruptible.ts';
import { DeadLetterReader } from './dead-letter-reader.ts';
import { InboxReader, type InboxSelection } from './inbox-reader.ts';
import { readInventory } from './inventory.ts';
import { KeyListReader } from './key-list-reader.ts';
import { type DueByFlowRows, PartitionReader } from './partition-reader.ts';
import { pausedOf } from './paused.ts';
import {
  type CauseRow,
  type DeliveryRow,
  type DueMomentRow,
  type GapRow,
  type HeldRow,
  type KeyRow,
  type LogRow,
  sizeOfKeyRow,
} from './rows.ts';
import { SourceOffsetReader } from './source-offsets.ts';
import { readBlock, readBlocksOfKey, readEventsAt } from './timeline-blocks.ts';
import { WaitingListReader } from './waiting-list-reader.ts';

/** The calls that a reader's thread answers, with rows as selected. */
export interface ReaderMethods {
  progress(partition: PartitionId): Progress;
  paused(): readonly string[];
  read(partition: PartitionId, after: number, limit: number, bounds?: ListBounds): readonly LogRow[];
  load(partition: PartitionId, keys: readonly string[], bounds?: ListBounds): readonly KeyRow[];
  keys(partition: PartitionId, query: KeysQuery): readonly KeySummary[];
  held(partition: PartitionId, key: string, from: number, limit: number, bounds?: ListBounds): readonly HeldRow[];
  heldKeys(partition: PartitionId, after: string | null, limit: number): readonly string[];
  gaps(partition: PartitionId, query: GapQuery): readonly GapRow[];
  dueCauses(partition: PartitionId, dueBy: number, limit: number, bounds?: CauseBounds): readonly CauseRow[];
  nextCauseDue(partition: PartitionId, after: number): number | null;
  dueDeliveries(partition: PartitionId, endpoint: string, dueBy: number, limit: number, bounds?: ListBounds): readonly DeliveryRow[];
  dueByFlow(partition: PartitionId, query: FlowQuery): DueByFlowRows;
  nextDeliveryDue(partition: PartitionId, endpoint: string, after: number): number | null;
  dueMoments(partition: PartitionId, endpoint: string, after: number, limit: number): readonly DueMomentRow[];
  pendingOrigins(partition: PartitionId, origins: readonly string[]): readonly string[];
  deadLetters(query: DeadLetterQuery, bounds?: ListBounds): readonly DeadLetter[];
  countDeadLetters(filter: DeadLetterFilter): DeadLetterCount;
  deadLetterGroups(query: DeadLetterGroupQuery): readonly DeadLetterGroup[];
  operations(query: OperationQuery): readonly StoredOperation[];
  audit(query: AuditQuery): readonly AuditEntry[];
  blocksOfKey(partition: PartitionId, key: string, query: BlocksQuery): readonly number[];
  block(partition: PartitionId, block: number): string | null;
  eventsAt(partition: PartitionId, positions: readonly number[]): readonly EventAt[];
  deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): readonly DeliveryName[];
  deliveriesOfKey(partition: PartitionId, endpoint: string, key: string, limit: number): readonly DeliveryOfKey[];
  timers(partition: PartitionId, query: TimersQuery): readonly ListedTimer[];
  deliveries(partition: PartitionId, query: DeliveriesQuery): readonly ListedDelivery[];
  inboxWaiting(pipelines: readonly string[], countMax: number): readonly NamedCount[];
  inboxRows(query: InboxQuery): readonly InboxSelection[];
  sourceOffsets(pipeline: string, source: string): readonly SourceOffset[];
  inventory(query: InventoryQuery): readonly StoredPipeline[];
  /** @param number the number of the lane, used to interrupt it */
  query(sql: string, parameters: readonly FoundValue[], bounds?: ListBounds, number?: number): Selection;
}

/** Answers the store's reads, within the caller's transaction. */
export class Reader implements ReaderMethods {
  readonly #db: DatabaseSync;
  readonly #partitions: ReadonlyMap<string, PartitionReader>;
  readonly #keys: ReadonlyMap<string, KeyListReader>;
  readonly #waiting: ReadonlyMap<string, WaitingListReader>;
  readonly #deadLetters: DeadLetterReader;
  readonly #inbox: InboxReader;
  readonly #sourceOffsets: SourceOffsetReader;

  readonly #interruptible: () => Interruptible;

  /** @param interruptible a connection for queries, opened for the first one */
  constructor(db: DatabaseSync, pipelines: readonly string[], interruptible: () => Interruptible) {
    this.#db = db;
    this.#interruptible = interruptible;
    this.#partitions = new Map(pipelines.map((pipeline) => [pipeline, new PartitionReader(db, pipeline)]));
    this.#keys = new Map(pipelines.map((pipeline) => [pipeline, new KeyListReader(db, pipeline)]));
    this.#waiting = new Map(pipelines.map((pipeline) => [pipeline, new WaitingListReader(db, pipeline)]));
    this.#deadLetters = new DeadLetterReader(db);
    this.#inbox = new InboxReader(db);
    this.#sourceOffsets = new SourceOffsetReader(db);
  }

  progress(partition: PartitionId): Progress {
    return this.#partition(partition).progress();
  }

  paused(): readonly string[] {
    return pausedOf(this.#db, this.#partitions.keys());
  }

  read(partition: PartitionId, after: number, limit: number, bounds?: ListBounds): readonly LogRow[] {
    return this.#partition(partition).read(after, limit, bounds);
  }

  load(partition: PartitionId, keys: readonly string[], bounds?: ListBounds): readonly KeyRow[] {
    return upTo(this.#partition(partition).load(keys), sizeOfKeyRow, bounds?.charactersMax);
  }

  keys(partition: PartitionId, query: KeysQuery): readonly KeySummary[] {
    return found(this.#keys, partition).read(query);
  }

  held(partition: PartitionId, key: string, from: number, limit: number, bounds?: ListBounds): readonly HeldRow[] {
    return this.#partition(partition).held(key, from, limit, bounds);
  }

  heldKeys(partition: PartitionId, after: string | null, limit: number): readonly string[] {
    return this.#partition(partition).heldKeys(after, limit);
  }

  gaps(partition: PartitionId, query: GapQuery): readonly GapRow[] {
    return this.#partition(partition).gaps(query);
  }

  dueCauses(partition: PartitionId, dueBy: number, limit: number, bounds?: CauseBounds): readonly CauseRow[] {
    return this.#partition(partition).dueCauses(dueBy, limit, bounds);
  }

  nextCauseDue(partition: PartitionId, after: number): number | null {
    return this.#partition(partition).nextCauseDue(after);
  }

  dueDeliveries(partition: PartitionId, endpoint: string, dueBy: number, limit: number, bounds?: ListBounds): readonly DeliveryRow[] {
    return this.#partition(partition).dueDeliveries(endpoint, dueBy, limit, bounds);
  }

  dueByFlow(partition: PartitionId, query: FlowQuery): DueByFlowRows {
    return this.#partition(partition).dueByFlow(query);
  }

  nextDeliveryDue(partition: PartitionId, endpoint: string, after: number): number | null {
    return this.#partition(partition).nextDeliveryDue(endpoint, after);
  }

  dueMoments(partition: PartitionId, endpoint: string, after: number, limit: number): readonly DueMomentRow[] {
    return this.#partition(partition).dueMoments(endpoint, after, limit);
  }

  pendingOrigins(partition: PartitionId, origins: readonly string[]): readonly string[] {
    return this.#partition(partition).pendingOrigins(origins);
  }

  deadLetters(query: DeadLetterQuery, bounds?: ListBounds): readonly DeadLetter[] {
    return this.#deadLetters.read(query, bounds);
  }

  countDeadLetters(filter: DeadLetterFilter): DeadLetterCount {
    return this.#deadLetters.count(filter);
  }

  deadLetterGroups(query: DeadLetterGroupQuery): readonly DeadLetterGroup[] {
    return this.#deadLetters.groups(query);
  }

  operations(query: OperationQuery): readonly StoredOperation[] {
    const { text, values } = operationsSelect(query, () => '?');
    return new Select<OperationRow>(this.#db, text).all(...values).map(toOperation);
  }

  audit(query: AuditQuery): readonly AuditEntry[] {
    const { text, values } = auditSelect(query, () => '?');
    return new Select<AuditRow>(this.#db, text).all(...values).map(toAuditEntry);
  }

  blocksOfKey(partition: PartitionId, key: string, query: BlocksQuery): readonly number[] {
    return readBlocksOfKey(this.#db, partition, key, query);
  }

  block(partition: PartitionId, block: number): string | null {
    return readBlock(this.#db, partition, block);
  }

  eventsAt(partition: PartitionId, positions: readonly number[]): readonly EventAt[] {
    return readEventsAt(this.#db, partition, positions);
  }

  deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): readonly DeliveryName[] {
    return this.#partition(partition).deliveryNames(endpoint, limit, key);
  }

  deliveriesOfKey(partition: PartitionId, endpoint: string, key: string, limit: number): readonly DeliveryOfKey[] {
    return this.#partition(partition).deliveriesOfKey(endpoint, key, limit);
  }

  timers(partition: PartitionId, query: TimersQuery): readonly ListedTimer[] {
    return found(this.#waiting, partition).timers(query);
  }

  deliveries(partition: PartitionId, query: DeliveriesQuery): readonly ListedDelivery[] {
    return found(this.#waiting, partition).deliveries(query);
  }

  inboxWaiting(pipelines: readonly string[], countMax: number): readonly NamedCount[] {
    return this.#inbox.waiting(pipelines, countMax);
  }

  inboxRows(query: InboxQuery): readonly InboxSelection[] {
    return this.#inbox.rows(query);
  }

  sourceOffsets(pipeline: string, source: string): readonly SourceOffset[] {
    return this.#sourceOffsets.read(pipeline, source);
  }

  inventory(query: InventoryQuery): readonly StoredPipeline[] {
    return readInventory(this.#db, query);
  }

  query(sql: string, parameters: readonly FoundValue[], bounds?: ListBounds, number = -1): Selection {
    const queries = this.#interruptible();
    // A statement that needs more than a view offers, such as a table's row id, runs on the tables themselves.
    const db = canPrepare(queries.db, sql) ? queries.db : this.#db;
    return queries.run(number, () => select(db, sql, parameters, bounds?.charactersMax));
  }

  #partition(partition: PartitionId): PartitionReader {
    return found(this.#partitions, partition);
  }
}

function found<T>(readers: ReadonlyMap<string, T>, { pipeline, slice }: PartitionId): T {
  const reader = readers.get(pipeline);
  if (reader !== undefined && slice === 0) return reader;
  throw new MillraceError('MILL_INTERNAL', `expected slice 0 of a declared pipeline, found ${pipeline}/${slice}`);
}
