import { MillraceError } from '../../errors.ts';
import { checkOptions, type OptionTable } from '../../pipeline/check-options.ts';
import { integerFrom } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import type { FoundValue } from '../../pipeline/table.ts';
import { pageUpTo, sizeOfCause, sizeOfDelivery, sizeOfEvent, sizeOfLetter, sizeOfRecord, upTo } from '../list-size.ts';
import { selfAsMember } from '../member.ts';
import type {
  Appended,
  AuditEntry,
  AuditQuery,
  BatchTaken,
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
  DeclaredPipeline,
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
  InboxTaken,
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
  SourceBatch,
  SourceOffset,
  SourceTaken,
  Store,
  StoreDeclaration,
  StoredCause,
  StoredDelivery,
  StoredGap,
  StoredPipeline,
  StoreListener,
  StoreStats,
  TimersQuery,
} from '../store.ts';
import { withStrangers } from '../tables/inbox-sql.ts';
import { compareText } from '../text-order.ts';
import { DeclaredTables } from './declared-tables.ts';
import { inventoryOf } from './inventory.ts';
import { MemoryAudit } from './memory-audit.ts';
import { MemoryCommands } from './memory-commands.ts';
import type { MemoryInbox } from './memory-inbox.ts';
import { MemoryLeases } from './memory-lease.ts';
import { groupLetters, letterFilter } from './memory-letters.ts';
import { MemoryMembers } from './memory-members.ts';
import { MemoryOperations } from './memory-operations.ts';
import { MemorySourceOffsets } from './memory-source-offsets.ts';
import { PartitionRecords } from './partition-records.ts';

export interface MemoryOptions {
  /** Slices per pipeline. Default 1. */
  readonly partitions?: number;
}

const memoryOptions: OptionTable<MemoryOptions> = { partitions: integerFrom(1) };

/**
 * Creates a store in the memory of this process, for tests and short-lived runs. Its contents live as long as the object: after `close` the
 * same object can be opened again with its contents. `query` speaks SQLite's SQL.
 *
 * Throws `MILL_INVALID_CONFIGURATION` if `partitions` is not a positive integer, and for an unknown option.
 */
export function memory(options: MemoryOptions = {}): Store {
  checkOptions(options, memoryOptions, new Place('memory', 'MILL_INVALID_CONFIGURATION'));
  return new MemoryStore(new MemoryDatabase(options.partitions ?? 1));
}

/** The same with an inbox, for simulations and tests that play other programs. */
export function memoryWithInbox({ partitions = 1, inbox }: MemoryOptions & { readonly inbox: MemoryInbox }): Store {
  return new MemoryStore(new MemoryDatabase(partitions, { inbox }));
}

/** Options for the expiry of leases on a database shared by several engines. */
export interface SharedMemoryOptions extends MemoryOptions {
  /** Lifetime of a lease without renewal, in milliseconds. */
  readonly leaseMs: number;
  /** Returns the database's time, in milliseconds from any moment. */
  readonly now: () => number;
  readonly inbox?: MemoryInbox | undefined;
}

/**
 * Creates a database in the memory of this process for several engines. Returns a function that makes a store on it, one for each engine.
 */
export function sharedMemory({ partitions = 1, ...shared }: SharedMemoryOptions): () => Store {
  const database = new MemoryDatabase(partitions, shared);
  return () => new MemoryStore(database);
}

/** The data shared by the stores on one database. */
class MemoryDatabase {
  readonly partitions: number;
  readonly leaseMs: number | undefined;
  readonly members: MemoryMembers;
  readonly leases: MemoryLeases;
  readonly commands: MemoryCommands;
  readonly inbox: MemoryInbox | undefined;
  readonly tables = new DeclaredTables();
  readonly pipelines = new Map<string, readonly PartitionRecords[]>();
  /** The shapes under which states were stored, by pipeline and version. */
  readonly shapes = new Map<string, Set<string>>();
  /** True for pipelines whose keys are all in one slice. */
  readonly together = new Map<string, boolean>();
  readonly paused = new Set<string>();
  readonly audit = new MemoryAudit();
  readonly operations = new MemoryOperations();
  readonly sourceOffsets = new MemorySourceOffsets();
  /** The listeners for other engines' activity. */
  readonly listeners = new Map<StoreListener, MemoryStore>();

  constructor(partitions: number, shared: Partial<Omit<SharedMemoryOptions, 'partitions'>> = {}) {
    this.partitions = partitions;
    this.leaseMs = shared.leaseMs;
    this.inbox = shared.inbox;
    const now = shared.now ?? (() => 0);
    this.members = new MemoryMembers(shared.leaseMs ?? Number.POSITIVE_INFINITY, now);
    this.commands = new MemoryCommands(now);
    this.leases = new MemoryLeases(this.members);
  }
}

/**
 * Each call does all its work before it returns the promise, so overlapping calls cannot interleave; the answer follows in a later
 * microtask. Everything that can throw happens before the first change.
 */
class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly partitions: number;
  readonly leaseMs: number | undefined;
  readonly operations: Operations = {
    add: async (operation, entry) => {
      this.#checkOpen();
      if (entry !== undefined) this.#database.audit.note(entry);
      this.#database.operations.add(operation);
    },
    list: async (query) => {
      this.#checkOpen();
      return this.#database.operations.list(query);
    },
    change: async (id, from, change, entry) => {
      this.#checkOpen();
      const isChanged = this.#database.operations.change(id, from, change);
      if (isChanged && entry !== undefined) this.#database.audit.note(entry);
      return isChanged;
    },
  };
  readonly commands: Commands = {
    give: async (command, forMs) => {
      this.#records(command.partition);
      this.#database.commands.give(command, forMs);
      this.#rollChanged();
    },
    answers: async (ids) => {
      this.#checkOpen();
      return this.#database.commands.answers(ids);
    },
    withdraw: async (ids) => {
      this.#checkOpen();
      return this.#database.commands.withdraw(ids);
    },
  };
  readonly inbox: Inbox | undefined;
  readonly #database: MemoryDatabase;
  /** The currently declared pipelines. */
  #declared: ReadonlySet<string> = new Set();
  /** This engine, as others see it, while it is open. */
  #self: Omit<Member, 'since'> | undefined;

  constructor(database: MemoryDatabase) {
    this.partitions = database.partitions;
    this.leaseMs = database.leaseMs;
    this.inbox = database.inbox && this.#portOf(database.inbox);
    this.#database = database;
  }

  async open({ pipelines, tables }: StoreDeclaration): Promise<Opened> {
    if (this.#self !== undefined) throw new MillraceError('MILL_STORE_OWNED', 'memory store: already open in this process');
    const database = this.#database;
    database.tables.declare(tables);
    for (const { name } of pipelines) {
      if (!database.pipelines.has(name)) database.pipelines.set(name, this.#slicesOf(name));
    }
    this.#declared = new Set(pipelines.map(({ name }) => name));
    this.#self = selfAsMember({ pipelines });
    const reshaped = pipelines.filter((pipeline) => this.#noteShape(pipeline)).map(({ name }) => name);
    const misplaced = pipelines.filter((pipeline) => this.#isMisplaced(pipeline)).map(({ name }) => name);
    return { reshaped, misplaced, paused: pipelines.map(({ name }) => name).filter((name) => database.paused.has(name)) };
  }

  async claim(partition: PartitionId): Promise<Lease> {
    const records = this.#records(partition);
    if (!this.#database.members.lives(this.#own.id)) this.#sayThatItLives();
    return this.#database.leases.give(this.#own.id, {
      partition,
      standing: records.standing(),
      commit: (commit) => this.#commit(records, commit),
      takeInbox: (takings) => this.#takeInbox(records, takings),
      takeBatch: (batch) => this.#takeBatch(records, batch),
      checkOpen: () => this.#checkOpen(),
      released: () => this.#rollChanged(),
    });
  }

  async beat(): Promise<Roll> {
    const self = this.#own.id;
    const { members, leases, paused, commands } = this.#database;
    this.#sayThatItLives();
    const ownership = (partition: PartitionId): Ownership => {
      const owner = leases.ownerOf(partition);
      return { owner, head: owner === self ? this.#records(partition).progress().head : 0 };
    };
    const slices = Array.from({ length: this.partitions }, (_, slice) => slice);
    return {
      self,
      members: members.all,
      nextEndMs: members.nextEndMs(self),
      partitions: new Map(Array.from(this.#declared, (pipeline) => [pipeline, slices.map((slice) => ownership({ pipeline, slice }))])),
      paused: paused.intersection(this.#declared),
      commands: commands.open.filter(({ partition }) => leases.ownerOf(partition) === self),
    };
  }

  listen(listener: StoreListener): () => void {
    const { listeners } = this.#database;
    listeners.set(listener, this);
    return () => listeners.delete(listener);
  }

  async append(events: readonly NewEvent[]): Promise<readonly Appended[]> {
    return this.#append(this.#routed(events));
  }

  async sourceOffsets(pipeline: string, source: string): Promise<readonly SourceOffset[]> {
    this.#checkOpen();
    return this.#database.sourceOffsets.of(pipeline, source);
  }

  async progress(partition: PartitionId): Promise<Progress> {
    return this.#records(partition).progress();
  }

  async read(partition: PartitionId, after: number, limit: number, bounds?: ListBounds): Promise<readonly LoggedEvent[]> {
    return upTo(this.#records(partition).read(after, limit), sizeOfEvent, bounds?.charactersMax);
  }

  async load(partition: PartitionId, keys: readonly string[], bounds?: ReadBounds): Promise<readonly KeyRecord[]> {
    const records = this.#records(partition);
    return upTo(
      keys.values().map((key) => records.load(key)),
      sizeOfRecord,
      bounds?.charactersMax,
    );
  }

  async keys(partition: PartitionId, query: KeysQuery): Promise<readonly KeySummary[]> {
    return this.#records(partition).keys(query);
  }

  async held(partition: PartitionId, key: string, from: number, limit: number, bounds?: ListBounds): Promise<readonly HeldEvent[]> {
    return upTo(this.#records(partition).held(key, from, limit), sizeOfEvent, bounds?.charactersMax);
  }

  async heldKeys(partition: PartitionId, after: string | null, limit: number): Promise<readonly string[]> {
    return this.#records(partition).heldKeys(after, limit);
  }

  async gaps(partition: PartitionId, query: GapQuery): Promise<readonly StoredGap[]> {
    return this.#records(partition).gaps.read(query);
  }

  async dueCauses(partition: PartitionId, dueBy: number, limit: number, bounds: CauseBounds = {}): Promise<readonly StoredCause[]> {
    return upTo(this.#records(partition).causes.due(dueBy, limit, bounds.after), sizeOfCause, bounds.charactersMax);
  }

  async nextCauseDue(partition: PartitionId, after: number): Promise<number | null> {
    return this.#records(partition).causes.nextDue(after);
  }

  async dueDeliveries(
    partition: PartitionId,
    endpoint: string,
    dueBy: number,
    limit: number,
    bounds?: ListBounds,
  ): Promise<readonly StoredDelivery[]> {
    return upTo(this.#records(partition).deliveries.due(endpoint, dueBy, limit), sizeOfDelivery, bounds?.charactersMax);
  }

  async dueByFlow(partition: PartitionId, query: FlowQuery): Promise<DueByFlow> {
    return this.#records(partition).deliveries.dueByFlow(query);
  }

  async nextDeliveryDue(partition: PartitionId, endpoint: string, after: number): Promise<number | null> {
    return this.#records(partition).deliveries.nextDue(endpoint, after);
  }

  async dueMoments(partition: PartitionId, endpoint: string, after: number, limit: number): Promise<readonly DueMoment[]> {
    return this.#records(partition).deliveries.dueMoments(endpoint, after, limit);
  }

  async pendingOrigins(partition: PartitionId, origins: readonly string[]): Promise<readonly string[]> {
    return this.#records(partition).pendingOrigins(origins);
  }

  async deadLetters({ limit, ...query }: DeadLetterQuery, bounds?: ReadBounds): Promise<readonly DeadLetter[]> {
    return pageUpTo(this.#lettersAsked(query).slice(0, limit), sizeOfLetter, bounds?.charactersMax);
  }

  async countDeadLetters(filter: DeadLetterFilter): Promise<DeadLetterCount> {
    const asked = this.#lettersAsked(filter);
    return { count: asked.length, last: asked.at(-1)?.id ?? null };
  }

  async deadLetterGroups({ pipeline, kind, since, limit }: DeadLetterGroupQuery): Promise<readonly DeadLetterGroup[]> {
    return groupLetters(this.#lettersAsked({ pipeline, kind }), since).slice(0, limit);
  }

  async prune(retention: Retention): Promise<Pruned> {
    return this.#records(retention.partition).prune(retention);
  }

  async query(
    sql: string,
    parameters: readonly FoundValue[],
    bounds?: ReadBounds,
  ): Promise<readonly Readonly<Record<string, FoundValue>>[]> {
    this.#checkOpen();
    return this.#database.tables.select(sql, parameters, bounds?.charactersMax);
  }

  async deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): Promise<readonly DeliveryName[]> {
    return this.#records(partition).deliveries.names(endpoint, limit, key);
  }

  async deliveriesOfKey(partition: PartitionId, endpoint: string, key: string, limit: number): Promise<readonly DeliveryOfKey[]> {
    return this.#records(partition).deliveries.ofKey(endpoint, key, limit);
  }

  async timers(partition: PartitionId, query: TimersQuery): Promise<readonly ListedTimer[]> {
    return this.#records(partition).causes.timers(query);
  }

  async deliveries(partition: PartitionId, query: DeliveriesQuery): Promise<readonly ListedDelivery[]> {
    return this.#records(partition).deliveries.list(query);
  }

  async noteAudit(entry: AuditEntry): Promise<void> {
    this.#checkOpen();
    this.#database.audit.note(entry);
  }

  async audit(query: AuditQuery): Promise<readonly AuditEntry[]> {
    this.#checkOpen();
    return this.#database.audit.read(query);
  }

  async forgetAudit(before: number): Promise<number> {
    this.#checkOpen();
    this.#database.operations.forget(before);
    return this.#database.audit.forget(before);
  }

  async blocksOfKey(partition: PartitionId, key: string, query: BlocksQuery): Promise<readonly number[]> {
    return this.#records(partition).blocksOfKey(key, query);
  }

  async eventsAt(partition: PartitionId, positions: readonly number[]): Promise<readonly EventAt[]> {
    return this.#records(partition).eventsAt(positions);
  }

  async block(partition: PartitionId, block: number): Promise<string | null> {
    return this.#records(partition).blocks.text(block);
  }

  async forgetBlocks(partition: PartitionId, before: number, limit: number): Promise<number> {
    return this.#records(partition).blocks.forget(before, limit);
  }

  async setPaused(pipeline: string, isPaused: boolean, entry?: AuditEntry): Promise<void> {
    this.#records({ pipeline, slice: 0 });
    if (entry !== undefined) this.#database.audit.note(entry);
    if (isPaused) this.#database.paused.add(pipeline);
    else this.#database.paused.delete(pipeline);
  }

  async inventory({ uncounted, named }: InventoryQuery): Promise<readonly StoredPipeline[]> {
    this.#checkOpen();
    const inbox = this.#database.inbox?.counts ?? new Map<string, number>();
    const asked = (pipeline: string) => ({
      isCounted: !uncounted.includes(pipeline),
      isNamed: named.includes(pipeline),
      inbox: inbox.get(pipeline) ?? 0,
    });
    const stored = Array.from(this.#database.pipelines, ([pipeline, slices]) => inventoryOf(pipeline, slices, asked(pipeline)));
    return withStrangers(stored, inbox);
  }

  async forget(pipeline: string): Promise<void> {
    this.#checkOpen();
    if (this.#declared.has(pipeline)) throw new MillraceError('MILL_CONFLICT', `expected an undeclared pipeline, found ${pipeline}`);
    this.#database.pipelines.delete(pipeline);
    this.#database.inbox?.forget(pipeline);
    this.#database.sourceOffsets.forget(pipeline);
    this.#database.paused.delete(pipeline);
    this.#database.together.delete(pipeline);
    for (const place of this.#database.shapes.keys()) if (place.startsWith(`${pipeline} `)) this.#database.shapes.delete(place);
  }

  async close(): Promise<void> {
    const isGone = this.#self !== undefined && this.#database.members.leave(this.#self.id);
    this.#self = undefined;
    if (isGone) this.#rollChanged();
  }

  async stats(): Promise<StoreStats> {
    return { logBytes: 0 };
  }

  /** In id order. */
  #lettersAsked(query: Omit<DeadLetterQuery, 'limit'>): DeadLetter[] {
    this.#checkOpen();
    const all = Array.from(this.#database.pipelines.values()).flatMap((slices) => slices.flatMap((records) => [...records.deadLetters()]));
    return all.filter(letterFilter(query)).sort((a, b) => compareText(a.id, b.id));
  }

  #commit(records: PartitionRecords, commit: Commit): Committed {
    const sends = this.#routed(commit.sends);
    records.judge(commit);
    this.#database.tables.write(commit.rows);
    // From here on nothing throws.
    const [deliveries, gaps] = [records.deliveries.size, records.gaps.size];
    records.apply(commit);
    if (commit.inbox !== undefined) this.#database.inbox?.insert(commit.inbox);
    for (const answer of commit.answers ?? []) this.#database.commands.answer(answer);
    for (const progress of commit.operations ?? []) this.#database.operations.advance(progress);
    for (const entry of commit.audit ?? []) this.#database.audit.note(entry);
    return { sends: this.#append(sends), deliveriesAdded: records.deliveries.size - deliveries, gapsAdded: records.gaps.size - gaps };
  }

  #portOf(inbox: MemoryInbox): Inbox {
    return {
      waiting: async (_pipelines, countMax) => {
        this.#checkOpen();
        return inbox.waiting(countMax);
      },
      rows: async (query) => {
        this.#checkOpen();
        return inbox.rows(query);
      },
      listen: (grown) => inbox.listen(grown),
    };
  }

  /** @param own the records of the partition whose lease takes them */
  #takeInbox(own: PartitionRecords, takings: readonly InboxTaking[]): readonly InboxTaken[] {
    const { inbox } = this.#database;
    const routed = takings.map((taking) => ({ taking, records: 'event' in taking ? this.#records(taking.event.partition) : own }));
    const taken = routed.map(({ taking, records }): InboxTaken => {
      if (inbox?.has(taking.place) !== true) return { status: 'gone' };
      const answer: InboxTaken = 'event' in taking ? records.append(taking.event) : { status: 'buried' };
      if ('letter' in taking) records.bury(taking.letter);
      if (answer.status !== 'late') inbox.delete(taking.place);
      return answer;
    });
    this.#announce(
      takings.flatMap((taking, at) => ('event' in taking && taken[at]?.status === 'accepted' ? [taking.event.partition] : [])),
    );
    return taken;
  }

  /** @param own the records of the partition whose lease takes it */
  #takeBatch(own: PartitionRecords, batch: SourceBatch): BatchTaken {
    const routed = batch.takings.map((taking) => ({ taking, records: 'event' in taking ? this.#records(taking.event.partition) : own }));
    if (!this.#database.sourceOffsets.move(batch)) return { status: 'moved' };
    const taken = routed.map(({ taking, records }): SourceTaken => {
      const answer: SourceTaken = 'event' in taking ? records.append(taking.event) : { status: 'buried' };
      if ('letter' in taking) records.bury(taking.letter);
      else if (answer.status === 'late' && taking.late !== undefined) own.bury(taking.late);
      return answer;
    });
    this.#announce(
      batch.takings.flatMap((taking, at) => ('event' in taking && taken[at]?.status === 'accepted' ? [taking.event.partition] : [])),
    );
    return { status: 'taken', taken };
  }

  #slicesOf(pipeline: string): readonly PartitionRecords[] {
    return Array.from({ length: this.partitions }, (_, slice) => new PartitionRecords({ pipeline, slice }));
  }

  /** Records the current shape of states. Returns whether there was another. */
  /** Records where the keys of a pipeline are, unless something is elsewhere. */
  #isMisplaced({ name, isTogether = false }: DeclaredPipeline): boolean {
    const { together, pipelines } = this.#database;
    const isOtherwise = this.partitions > 1 && (together.get(name) ?? isTogether) !== isTogether;
    if (isOtherwise && pipelines.get(name)?.some((slice) => !slice.isEmpty)) return true;
    together.set(name, isTogether);
    return false;
  }

  #noteShape({ name, state }: DeclaredPipeline): boolean {
    if (state === undefined) return false;
    const place = `${name} ${state.version}`;
    const shapes = (this.#database.shapes.get(place) ?? new Set()).add(state.shape);
    this.#database.shapes.set(place, shapes);
    return shapes.size > 1;
  }

  #checkOpen(): void {
    void this.#own;
  }

  get #own(): Omit<Member, 'since'> {
    if (this.#self !== undefined) return this.#self;
    throw new MillraceError('MILL_STORE_UNAVAILABLE', 'memory store: not open');
  }

  #records({ pipeline, slice }: PartitionId): PartitionRecords {
    this.#checkOpen();
    const records = this.#database.pipelines.get(pipeline)?.[slice];
    if (records !== undefined) return records;
    throw new MillraceError('MILL_INTERNAL', `memory store: expected a declared partition, found ${pipeline}/${slice}`);
  }

  /** Pairs each event with the records it goes to; throws before anything is appended. */
  #routed(events: readonly NewEvent[]): readonly (readonly [PartitionRecords, NewEvent])[] {
    this.#checkOpen();
    return events.map((event) => [this.#records(event.partition), event]);
  }

  #append(events: readonly (readonly [PartitionRecords, NewEvent])[]): readonly Appended[] {
    const appended = events.map(([records, event]) => records.append(event));
    this.#announce(events.filter((_, at) => appended[at]?.status === 'accepted').map(([, { partition }]) => partition));
    return appended;
  }

  /** Notifies the other engines, once per partition. */
  #announce(grown: readonly PartitionId[]): void {
    const partitions = new Map(grown.map((partition) => [`${partition.pipeline}/${partition.slice}`, partition]));
    for (const partition of partitions.values()) this.#tell((listener) => listener.appended(partition));
  }

  #sayThatItLives(): void {
    if (this.#database.members.beat(this.#own)) this.#rollChanged();
  }

  #rollChanged(): void {
    this.#tell((listener) => listener.rollChanged());
  }

  #tell(tell: (other: StoreListener) => void): void {
    for (const [listener, store] of this.#database.listeners) if (store !== this) tell(listener);
  }
}
