import { MillraceError } from '../../errors.ts';
import type { FoundValue } from '../../pipeline/table.ts';
import type {
  Appended,
  AuditEntry,
  AuditQuery,
  BlocksQuery,
  CauseBounds,
  Commands,
  Commit,
  Committed,
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
  InboxTaking,
  InventoryQuery,
  KeyRecord,
  KeySummary,
  KeysQuery,
  Lease,
  ListBounds,
  ListedDelivery,
  ListedTimer,
  LoggedEvent,
  NewEvent,
  Opened,
  Operations,
  PartitionId,
  Progress,
  Pruned,
  ReadBounds,
  Retention,
  Roll,
  SourceBatch,
  SourceOffset,
  SqlDialect,
  Store,
  StoreDeclaration,
  StoredCause,
  StoredDelivery,
  StoredGap,
  StoredPipeline,
  StoreListener,
  StoreLogger,
  StoreStats,
  TimersQuery,
} from '../store.ts';
import type { Dialect, SqlSettings } from './dialect.ts';
import { SqlLease } from './lease/sql-lease.ts';
import { OpenDatabase } from './open-database.ts';

/** Passes calls on to the open database, and converts its errors to the port's. It is closed or open; a failed opening leaves it closed. */
export class SqlStore<Settings extends SqlSettings> implements Store {
  readonly kind: string;
  readonly dialect: SqlDialect;
  readonly partitions: number;
  readonly keyBytesMax: number;
  readonly leaseMs: number;
  readonly inbox: Inbox = {
    waiting: (pipelines, countMax) => this.#call((database) => database.inboxWaiting(pipelines, countMax)),
    rows: (query) => this.#call((database) => database.inboxRows(query)),
    listen: (grown) => this.#database?.listenToInbox(grown) ?? (() => undefined),
  };
  readonly operations: Operations = {
    add: (operation, entry) => this.#call((database) => database.addOperation(operation, entry)),
    list: (query) => this.#call((database) => database.operations(query)),
    change: (...change) => this.#call((database) => database.changeOperation(...change)),
  };
  readonly commands: Commands = {
    give: (command, forMs) => this.#call((database) => database.give(command, forMs)),
    answers: (ids) => this.#call((database) => database.answers(ids)),
    withdraw: (ids) => this.#call((database) => database.withdraw(ids)),
  };
  readonly #settings: Settings;
  readonly #dialect: Dialect<Settings>;
  readonly #toError: (thrown: unknown) => MillraceError;
  #database: OpenDatabase | undefined;
  #opening: Promise<OpenDatabase> | undefined;
  #closing: Promise<unknown> | undefined;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(dialect: Dialect<Settings>, settings: Settings) {
    this.kind = dialect.kind;
    this.dialect = dialect.queries;
    this.keyBytesMax = dialect.keyBytesMax;
    this.#dialect = dialect;
    this.#toError = (thrown) => dialect.errors.toStoreError(thrown, settings.name);
    this.#settings = settings;
    this.partitions = settings.partitions;
    this.leaseMs = settings.leaseMs;
  }

  async open(declaration: StoreDeclaration, log?: StoreLogger, signal?: AbortSignal): Promise<Opened> {
    if (this.#database !== undefined || this.#opening !== undefined)
      throw new MillraceError('MILL_CONFLICT', `${this.#settings.name}: the store is already open`);
    this.#opening = this.#open(declaration, log, signal);
    try {
      this.#database = await this.#opening;
    } finally {
      this.#opening = undefined;
    }
    return this.#database.opened;
  }

  async claim(partition: PartitionId): Promise<Lease> {
    const claimed = await this.#call((database) => database.claim(partition));
    const means = {
      commit: (own: PartitionId, epoch: number, commit: Commit): Promise<Committed> =>
        this.#call((database) => database.commit(own, epoch, commit)),
      takeInbox: (own: PartitionId, epoch: number, takings: readonly InboxTaking[]) =>
        this.#call((database) => database.takeInbox(own, epoch, takings)),
      takeBatch: (own: PartitionId, epoch: number, batch: SourceBatch) => this.#call((database) => database.takeBatch(own, epoch, batch)),
      release: (own: PartitionId, epoch: number) => this.#call((database) => database.release(own, epoch)),
    };
    return new SqlLease(means, partition, claimed);
  }

  beat(): Promise<Roll> {
    return this.#call((database) => database.beat());
  }

  listen(listener: StoreListener): () => void {
    return this.#database?.listen(listener) ?? (() => undefined);
  }

  append(events: readonly NewEvent[]): Promise<readonly Appended[]> {
    return this.#call((database) => database.append(events));
  }

  sourceOffsets(pipeline: string, source: string): Promise<readonly SourceOffset[]> {
    return this.#call((database) => database.sourceOffsets(pipeline, source));
  }

  progress(partition: PartitionId): Promise<Progress> {
    return this.#call((database) => database.of(partition).progress());
  }

  read(partition: PartitionId, after: number, limit: number, bounds?: ListBounds): Promise<readonly LoggedEvent[]> {
    return this.#call((database) => database.of(partition).read(after, limit, bounds));
  }

  load(partition: PartitionId, keys: readonly string[], { signal, ...bounds }: ReadBounds = {}): Promise<readonly KeyRecord[]> {
    return this.#call((database) => database.of(partition, signal).load(keys, bounds), signal);
  }

  keys(partition: PartitionId, query: KeysQuery, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<readonly KeySummary[]> {
    return this.#call((database) => database.of(partition, signal).keys(query), signal);
  }

  held(
    partition: PartitionId,
    key: string,
    from: number,
    limit: number,
    { signal, ...bounds }: ReadBounds = {},
  ): Promise<readonly HeldEvent[]> {
    return this.#call((database) => database.of(partition, signal).held(key, from, limit, bounds), signal);
  }

  heldKeys(partition: PartitionId, after: string | null, limit: number): Promise<readonly string[]> {
    return this.#call((database) => database.of(partition).heldKeys(after, limit));
  }

  gaps(partition: PartitionId, query: GapQuery): Promise<readonly StoredGap[]> {
    return this.#call((database) => database.of(partition).gaps(query));
  }

  dueCauses(partition: PartitionId, dueBy: number, limit: number, bounds?: CauseBounds): Promise<readonly StoredCause[]> {
    return this.#call((database) => database.of(partition).dueCauses(dueBy, limit, bounds));
  }

  nextCauseDue(partition: PartitionId, after: number): Promise<number | null> {
    return this.#call((database) => database.of(partition).nextCauseDue(after));
  }

  dueDeliveries(
    partition: PartitionId,
    endpoint: string,
    dueBy: number,
    limit: number,
    bounds?: ListBounds,
  ): Promise<readonly StoredDelivery[]> {
    return this.#call((database) => database.of(partition).dueDeliveries(endpoint, dueBy, limit, bounds));
  }

  dueByFlow(partition: PartitionId, query: FlowQuery): Promise<DueByFlow> {
    return this.#call((database) => database.of(partition).dueByFlow(query));
  }

  nextDeliveryDue(partition: PartitionId, endpoint: string, after: number): Promise<number | null> {
    return this.#call((database) => database.of(partition).nextDeliveryDue(endpoint, after));
  }

  dueMoments(partition: PartitionId, endpoint: string, after: number, limit: number): Promise<readonly DueMoment[]> {
    return this.#call((database) => database.of(partition).dueMoments(endpoint, after, limit));
  }

  pendingOrigins(partition: PartitionId, origins: readonly string[]): Promise<readonly string[]> {
    return this.#call((database) => database.of(partition).pendingOrigins(origins));
  }

  deadLetters(query: DeadLetterQuery, { signal, ...bounds }: ReadBounds = {}): Promise<readonly DeadLetter[]> {
    return this.#call((database) => database.deadLetters(query, bounds, signal), signal);
  }

  countDeadLetters(filter: DeadLetterFilter, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<DeadLetterCount> {
    return this.#call((database) => database.countDeadLetters(filter, signal), signal);
  }

  deadLetterGroups(query: DeadLetterGroupQuery, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<readonly DeadLetterGroup[]> {
    return this.#call((database) => database.deadLetterGroups(query, signal), signal);
  }

  prune(retention: Retention): Promise<Pruned> {
    return this.#call((database) => database.prune(retention));
  }

  query(
    sql: string,
    parameters: readonly FoundValue[],
    { signal, charactersMax }: ReadBounds = {},
  ): Promise<readonly Readonly<Record<string, FoundValue>>[]> {
    return this.#call((database) => database.query({ sql, parameters, charactersMax }, signal), signal);
  }

  deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): Promise<readonly DeliveryName[]> {
    return this.#call((database) => database.of(partition).deliveryNames(endpoint, limit, key));
  }

  deliveriesOfKey(
    partition: PartitionId,
    endpoint: string,
    key: string,
    limit: number,
    { signal }: Pick<ReadBounds, 'signal'> = {},
  ): Promise<readonly DeliveryOfKey[]> {
    return this.#call((database) => database.of(partition, signal).deliveriesOfKey(endpoint, key, limit), signal);
  }

  timers(partition: PartitionId, query: TimersQuery, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<readonly ListedTimer[]> {
    return this.#call((database) => database.of(partition, signal).timers(query), signal);
  }

  deliveries(
    partition: PartitionId,
    query: DeliveriesQuery,
    { signal }: Pick<ReadBounds, 'signal'> = {},
  ): Promise<readonly ListedDelivery[]> {
    return this.#call((database) => database.of(partition, signal).deliveries(query), signal);
  }

  noteAudit(entry: AuditEntry): Promise<void> {
    return this.#call((database) => database.noteAudit(entry));
  }

  audit(query: AuditQuery, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<readonly AuditEntry[]> {
    return this.#call((database) => database.audit(query, signal), signal);
  }

  forgetAudit(before: number): Promise<number> {
    return this.#call((database) => database.forgetAudit(before));
  }

  blocksOfKey(
    partition: PartitionId,
    key: string,
    query: BlocksQuery,
    { signal }: Pick<ReadBounds, 'signal'> = {},
  ): Promise<readonly number[]> {
    return this.#call((database) => database.of(partition, signal).blocksOfKey(key, query), signal);
  }

  eventsAt(partition: PartitionId, positions: readonly number[], { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<readonly EventAt[]> {
    return this.#call((database) => database.of(partition, signal).eventsAt(positions), signal);
  }

  block(partition: PartitionId, block: number, { signal }: Pick<ReadBounds, 'signal'> = {}): Promise<string | null> {
    return this.#call((database) => database.of(partition, signal).block(block), signal);
  }

  forgetBlocks(partition: PartitionId, before: number, limit: number): Promise<number> {
    return this.#call((database) => database.forgetBlocks(partition, before, limit));
  }

  setPaused(pipeline: string, isPaused: boolean, entry?: AuditEntry): Promise<void> {
    return this.#call((database) => database.setPaused(pipeline, isPaused, entry));
  }

  inventory(query: InventoryQuery): Promise<readonly StoredPipeline[]> {
    return this.#call((database) => database.inventory(query));
  }

  forget(pipeline: string): Promise<void> {
    return this.#call((database) => database.forget(pipeline));
  }

  async close(): Promise<void> {
    if (this.#opening !== undefined) await Promise.allSettled([this.#opening]);
    const database = this.#database;
    this.#database = undefined;
    if (database !== undefined) this.#closing = Promise.allSettled(this.#underWay).then(() => database.close());
    await this.#closing;
  }

  async stats(): Promise<StoreStats> {
    return { logBytes: 0 };
  }

  async #open(declaration: StoreDeclaration, log: StoreLogger | undefined, signal: AbortSignal | undefined): Promise<OpenDatabase> {
    await this.#closing;
    signal?.throwIfAborted();
    try {
      return await OpenDatabase.open(this.#dialect, this.#settings, declaration, { log, signal });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.#toError(error);
    }
  }

  /** Calls the open database. If nobody waits any more, since the signal was aborted, the call continues until the database has noticed. */
  async #call<T>(work: (database: OpenDatabase) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const database = this.#database;
    if (database === undefined) throw new MillraceError('MILL_STORE_UNAVAILABLE', `${this.#settings.name}: the store is not open`);
    signal?.throwIfAborted();
    const call = work(database);
    this.#underWay.add(call);
    try {
      return await (signal === undefined ? call : unlessAborted(call, signal));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.#toError(error);
    } finally {
      if (signal?.aborted)
        call.then(
          () => this.#underWay.delete(call),
          () => this.#underWay.delete(call),
        );
      else this.#underWay.delete(call);
    }
  }
}

/** Returns the answer, unless the signal is aborted before it comes. */
async function unlessAborted<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([call, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
