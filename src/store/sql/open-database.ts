import { MillraceError } from '../../errors.ts';
import type { FoundValue } from '../../pipeline/table.ts';
import { selfAsMember } from '../member.ts';
import type {
  Appended,
  AuditEntry,
  AuditQuery,
  BatchTaken,
  CommandAnswer,
  Commit,
  Committed,
  DeadLetter,
  DeadLetterCount,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterGroupQuery,
  DeadLetterQuery,
  InboxQuery,
  InboxRow,
  InboxTaken,
  InboxTaking,
  InventoryQuery,
  ListBounds,
  NamedCount,
  NewEvent,
  Opened,
  OperationQuery,
  Operations,
  PartitionId,
  Pruned,
  Retention,
  Roll,
  SourceBatch,
  SourceOffset,
  StoreDeclaration,
  StoredCommand,
  StoredOperation,
  StoredPipeline,
  StoreListener,
  StoreLogger,
} from '../store.ts';
import { auditSelect, toAuditEntry } from '../tables/audit-sql.ts';
import { type ArrivalRow, arrivalsStatement, type GroupRow, groupsStatement, toGroups } from '../tables/dead-letter-groups.ts';
import { letterCountStatement } from '../tables/dead-letter-rows.ts';
import { operationsSelect, operationUpdate, toOperation } from '../tables/operations-sql.ts';
import { type Connections, runFlight } from './connection/connections.ts';
import { Flight } from './connection/flight.ts';
import { Lane } from './connection/lane.ts';
import type { Announcing, Asked, Dialect, OpenedTables, SqlSettings } from './dialect.ts';
import { InboxLookout } from './inbox-lookout.ts';
import { type Claimed, Process } from './lease/process.ts';
import { Lookouts } from './lookouts.ts';
import { OwnHeads } from './own-heads.ts';
import type { Read } from './read/bounded.ts';
import { readDeadLetters } from './read/dead-letter-reads.ts';
import { GroupedReads } from './read/grouped-reads.ts';
import { readInbox, readWaiting } from './read/inbox-reads.ts';
import { readInventory } from './read/inventory.ts';
import { PartitionReads } from './read/partition-reads.ts';
import type { SqlStatements } from './statements.ts';
import { Appends } from './write/appends.ts';
import { addAudit } from './write/audit-statements.ts';
import { forgetBlocks } from './write/block-statements.ts';
import { answersTo, giveFlight, toAnswers } from './write/command-statements.ts';
import { Commits } from './write/commits.ts';
import { DeclaredRows } from './write/declared-rows.ts';
import { forgetPipeline } from './write/forget-pipeline.ts';
import { takeInbox } from './write/inbox-takes.ts';
import { addOperation } from './write/operation-statements.ts';
import { PruneFloors } from './write/prune-floors.ts';
import { readSourceOffsets, SourceBatches } from './write/source-batches.ts';

/** Additional inputs to an opening. */
interface Opening {
  readonly log: StoreLogger | undefined;
  /** Aborts the opening. */
  readonly signal: AbortSignal | undefined;
}

/** The result of an opening. */
interface Found extends OpenedTables {
  readonly partitions: number;
  readonly statements: SqlStatements;
  readonly select: Dialect<SqlSettings>['select'];
  readonly announce: Dialect<SqlSettings>['announce'];
}

/** For databases without notifications. */
const untold: Pick<Announcing, 'grown'> = { grown: () => undefined };

/** An open database. It throws the driver's errors. */
export class OpenDatabase {
  readonly opened: Opened;
  readonly #statements: SqlStatements;
  readonly #select: Dialect<SqlSettings>['select'];
  readonly #announcing: Announcing | undefined;
  readonly #listener: Pick<Announcing, 'grown'>;
  readonly #lookouts: Lookouts;
  readonly #inbox: InboxLookout;
  readonly #partitions: number;
  readonly #declared: ReadonlySet<string>;
  readonly #connections: Connections;
  readonly #process: Process;
  readonly #appends: Appends;
  readonly #ownHeads = new OwnHeads();
  readonly #commits: Commits;
  readonly #sourceBatches: SourceBatches;
  readonly #floors = new PruneFloors();
  /** Answers the engine's questions about partitions. */
  readonly #reads: GroupedReads;
  /** Answers outside questions about a few keys or dead letters. */
  readonly #lookups: Lane;
  /** Answers queries from outside, which may take any time. */
  readonly #queries: Lane;
  /** Answers the engine's own queries. */
  readonly #own = new Lane(1);

  private constructor(connections: Connections, process: Process, { pipelines }: StoreDeclaration, found: Found) {
    const { opened, tables, partitions, statements, select, announce } = found;
    this.opened = opened;
    this.#partitions = partitions;
    this.#statements = statements;
    this.#select = select;
    this.#connections = connections;
    this.#process = process;
    this.#declared = new Set(pipelines.map(({ name }) => name));
    this.#announcing = announce(connections, process.id, () => this.#inbox.notified());
    this.#listener = this.#announcing ?? untold;
    this.#inbox = new InboxLookout(connections, this.#announcing !== undefined);
    this.#lookouts = new Lookouts(connections, statements.reads, { process: process.id, pipelines: this.#declared, own: this.#ownHeads });
    this.#reads = new GroupedReads((...read) => connections.read(...read), connections.errors.isRefusal);
    this.#appends = new Appends(connections, statements.writes, this.#listener);
    const rows = new DeclaredRows(statements.declared, tables);
    this.#commits = new Commits({ connections, statements: statements.writes, rows, listener: this.#listener });
    this.#sourceBatches = new SourceBatches({ connections, statements: statements.writes, listener: this.#listener });
    // Outside callers never take the last connections.
    const share = Math.max(1, Math.floor(connections.options.maxConnections / 5));
    this.#lookups = new Lane(share);
    this.#queries = new Lane(share);
  }

  static async open<Settings extends SqlSettings>(
    dialect: Dialect<Settings>,
    settings: Settings,
    declaration: StoreDeclaration,
    { log, signal }: Opening,
  ): Promise<OpenDatabase> {
    const { statements, select, announce } = dialect;
    const connections = await dialect.connect(settings);
    const isOpen = connections.endWith(signal);
    try {
      await dialect.checkServer(connections, log);
      const { opened, tables } = await dialect.declare(connections, settings, declaration);
      const process = new Process({ connections, statements }, selfAsMember(declaration), settings);
      const { partitions } = settings;
      return new OpenDatabase(connections, process, declaration, { opened, tables, partitions, statements, select, announce });
    } catch (error) {
      await connections.close();
      throw error;
    } finally {
      isOpen();
    }
  }

  async claim(partition: PartitionId): Promise<Claimed> {
    this.#check(partition);
    return this.#process.claim(partition);
  }

  async commit(partition: PartitionId, epoch: number, commit: Commit): Promise<Committed> {
    for (const send of commit.sends) this.#check(send.partition);
    return this.#commits.commit(partition, epoch, commit);
  }

  /** Reports what other processes have appended to logs. Without notifications it polls. */
  listen(listener: StoreListener): () => void {
    return (this.#announcing ?? this.#lookouts).listen(listener);
  }

  beat(): Promise<Roll> {
    return this.#process.beat();
  }

  release(partition: PartitionId, epoch: number): Promise<void> {
    return this.#process.release(partition, epoch);
  }

  async give(command: StoredCommand, forMs: number): Promise<void> {
    this.#check(command.partition);
    await this.#connections.write(() => giveFlight(this.#statements, command, { forMs, giver: this.#process.id }));
  }

  async answers(ids: readonly string[]): Promise<readonly CommandAnswer[]> {
    const [found] = await this.#connections.read(answersTo(this.#statements, ids));
    return toAnswers(found?.rows ?? []);
  }

  async withdraw(ids: readonly string[]): Promise<readonly CommandAnswer[]> {
    let answers: readonly CommandAnswer[] = [];
    await this.#connections.write(() => {
      const flight = new Flight();
      this.#statements.writes.addWithdrawal(flight, ids, (rows) => {
        answers = toAnswers(rows);
      });
      return flight;
    });
    return answers;
  }

  async append(events: readonly NewEvent[]): Promise<readonly Appended[]> {
    for (const event of events) this.#check(event.partition);
    return this.#ownHeads.follow(events, this.#appends.append(events));
  }

  inboxWaiting(pipelines: readonly string[], countMax: number): Promise<readonly NamedCount[]> {
    return readWaiting((...statements) => this.#connections.read(...statements), this.#statements.reads, { pipelines, countMax });
  }

  inboxRows(query: InboxQuery): Promise<readonly InboxRow[]> {
    return readInbox((...statements) => this.#connections.read(...statements), this.#statements.reads, query);
  }

  async takeInbox(partition: PartitionId, epoch: number, takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]> {
    this.#check(partition);
    for (const taking of takings) if ('event' in taking) this.#check(taking.event.partition);
    return takeInbox(
      { connections: this.#connections, statements: this.#statements.writes, listener: this.#listener, partition, epoch },
      takings,
    );
  }

  sourceOffsets(pipeline: string, source: string): Promise<readonly SourceOffset[]> {
    return readSourceOffsets((...statements) => this.#connections.read(...statements), pipeline, source);
  }

  async takeBatch(partition: PartitionId, epoch: number, batch: SourceBatch): Promise<BatchTaken> {
    this.#check(partition);
    for (const taking of batch.takings) if ('event' in taking) this.#check(taking.event.partition);
    return this.#sourceBatches.take({ partition, epoch, batch });
  }

  listenToInbox(grown: () => void): () => void {
    return this.#inbox.listen(grown);
  }

  /** Returns reads of a partition; those with a signal are for callers outside the engine. */
  of(partition: PartitionId, signal?: AbortSignal): PartitionReads {
    this.#check(partition);
    const { reads } = this.#statements;
    if (signal === undefined) return new PartitionReads((...statements) => this.#reads.read(...statements), reads, partition);
    const read: Read = (...statements) => this.#lookups.run(() => this.#connections.read(...statements), signal);
    return new PartitionReads(read, reads, partition);
  }

  async deadLetters(query: DeadLetterQuery, bounds: ListBounds, signal?: AbortSignal): Promise<readonly DeadLetter[]> {
    const { reads } = this.#statements;
    const read = () => this.#connections.reading(({ run }) => readDeadLetters({ run, statements: reads }, query, bounds), signal);
    return this.#lookups.run(read, signal);
  }

  async countDeadLetters(filter: DeadLetterFilter, signal?: AbortSignal): Promise<DeadLetterCount> {
    const { letters } = this.#statements.reads;
    const [found] = await this.#lookups.run(() => this.#connections.read(letterCountStatement(filter, letters)), signal);
    const [count, last] = found?.rows[0] ?? [];
    return { count: Number(count ?? 0), last: last === null || last === undefined ? null : String(last) };
  }

  async deadLetterGroups(query: DeadLetterGroupQuery, signal?: AbortSignal): Promise<readonly DeadLetterGroup[]> {
    const { letters } = this.#statements.reads;
    const statements = [groupsStatement(query, letters), arrivalsStatement(query, letters)];
    const [groups, arrivals] = await this.#lookups.run(() => this.#connections.read(...statements), signal);
    return toGroups((groups?.rows ?? []) as unknown as readonly GroupRow[], (arrivals?.rows ?? []) as unknown as readonly ArrivalRow[]);
  }

  async addOperation(operation: StoredOperation, entry?: AuditEntry): Promise<void> {
    await this.#connections.write(() => {
      const flight = new Flight();
      addOperation(flight, this.#statements.writes, operation);
      addAudit(flight, this.#statements.writes, entry === undefined ? [] : [entry]);
      return flight;
    });
  }

  async operations(query: OperationQuery): Promise<readonly StoredOperation[]> {
    const [found] = await this.#own.run(() => this.#connections.read(operationsSelect(query, (nth) => `$${nth}`)));
    return (found?.rows ?? []).map(toOperation);
  }

  async changeOperation(...[id, from, change, entry]: Parameters<Operations['change']>): Promise<boolean> {
    return this.#connections.writing(async (transaction) => {
      const { count } = await transaction.run(operationUpdate({ id, from, change }, (nth) => `$${nth}`));
      if (count === 0) return false;
      const flight = new Flight();
      addAudit(flight, this.#statements.writes, entry === undefined ? [] : [entry]);
      await runFlight(transaction, flight);
      return true;
    });
  }

  async query(asked: Asked, signal?: AbortSignal): Promise<Record<string, FoundValue>[]> {
    const lane = signal === undefined ? this.#own : this.#queries;
    return lane.run(() => this.#select(this.#connections, asked, signal), signal);
  }

  async prune(retention: Retention): Promise<Pruned> {
    this.#check(retention.partition);
    let answer: Pruned = { count: 0, after: null };
    await this.#connections.write(() =>
      this.#statements.writes.prune(retention, this.#floors, (pruned) => {
        answer = pruned;
      }),
    );
    return answer;
  }

  async noteAudit(entry: AuditEntry): Promise<void> {
    await this.#connections.write(() => {
      const flight = new Flight();
      addAudit(flight, this.#statements.writes, [entry]);
      return flight;
    });
  }

  async audit(query: AuditQuery, signal?: AbortSignal): Promise<readonly AuditEntry[]> {
    const [found] = await this.#lookups.run(() => this.#connections.read(auditSelect(query, (nth) => `$${nth}`)), signal);
    return (found?.rows ?? []).map(toAuditEntry);
  }

  async forgetAudit(before: number): Promise<number> {
    return this.#connections.writing(async ({ run }) => {
      await run({ text: 'DELETE FROM millrace_operations WHERE asked_at < $1', values: [before] });
      const { count } = await run({ text: 'DELETE FROM millrace_audit WHERE at < $1', values: [before] });
      return count;
    });
  }

  async forgetBlocks(partition: PartitionId, before: number, limit: number): Promise<number> {
    this.#check(partition);
    return this.#connections.writing((transaction) => forgetBlocks(transaction, partition, { before, limit }));
  }

  async setPaused(pipeline: string, isPaused: boolean, entry?: AuditEntry): Promise<void> {
    this.#check({ pipeline, slice: 0 });
    await this.#connections.write(() => {
      const flight = new Flight();
      flight.add({ text: `UPDATE millrace_pipelines SET paused = ${isPaused} WHERE pipeline = $1`, values: [pipeline] });
      addAudit(flight, this.#statements.writes, entry === undefined ? [] : [entry]);
      return flight;
    });
  }

  /** Counting may take long, and nobody outside waits for it. */
  async inventory(query: InventoryQuery): Promise<readonly StoredPipeline[]> {
    return this.#own.run(() => this.#connections.reading((transaction) => readInventory(transaction, this.#statements.reads, query)));
  }

  async forget(pipeline: string): Promise<void> {
    if (this.#declared.has(pipeline)) throw new MillraceError('MILL_CONFLICT', `expected an undeclared pipeline, found ${pipeline}`);
    await forgetPipeline(this.#connections, this.#statements, pipeline);
  }

  /** Releases whatever others wait for; they notice by themselves if the database is gone. */
  async close(): Promise<void> {
    try {
      await this.#process.leave();
    } catch {
      // Its leases expire.
    }
    this.#lookouts.close();
    this.#inbox.close();
    await Promise.all([this.#announcing?.close(), this.#connections.close()]);
  }

  #check({ pipeline, slice }: PartitionId): void {
    if (this.#declared.has(pipeline) && slice >= 0 && slice < this.#partitions) return;
    throw new MillraceError(
      'MILL_INTERNAL',
      `expected a slice below ${this.#partitions} of a declared pipeline, found ${pipeline}/${slice}`,
    );
  }
}
