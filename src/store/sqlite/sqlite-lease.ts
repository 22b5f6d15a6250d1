import { MillraceError } from '../../errors.ts';
import { checkMoments } from '../commit-moments.ts';
import type { Commit, Committed, Lease, PartitionId, Standing } from '../store.ts';
import { toAppended, toCommitRows } from './partition/rows.ts';
import type { Claimed, WriterCalls } from './partition/writer.ts';
import type { Thread } from './threads/thread.ts';

/** A lease of a file that one store has to itself: it ends with the next claim, and never runs out. Its commits name the epoch of its claim. */
export class SqliteLease implements Lease {
  readonly partition: PartitionId;
  readonly standing: Standing;
  readonly #epoch: number;
  readonly #writer: () => Thread<WriterCalls>;
  #isReleased = false;
  #isTakenOver = false;

  constructor(writer: () => Thread<WriterCalls>, partition: PartitionId, { epoch, standing }: Claimed) {
    this.partition = partition;
    this.standing = standing;
    this.#epoch = epoch;
    this.#writer = writer;
  }

  /** Another claim has been answered. Commits need not know: the epoch in the file keeps them out. */
  takenOver(): void {
    this.#isTakenOver = true;
  }

  async commit(commit: Commit): Promise<Committed> {
    this.#check(this.#isReleased);
    checkMoments(commit);
    const { sends, ...added } = await this.#writer().call('commit', toCommitRows(this.partition, this.#epoch, commit));
    return { sends: sends.map(toAppended), ...added };
  }

  async renew(): Promise<void> {
    this.#check(this.#isReleased || this.#isTakenOver);
  }

  async release(): Promise<void> {
    this.#isReleased = true;
  }

  #check(isOver: boolean): void {
    if (!isOver) return;
    const { pipeline, slice } = this.partition;
    throw new MillraceError('MILL_STORE_FENCED', `partition ${pipeline}/${slice}: expected the latest lease, found one that is over`);
  }
}
