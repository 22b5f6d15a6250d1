import { MillraceError } from '../../errors.ts';
import type { BatchTaken, Commit, Committed, InboxTaken, InboxTaking, Lease, PartitionId, SourceBatch, Standing } from '../store.ts';
import type { MemoryMembers } from './memory-members.ts';

/** The dependencies of a lease, provided by the store that grants it. */
export interface MemoryLeaseMeans {
  readonly partition: PartitionId;
  readonly standing: Standing;
  commit(commit: Commit): Committed;
  takeInbox(takings: readonly InboxTaking[]): readonly InboxTaken[];
  takeBatch(batch: SourceBatch): BatchTaken;
  /** Called when it is free for others. */
  released(): void;
  /** Throws once the store is closed. */
  checkOpen(): void;
}

/** The leases of a database, at most one per partition. A lease lasts while its holder lives. */
export class MemoryLeases {
  readonly #members: Pick<MemoryMembers, 'lives'>;
  readonly #latest = new Map<string, { readonly lease: MemoryLease; readonly holder: string }>();

  constructor(members: Pick<MemoryMembers, 'lives'>) {
    this.#members = members;
  }

  /** Grants a lease to a holder. Throws `MILL_STORE_LEASED` while another live holder has it. */
  give(holder: string, means: MemoryLeaseMeans): MemoryLease {
    const owner = this.ownerOf(means.partition);
    if (owner !== null && owner !== holder)
      throw new MillraceError('MILL_STORE_LEASED', `partition ${nameOf(means.partition)}: another engine has its lease`);
    const lease = new MemoryLease(means, this);
    this.#latest.set(nameOf(means.partition), { lease, holder });
    return lease;
  }

  /** Returns the live holder of a partition's lease; null if there is none. */
  ownerOf(partition: PartitionId): string | null {
    const holder = this.#latest.get(nameOf(partition))?.holder;
    return holder !== undefined && this.#members.lives(holder) ? holder : null;
  }

  /** Throws `MILL_STORE_FENCED` once a lease is over. */
  check(lease: MemoryLease): void {
    const name = nameOf(lease.partition);
    if (this.#latest.get(name)?.lease !== lease) throw new MillraceError('MILL_STORE_FENCED', `partition ${name}: the lease is over`);
  }

  /** Returns whether it was the latest until now. */
  release(lease: MemoryLease): boolean {
    const name = nameOf(lease.partition);
    return this.#latest.get(name)?.lease === lease && this.#latest.delete(name);
  }
}

class MemoryLease implements Lease {
  readonly partition: PartitionId;
  readonly standing: Standing;
  readonly #means: MemoryLeaseMeans;
  readonly #leases: MemoryLeases;

  constructor(means: MemoryLeaseMeans, leases: MemoryLeases) {
    this.partition = means.partition;
    this.standing = means.standing;
    this.#means = means;
    this.#leases = leases;
  }

  async commit(commit: Commit): Promise<Committed> {
    this.#check();
    return this.#means.commit(commit);
  }

  async takeInbox(takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]> {
    this.#check();
    return this.#means.takeInbox(takings);
  }

  async takeBatch(batch: SourceBatch): Promise<BatchTaken> {
    this.#check();
    return this.#means.takeBatch(batch);
  }

  async release(): Promise<void> {
    this.#means.checkOpen();
    if (this.#leases.release(this)) this.#means.released();
  }

  #check(): void {
    this.#means.checkOpen();
    this.#leases.check(this);
  }
}

function nameOf({ pipeline, slice }: PartitionId): string {
  return `${pipeline}/${slice}`;
}
