import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { MillraceError, messageOf } from '../../../errors.ts';
import { Select } from '../../node-sqlite/select.ts';
import { isValueFault } from '../../node-sqlite/sqlite-errors.ts';
import { TableWriter } from '../../node-sqlite/tables.ts';
import { reasonHash } from '../../reason-pattern.ts';
import type {
  AuditEntry,
  NewDeadLetter,
  OperationChange,
  PartitionId,
  Pruned,
  Retention,
  Standing,
  StoreDeclaration,
  StoredOperation,
} from '../../store.ts';
import { auditColumns, auditRow } from '../../tables/audit-sql.ts';
import { failureColumns, toFailureRow } from '../../tables/dead-letter-columns.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import type { Request } from '../threads/thread-messages.ts';
import { forgetPiece } from './forget-pipeline.ts';
import { InboxWriter, type TakingRow } from './inbox-writer.ts';
import { OperationsWriter } from './operations-writer.ts';
import { PartitionDeliveries } from './partition-deliveries.ts';
import { PartitionKeys } from './partition-keys.ts';
import { PartitionLog } from './partition-log.ts';
import { type CommitRows, type EventRow, isBuried, isLate } from './rows.ts';
import { type OffsetMove, SourceOffsetWriter } from './source-offsets.ts';
import { BlockWriter } from './timeline-blocks.ts';

/** The result of a claim. */
export interface Claimed {
  /** The epoch for its commits; it rises with every claim. */
  readonly epoch: number;
  readonly standing: Standing;
}

/** The result of a commit; `sends` as numbers. */
interface WrittenCommit {
  readonly sends: readonly number[];
  readonly deliveriesAdded: number;
  readonly gapsAdded: number;
}

/** The calls that the writer's thread answers. Events are answered with numbers, see {@link PartitionLog.append}. */
export interface WriterMethods {
  claim(partition: PartitionId): Claimed;
  append(events: readonly EventRow[]): readonly number[];
  /** Asked of the writer, which is awake during heavy writing: waking another thread costs more than the answer. */
  inboxHasRows(): boolean;
  takeInbox(partition: PartitionId, epoch: number, takings: readonly TakingRow[]): readonly number[];
  /** Returns undefined if the offset differs. */
  takeBatch(partition: PartitionId, epoch: number, move: OffsetMove, takings: SourceTakingRows): readonly number[] | undefined;
  commit(commit: CommitRows): WrittenCommit;
  prune(retention: Retention): Pruned;
  setPaused(pipeline: string, isPaused: boolean, entry?: AuditEntry): void;
  noteAudit(entry: AuditEntry): void;
  forgetAudit(before: number): number;
  addOperation(operation: StoredOperation, entry?: AuditEntry): void;
  changeOperation(id: string, from: Pick<StoredOperation, 'state' | 'reached'>, change: OperationChange, entry?: AuditEntry): boolean;
  forgetBlocks(partition: PartitionId, before: number, limit: number): number;
  forgetPiece(pipeline: string): boolean;
}

/** A broker's records: each as an event, as a dead letter, or as an event with the letter for the case that it is late. */
export interface SourceTakingRows {
  readonly events: readonly (EventRow | null)[];
  /** Empty if there are none at all. */
  readonly letters: readonly (NewDeadLetter | null)[];
}

/** Weighs a request by the number of items it names. */
export function weigh({ parameters }: Request): number {
  let weight = 1;
  for (const parameter of parameters) {
    for (const part of Array.isArray(parameter) ? [parameter] : Object.values(parameter ?? {})) {
      if (Array.isArray(part)) weight += part.length;
    }
  }
  return weight;
}

interface Partition {
  readonly log: PartitionLog;
  readonly keys: PartitionKeys;
  readonly deliveries: PartitionDeliveries;
  readonly counts: Select<[held: number, deadLetters: number, parked: number, deliveries: number, gaps: number]>;
}

/** Does the store's writes with prepared statements, within the caller's transaction. */
export class Writer implements WriterMethods {
  readonly #db: DatabaseSync;
  readonly #partitions = new Map<string, Partition>();
  readonly #tables: TableWriter;
  readonly #inbox: InboxWriter;
  readonly #operations: OperationsWriter;
  readonly #sourceOffsets: SourceOffsetWriter;
  readonly #blocks: BlockWriter;
  /** The epochs of the last claims made here, by pipeline. */
  readonly #epochs = new Map<string, number>();
  readonly #claim: Select<[epoch: number, cursor: number]>;
  readonly #advance: StatementSync;
  readonly #bury: StatementSync;
  readonly #resolve: StatementSync;
  /** A gap is no longer listed, but its numbers stay known as skipped. */
  readonly #resolveGap: StatementSync;

  constructor(db: DatabaseSync, { pipelines, tables }: StoreDeclaration) {
    this.#db = db;
    this.#blocks = new BlockWriter(db);
    this.#inbox = new InboxWriter(db, {
      append: (event) => this.#partition(event[0], event[1]).log.append(event),
      bury: (partition, letter) => this.#buryLetter(partition, letter),
    });
    this.#sourceOffsets = new SourceOffsetWriter(db);
    for (const { name } of pipelines) {
      const { held, deliveries, gaps, keys } = tablesOf(name);
      this.#partitions.set(name, {
        log: new PartitionLog(db, name),
        keys: new PartitionKeys(db, name),
        deliveries: new PartitionDeliveries(db, name),
        counts: new Select(
          db,
          `SELECT (SELECT count(*) FROM ${held}), count(*), (SELECT count(*) FROM ${keys} WHERE parked = 1), (SELECT count(*) FROM ${deliveries}),
             (SELECT count(*) FROM ${gaps})
           FROM millrace_dead_letters WHERE pipeline = ? AND resolved = 0`,
        ),
      });
    }
    this.#tables = new TableWriter(db, tables);
    this.#operations = new OperationsWriter(db);
    this.#claim = new Select(
      db,
      `INSERT INTO millrace_partitions VALUES (?, ?, 1, 0)
       ON CONFLICT (pipeline, slice) DO UPDATE SET epoch = epoch + 1 RETURNING epoch, cursor`,
    );
    this.#advance = db.prepare('UPDATE millrace_partitions SET cursor = max(cursor, ?) WHERE pipeline = ? AND slice = ? AND epoch = ?');
    this.#bury = db.prepare(
      `INSERT INTO millrace_dead_letters
         (id, pipeline, slice, key, reason, failed_at, attempts, ${failureColumns}, stack, kind, reason_hash, resolved)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
    );
    this.#resolve = db.prepare('DELETE FROM millrace_dead_letters WHERE id = ? AND number_from IS NULL');
    this.#resolveGap = db.prepare('UPDATE millrace_dead_letters SET resolved = 1 WHERE id = ? AND number_from IS NOT NULL');
  }

  /** Call it after a rollback: cached data is reread. */
  reload(): void {
    for (const { log } of this.#partitions.values()) log.reload();
  }

  claim(id: PartitionId): Claimed {
    const { log, counts } = this.#partition(id.pipeline, id.slice);
    const [epoch, cursor] = this.#claim.get(id.pipeline, id.slice) ?? [0, 0];
    this.#checkIsOurs(id, epoch);
    const [held, deadLetters, parked, deliveries, gaps] = counts.get(id.pipeline) ?? [0, 0, 0, 0, 0];
    const block = this.#blocks.last(id);
    const standing = { cursor, head: log.head, held, deadLetters, parked, deliveries, gaps };
    return { epoch, standing: block === undefined ? standing : { ...standing, block } };
  }

  append(events: readonly EventRow[]): readonly number[] {
    return events.map((event) => this.#partition(event[0], event[1]).log.append(event));
  }

  inboxHasRows(): boolean {
    return this.#inbox.hasRows;
  }

  takeInbox(partition: PartitionId, epoch: number, takings: readonly TakingRow[]): readonly number[] {
    this.#advanceCursor({ partition, epoch, cursor: 0 });
    return this.#inbox.take(partition, takings);
  }

  takeBatch(partition: PartitionId, epoch: number, move: OffsetMove, { events, letters }: SourceTakingRows): readonly number[] | undefined {
    this.#advanceCursor({ partition, epoch, cursor: 0 });
    if (!this.#sourceOffsets.move(move)) return undefined;
    return events.map((event, at) => {
      const letter = letters[at] ?? null;
      const answer = event === null ? isBuried : this.#partition(event[0], event[1]).log.append(event);
      if (letter !== null && (event === null || answer === isLate)) this.#buryLetter(partition, letter);
      return answer;
    });
  }

  commit(commit: CommitRows): WrittenCommit {
    try {
      return this.#commit(commit);
    } catch (thrown) {
      if (!isValueFault(thrown)) throw thrown;
      const message = `the database cannot hold a turn's decisions: ${messageOf(thrown)}`;
      throw new MillraceError('MILL_COMMIT_REFUSED', message, { cause: thrown });
    }
  }

  prune(retention: Retention): Pruned {
    const { pipeline, slice } = retention.partition;
    return this.#partition(pipeline, slice).log.prune(retention);
  }

  #commit(commit: CommitRows): WrittenCommit {
    const { pipeline, slice } = commit.partition;
    const { keys, deliveries } = this.#partition(pipeline, slice);
    this.#advanceCursor(commit);
    for (const hold of commit.holds) keys.hold(hold);
    for (const release of commit.releases) keys.release(release);
    for (const update of commit.keys) keys.update(update);
    let gapsAdded = 0;
    for (const gap of commit.gaps) gapsAdded += keys.writeGap(gap);
    for (const cause of commit.causes) keys.writeCause(cause);
    let deliveriesAdded = 0;
    for (const delivery of commit.deliveries) deliveriesAdded += deliveries.write(delivery);
    for (const write of commit.rows) this.#tables.write(write);
    for (const letter of commit.deadLetters) this.#buryLetter(commit.partition, letter);
    for (const id of commit.resolvedDeadLetters) {
      this.#resolve.run(id);
      this.#resolveGap.run(id);
    }
    this.#commitRest(commit);
    return { sends: this.append(commit.sends), deliveriesAdded, gapsAdded };
  }

  #commitRest({ partition, inbox = [], operations = [], audit = [], block }: CommitRows): void {
    for (const row of inbox) this.#inbox.insert(row);
    for (const progress of operations) this.#operations.advance(progress);
    for (const entry of audit) this.noteAudit(entry);
    if (block !== undefined) this.#blocks.add(partition, block);
  }

  /** Operators' actions are rare, and so is deleting them. */
  noteAudit(entry: AuditEntry): void {
    const places = auditColumns.map(() => '?').join(', ');
    this.#db.prepare(`INSERT INTO millrace_audit VALUES (${places})`).run(...auditRow(entry));
  }

  forgetAudit(before: number): number {
    this.#operations.forget(before);
    return Number(this.#db.prepare('DELETE FROM millrace_audit WHERE at < ?').run(before).changes);
  }

  addOperation(operation: StoredOperation, entry?: AuditEntry): void {
    if (entry !== undefined) this.noteAudit(entry);
    this.#operations.add(operation);
  }

  changeOperation(id: string, from: Pick<StoredOperation, 'state' | 'reached'>, change: OperationChange, entry?: AuditEntry): boolean {
    const isChanged = this.#operations.change(id, from, change);
    if (isChanged && entry !== undefined) this.noteAudit(entry);
    return isChanged;
  }

  forgetBlocks(partition: PartitionId, before: number, limit: number): number {
    return this.#blocks.forget(partition, before, limit);
  }

  setPaused(pipeline: string, isPaused: boolean, entry?: AuditEntry): void {
    this.#partition(pipeline, 0);
    if (entry !== undefined) this.noteAudit(entry);
    if (isPaused) this.#db.prepare('INSERT OR IGNORE INTO millrace_paused VALUES (?)').run(pipeline);
    else this.#db.prepare('DELETE FROM millrace_paused WHERE pipeline = ?').run(pipeline);
  }

  /** Deletes some of an undeclared pipeline's data; returns whether anything is left. */
  forgetPiece(pipeline: string): boolean {
    if (!this.#partitions.has(pipeline)) return forgetPiece(this.#db, pipeline);
    throw new MillraceError('MILL_CONFLICT', `expected an undeclared pipeline, found ${pipeline}`);
  }

  /** The file has one owner: a foreign claim comes from a process that has taken it regardless. */
  #checkIsOurs({ pipeline, slice }: PartitionId, epoch: number): void {
    const before = this.#epochs.get(pipeline);
    if (before !== undefined && epoch > before + 1) {
      throw new MillraceError('MILL_STORE_OWNED', `partition ${pipeline}/${slice}: another process has since claimed it`);
    }
    this.#epochs.set(pipeline, epoch);
  }

  /** A single statement doubles as the fence: there is no row of another epoch to move. */
  #advanceCursor({ partition: { pipeline, slice }, epoch, cursor }: Pick<CommitRows, 'partition' | 'epoch' | 'cursor'>): void {
    if (this.#advance.run(cursor, pipeline, slice, epoch).changes !== 0) return;
    throw new MillraceError(
      'MILL_STORE_FENCED',
      `partition ${pipeline}/${slice}: expected a commit of the latest claim, found epoch ${epoch}`,
    );
  }

  #buryLetter({ pipeline, slice }: PartitionId, letter: NewDeadLetter): void {
    const { id, key, reason, stack, failedAt, attempts } = letter;
    const failure = toFailureRow(letter);
    this.#bury.run(id, pipeline, slice, key, reason, failedAt, attempts, ...failure, stack, letter.kind, reasonHash(reason));
  }

  #partition(pipeline: string, slice: number): Partition {
    const partition = this.#partitions.get(pipeline);
    if (partition !== undefined && slice === 0) return partition;
    throw new MillraceError('MILL_INTERNAL', `expected slice 0 of a declared pipeline, found ${pipeline}/${slice}`);
  }
}
