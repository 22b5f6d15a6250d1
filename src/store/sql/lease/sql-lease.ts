import { checkMoments } from '../../commit-moments.ts';
import type { BatchTaken, Commit, Committed, InboxTaken, InboxTaking, Lease, PartitionId, SourceBatch, Standing } from '../../store.ts';
import { fenced } from './fenced.ts';
import type { Claimed } from './process.ts';

/** The dependencies of a lease, provided by the store that grants it. */
export interface LeaseMeans {
  commit(partition: PartitionId, epoch: number, commit: Commit): Promise<Committed>;
  takeInbox(partition: PartitionId, epoch: number, takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]>;
  takeBatch(partition: PartitionId, epoch: number, batch: SourceBatch): Promise<BatchTaken>;
  release(partition: PartitionId, epoch: number): Promise<void>;
}

/** A lease of a partition. Its commits name the epoch of its claim, which lets the database refuse those of earlier ones. */
export class SqlLease implements Lease {
  readonly partition: PartitionId;
  readonly standing: Standing;
  readonly #epoch: number;
  readonly #means: LeaseMeans;
  #isReleased = false;
  /** True once the database knows that it is released. */
  #isKnownReleased = false;

  constructor(means: LeaseMeans, partition: PartitionId, { epoch, standing }: Claimed) {
    this.partition = partition;
    this.standing = standing;
    this.#epoch = epoch;
    this.#means = means;
  }

  async commit(commit: Commit): Promise<Committed> {
    this.#check();
    checkMoments(commit);
    return this.#means.commit(this.partition, this.#epoch, commit);
  }

  async takeInbox(takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]> {
    this.#check();
    return this.#means.takeInbox(this.partition, this.#epoch, takings);
  }

  async takeBatch(batch: SourceBatch): Promise<BatchTaken> {
    this.#check();
    return this.#means.takeBatch(this.partition, this.#epoch, batch);
  }

  /** If the database could not be reached, the lease is still ours, and a further call retries. */
  async release(): Promise<void> {
    this.#isReleased = true;
    if (this.#isKnownReleased) return;
    await this.#means.release(this.partition, this.#epoch);
    this.#isKnownReleased = true;
  }

  #check(): void {
    if (this.#isReleased) throw fenced(this.partition);
  }
}
