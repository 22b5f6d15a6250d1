import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { MillraceError } from '../../errors.ts';
import { checkOptions, type OptionTable } from '../../pipeline/check-options.ts';
import { expect } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import type { FoundValue } from '../../pipeline/table.ts';
import { selfAsMember } from '../member.ts';
import type {
  Appended,
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
  DueByFlow,
  DueMoment,
  EventAt,
  FlowQuery,
  GapQuery,
  HeldEvent,
  Inbox,
  InventoryQuery,
  KeyRecord,
  KeySummary,
  KeysQuery,
  Lease,
  ListBounds,
  ListedDelivery,
  ListedTimer,
  LoggedEvent,
  Member,
  NewEvent,
  Opened,
  Operations,
  Ownership,
  PartitionId,
  Progress,
  Pruned,
  ReadBounds,
  Retention,
  Roll,
  SourceOffset,
  Store,
  StoreDeclaration,
  StoredCause,
  StoredDelivery,
  StoredGap,
  StoredPipeline,
  StoreLogger,
  StoreStats,
  TimersQuery,
} from '../store.ts';
import { toRows } from '../tables/selection.ts';
import { realPath } from './file/database-file.ts';
import type { ConnectionOptions } from './file/open-database.ts';
import { InboxWatch } from './inbox-watch.ts';
import { toAppended, toCause, toDelivery, toEventRow, toHeldEvent, toKeyRecord, toLoggedEvent, toStoredGap } from './partition/rows.ts';
import type { WriterMethods } from './partition/writer.ts';
import { SqliteLease } from './sqlite-lease.ts';
import { type LaneOptions, ReaderLane } from './threads/reader-lane.ts';
import { Thread } from './threads/thread.ts';
import type { WriterThreadOptions } from './threads/writer-thread.ts';
import { Checkpoints } from './wal/checkpoints.ts';
import { logBytes } from './wal/log-watch.ts';

/** SQLite counts in 32 bits. */
const busyTimeoutMsMax = 2 ** 31 - 1;

export interface SqliteOptions {
  /** Time that a call waits for another program's lock on the database before it throws `MILL_STORE_BUSY`. Default 2,000. */
  readonly busyTimeoutMs?: number;
}

const sqliteOptions: OptionTable<SqliteOptions> = {
  busyTimeoutMs: expect(
    `milliseconds from 0 to ${busyTimeoutMsMax}`,
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= busyTimeoutMsMax,
  ),
};

/**
 * Creates a store in one SQLite file. A missing file is created, along with its folder. It has one owner at a time; anyone may read it, and
 * write the declared tables, with SQL at any time.
 *
 * ```ts
 * const store = sqlite('data/millrace.db');
 * ```
 *
 * Throws `MILL_INVALID_CONFIGURATION` for a path that is not a file's, and for a wrong or unknown option.
 */
export function sqlite(path: string, options: SqliteOptions = {}): Store {
  const place: Place = new Place('sqlite', 'MILL_INVALID_CONFIGURATION');
  if (!isPath(path)) place.expected('the path of a file', path);
  checkOptions(options, sqliteOptions, place);
  return new SqliteStore({ path: resolve(path), busyTimeoutMs: options.busyTimeoutMs ?? 2_000 });
}

/** A URL would become the name of a folder. */
function isPath(path: unknown): boolean {
  return typeof path === 'string' && path !== '' && path !== ':memory:' && !path.includes('\0') && !/^(sqlite|file):/i.test(path);
}

interface Threads {
  readonly self: Member;
  readonly opened: Opened;
  readonly writer: Thread<WriterMethods>;
  readonly checkpoints: Checkpoints;
  /** Answers the engine's reads, which turns wait for. */
  readonly reader: ReaderLane;
  /** Answers outside questions about a few keys or dead letters, each by an index. */
  readonly lookups: ReaderLane;
  /** Answers queries from outside, which may take any time. */
  readonly queries: ReaderLane;
  /** Answers the engine's own queries, for sources and leftovers. */
  readonly own: ReaderLane;
}

/** Counting everything up to this size takes a few milliseconds. */
const smallBytesMax = 4 * 1024 * 1024;

const unowned: Ownership = { owner: null, head: 0 };

const engineLane: LaneOptions = { threads: 1, requestsAtOnce: Number.POSITIVE_INFINITY };
const lookupLane: LaneOptions = { threads: 1, requestsAtOnce: 32 };
/** Two, so that a quick one need not wait for a slow one. */
const queryLane: LaneOptions = { threads: 2, requestsAtOnce: 1 };
const ownLane: LaneOptions = { threads: 1, requestsAtOnce: 1 };

/**
 * The main thread's end of the store: passes calls on to its threads, and converts rows to the port's types. It is closed or open; a failed
 * opening leaves it closed.
 */
class SqliteStore implements Store {
  readonly kind = 'sqlite';
  readonly partitions = 1;
  readonly inbox: Inbox = {
    waiting: async (pipelines, countMax) => this.#open.reader.call('inboxWaiting', [pipelines, countMax]),
    rows: async (query) => {
      const rows = await this.#open.reader.call('inboxRows', [query]);
      return rows.map(([place, id, traceparent, event, length]) => ({ place, id, traceparent, event, length }));
    },
    listen: (grown) => this.#inboxWatch.listen(grown),
  };
  readonly operations: Operations = {
    add: async (operation, entry) => this.#open.writer.call('addOperation', operation, entry),
    list: async (query) => this.#open.own.call('operations', [query]),
    change: async (id, from, change, entry) => this.#open.writer.call('changeOperation', id, from, change, entry),
  };
  readonly #connection: ConnectionOptions;
  /** The latest, by pipeline: each has one partition. */
  readonly #leases = new Map<string, SqliteLease>();
  #threads: Threads | undefined;
  #opening: Promise<Threads> | undefined;
  #closing: Promise<unknown> | undefined;
  readonly #inboxWatch: InboxWatch;

  constructor(connection: ConnectionOptions) {
    this.#connection = connection;
    this.#inboxWatch = new InboxWatch(connection.path, async () => this.#open.writer.call('inboxHasRows'));
  }

  async open(declaration: StoreDeclaration, log?: StoreLogger): Promise<Opened> {
    if (this.#threads !== undefined || this.#opening !== undefined) {
      throw new MillraceError('MILL_CONFLICT', `${this.#connection.path}: the store is already open`);
    }
    this.#opening = this.#start(declaration, log);
    try {
      this.#threads = await this.#opening;
    } finally {
      this.#opening = undefined;
    }
    return this.#threads.opened;
  }

  async claim(partition: PartitionId): Promise<Lease> {
    const lease = new SqliteLease(() => this.#open.writer, partition, await this.#open.writer.call('claim', partition));
    this.#leases.set(partition.pipeline, lease);
    return lease;
  }

  async beat(): Promise<Roll> {
    const { reader, self } = this.#open;
    const ownership = async (pipeline: string): Promise<[string, readonly Ownership[]]> => {
      const isOwned = this.#leases.get(pipeline)?.isReleased === false;
      return [pipeline, [isOwned ? { owner: self.id, head: (await reader.call('progress', [{ pipeline, slice: 0 }])).head } : unowned]];
    };
    const [partitions, paused] = await Promise.all([Promise.all(self.pipelines.map(ownership)), reader.call('paused', [])]);
    return {
      self: self.id,
      members: [self],
      nextEndMs: Number.POSITIVE_INFINITY,
      partitions: new Map(partitions),
      paused: new Set(paused),
    };
  }

  /** Nobody else has the file. */
  listen(): () => void {
    return () => undefined;
  }

  async append(events: readonly NewEvent[]): Promise<readonly Appended[]> {
    const answers = await this.#open.writer.call('append', events.map(toEventRow));
    return answers.map(toAppended);
  }

  async sourceOffsets(pipeline: string, source: string): Promise<readonly SourceOffset[]> {
    return this.#open.reader.call('sourceOffsets', [pipeline, source]);
  }

  async progress(partition: PartitionId): Promise<Progress> {
    return this.#open.reader.call('progress', [partition]);
  }

  async read(partition: PartitionId, after: number, limit: number, bounds?: ListBounds): Promise<readonly LoggedEvent[]> {
    const rows = await this.#open.reader.call('read', [partition, after, limit, bounds]);
    return rows.map(toLoggedEvent);
  }

  async load(partition: PartitionId, keys: readonly string[], { signal, ...bounds }: ReadBounds = {}): Promise<readonly KeyRecord[]> {
    const { reader, lookups } = this.#open;
    const rows = await (signal === undefined ? reader : lookups).call('load', [partition, keys, bounds], signal);
    return rows.map(toKeyRecord);
  }

  async keys(partition: PartitionId, query: KeysQuery, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<readonly KeySummary[]> {
    return this.#open.lookups.call('keys', [partition, query], signal);
  }

  async held(
    partition: PartitionId,
    key: string,
    from: number,
    limit: number,
    { signal, ...bounds }: ReadBounds = {},
  ): Promise<readonly HeldEvent[]> {
    const { reader, lookups } = this.#open;
    const rows = await (signal === undefined ? reader : lookups).call('held', [partition, key, from, limit, bounds], signal);
    return rows.map(toHeldEvent);
  }

  async heldKeys(partition: PartitionId, after: string | null, limit: number): Promise<readonly string[]> {
    return this.#open.reader.call('heldKeys', [partition, after, limit]);
  }

  async gaps(partition: PartitionId, query: GapQuery): Promise<readonly StoredGap[]> {
    const rows = await this.#open.reader.call('gaps', [partition, query]);
    return rows.map(toStoredGap);
  }

  async dueCauses(partition: PartitionId, dueBy: number, limit: number, bounds?: CauseBounds): Promise<readonly StoredCause[]> {
    const rows = await this.#open.reader.call('dueCauses', [partition, dueBy, limit, bounds]);
    return rows.map(toCause);
  }

  async nextCauseDue(partition: PartitionId, after: number): Promise<number | null> {
    return this.#open.reader.call('nextCauseDue', [partition, after]);
  }

  async dueDeliveries(
    partition: PartitionId,
    endpoint: string,
    dueBy: number,
    limit: number,
    bounds?: ListBounds,
  ): Promise<readonly StoredDelivery[]> {
    const rows = await this.#open.reader.call('dueDeliveries', [partition, endpoint, dueBy, limit, bounds]);
    return rows.map(toDelivery);
  }

  async dueByFlow(partition: PartitionId, query: FlowQuery): Promise<DueByFlow> {
    const { rows, next } = await this.#open.reader.call('dueByFlow', [partition, query]);
    return { deliveries: rows.map(toDelivery), next };
  }

  async nextDeliveryDue(partition: PartitionId, endpoint: string, after: number): Promise<number | null> {
    return this.#open.reader.call('nextDeliveryDue', [partition, endpoint, after]);
  }

  async dueMoments(partition: PartitionId, endpoint: string, after: number, limit: number): Promise<readonly DueMoment[]> {
    const rows = await this.#open.reader.call('dueMoments', [partition, endpoint, after, limit]);
    return rows.map(([dueAt, pauseMs]) => ({ dueAt, pauseMs }));
  }

  async pendingOrigins(partition: PartitionId, origins: readonly string[]): Promise<readonly string[]> {
    return this.#open.reader.call('pendingOrigins', [partition, origins]);
  }

  async deadLetters(query: DeadLetterQuery, { signal, ...bounds }: ReadBounds = {}): Promise<readonly DeadLetter[]> {
    return this.#open.lookups.call('deadLetters', [query, bounds], signal);
  }

  async countDeadLetters(filter: DeadLetterFilter, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<DeadLetterCount> {
    return this.#open.lookups.call('countDeadLetters', [filter], signal);
  }

  async deadLetterGroups(query: DeadLetterGroupQuery, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<readonly DeadLetterGroup[]> {
    return this.#open.lookups.call('deadLetterGroups', [query], signal);
  }

  async prune(retention: Retention): Promise<Pruned> {
    return this.#open.writer.call('prune', retention);
  }

  async query(
    sql: string,
    parameters: readonly FoundValue[],
    { signal, ...bounds }: ReadBounds = {},
  ): Promise<readonly Readonly<Record<string, FoundValue>>[]> {
    parameters.forEach(checkParameter);
    const { own, queries } = this.#open;
    return toRows(await (signal === undefined ? own : queries).call('query', [sql, parameters, bounds], signal));
  }

  async deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): Promise<readonly DeliveryName[]> {
    return this.#open.lookups.call('deliveryNames', [partition, endpoint, limit, key]);
  }

  async deliveriesOfKey(
    partition: PartitionId,
    endpoint: string,
    key: string,
    limit: number,
    { signal }: Pick<ReadBounds, 'signal'> = {},
  ): Promise<readonly DeliveryOfKey[]> {
    return this.#open.lookups.call('deliveriesOfKey', [partition, endpoint, key, limit], signal);
  }

  async timers(partition: PartitionId, query: TimersQuery, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<readonly ListedTimer[]> {
    return this.#open.lookups.call('timers', [partition, query], signal);
  }

  async deliveries(
    partition: PartitionId,
    query: DeliveriesQuery,
    { signal }: Pick<ReadBounds, 'signal'> = {},
  ): Promise<readonly ListedDelivery[]> {
    return this.#open.lookups.call('deliveries', [partition, query], signal);
  }

  async noteAudit(entry: AuditEntry): Promise<void> {
    await this.#open.writer.call('noteAudit', entry);
  }

  async audit(query: AuditQuery, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<readonly AuditEntry[]> {
    return this.#open.lookups.call('audit', [query], signal);
  }

  async forgetAudit(before: number): Promise<number> {
    return this.#open.writer.call('forgetAudit', before);
  }

  async blocksOfKey(
    partition: PartitionId,
    key: string,
    query: BlocksQuery,
    { signal }: Pick<ReadBounds, 'signal'> = {},
  ): Promise<readonly number[]> {
    return this.#open.lookups.call('blocksOfKey', [partition, key, query], signal);
  }

  async eventsAt(
    partition: PartitionId,
    positions: readonly number[],
    { signal }: Pick<ReadBounds, 'signal'> = {},
  ): Promise<readonly EventAt[]> {
    return this.#open.lookups.call('eventsAt', [partition, positions], signal);
  }

  async block(partition: PartitionId, block: number, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<string | null> {
    return this.#open.lookups.call('block', [partition, block], signal);
  }

  async forgetBlocks(partition: PartitionId, before: number, limit: number): Promise<number> {
    return this.#open.writer.call('forgetBlocks', partition, before, limit);
  }

  async setPaused(pipeline: string, isPaused: boolean, entry?: AuditEntry): Promise<void> {
    await this.#open.writer.call('setPaused', pipeline, isPaused, entry);
  }

  /** Counts a large database on a thread that no handler waits for; a small one is counted before such a thread has started. */
  async inventory(query: InventoryQuery): Promise<readonly StoredPipeline[]> {
    const { reader, own } = this.#open;
    const path = realPath(this.#connection.path);
    const bytes = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) + logBytes(path);
    return (bytes > smallBytesMax ? own : reader).call('inventory', [query]);
  }

  async forget(pipeline: string): Promise<void> {
    while (await this.#open.writer.call('forgetPiece', pipeline));
  }

  async close(): Promise<void> {
    if (this.#opening !== undefined) await Promise.allSettled([this.#opening]);
    const threads = this.#threads;
    this.#threads = undefined;
    if (threads !== undefined) this.#closing = closeAll(threads);
    await this.#closing;
  }

  /** The log is beside the file that the path leads to. */
  async stats(): Promise<StoreStats> {
    return { logBytes: logBytes(realPath(this.#connection.path)) };
  }

  async #start(declaration: StoreDeclaration, log: StoreLogger | undefined): Promise<Threads> {
    await this.#closing;
    const checkpoints = new Checkpoints(this.#connection);
    const { writerPort } = checkpoints;
    const writerOptions = { ...this.#connection, declaration: cloneable(declaration), checkpoints: writerPort };
    const writer = new Thread<WriterMethods>('writer-thread', writerOptions satisfies WriterThreadOptions, {
      transferList: [writerPort],
      log,
    });
    const opened = (await writer.started()) as Opened;
    this.#leases.clear();
    const self = { ...selfAsMember(declaration), since: Date.now() };
    const options = { ...this.#connection, pipelines: self.pipelines };
    return {
      ...{ self, opened, writer, checkpoints },
      reader: new ReaderLane(options, engineLane),
      lookups: new ReaderLane(options, lookupLane),
      queries: new ReaderLane(options, queryLane),
      own: new ReaderLane(options, ownLane),
    };
  }

  get #open(): Threads {
    if (this.#threads !== undefined) return this.#threads;
    throw new MillraceError('MILL_STORE_UNAVAILABLE', `${this.#connection.path}: the store is not open`);
  }
}

/** The writer goes last: the last connection to close moves the write-ahead log into the database. */
async function closeAll({ writer, checkpoints, reader, lookups, queries, own }: Threads): Promise<void> {
  await Promise.all([checkpoints.close(), reader.close(), lookups.close(), queries.close(), own.close()]);
  await writer.close();
}

/** A declared pipeline or table may carry more, even functions, which cannot be sent to another thread. */
function cloneable({ pipelines, tables }: StoreDeclaration): StoreDeclaration {
  return {
    pipelines: pipelines.map(({ name, numbered, state }) => ({ name, numbered, ...(state && { state }) })),
    tables: tables.map(({ name, columns, primaryKey, indexes, defaults, keyed }) => ({
      name,
      columns,
      primaryKey,
      indexes,
      defaults,
      keyed,
    })),
  };
}

/**
 * A query may come from JavaScript, and a value that cannot be sent to another thread would fail there with an incomprehensible message.
 */
function checkParameter(value: unknown, index: number): void {
  if (value === null || ['string', 'number', 'bigint'].includes(typeof value) || value instanceof Uint8Array) return;
  throw new MillraceError(
    'MILL_INVALID_REQUEST',
    `query: parameter ${index + 1}: expected a text, a number, a bigint, bytes or null, found ${typeof value}`,
  );
}
