import { MillraceError } from '../../errors.ts';
import { checkMoments } from '../commit-moments.ts';
import type {
  BatchTaken,
  Commit,
  Committed,
  InboxTaken,
  InboxTaking,
  Lease,
  PartitionId,
  SourceBatch,
  SourceTaking,
  Standing,
} from '../store.ts';
import type { TakingRow } from './partition/inbox-writer.ts';
import { toAppended, toCommitRows, toEventRow, toInboxTaken, toSourceTaken } from './partition/rows.ts';
import type { Claimed, SourceTakingRows, WriterMethods } from './partition/writer.ts';
import type { Thread } from './threads/thread.ts';

/**
 * A lease of a file that serves a single store: it ends with the next claim, and never expires. Its commits name the epoch of its claim.
 */
export class SqliteLease implements Lease {
  readonly partition: PartitionId;
  readonly standing: Standing;
  readonly #epoch: number;
  readonly #writer: () => Thread<WriterMethods>;
  #isReleased = false;

  constructor(writer: () => Thread<WriterMethods>, partition: PartitionId, { epoch, standing }: Claimed) {
    this.partition = partition;
    this.standing = standing;
    this.#epoch = epoch;
    this.#writer = writer;
  }

  get isReleased(): boolean {
    return this.#isReleased;
  }

  async commit(commit: Commit): Promise<Committed> {
    this.#check();
    checkMoments(commit);
    const { sends, ...added } = await this.#writer().call('commit', toCommitRows(this.partition, this.#epoch, commit));
    return { sends: sends.map(toAppended), ...added };
  }

  async takeInbox(takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]> {
    this.#check();
    return (await this.#writer().call('takeInbox', this.partition, this.#epoch, takings.map(toTakingRow))).map(toInboxTaken);
  }

  async takeBatch({ takings, ...move }: SourceBatch): Promise<BatchTaken> {
    this.#check();
    const taken = await this.#writer().call('takeBatch', this.partition, this.#epoch, move, toSourceTakingRows(takings));
    return taken === undefined ? { status: 'moved' } : { status: 'taken', taken: taken.map(toSourceTaken) };
  }

  async release(): Promise<void> {
    this.#isReleased = true;
  }

  #check(): void {
    if (!this.#isReleased) return;
    const { pipeline, slice } = this.partition;
    throw new MillraceError('MILL_STORE_FENCED', `partition ${pipeline}/${slice}: the lease is over`);
  }
}

function toSourceTakingRows(takings: readonly SourceTaking[]): SourceTakingRows {
  const letters = takings.map((taking) => ('event' in taking ? taking.late : taking.letter) ?? null);
  return {
    events: takings.map((taking) => ('event' in taking ? toEventRow(taking.event) : null)),
    letters: letters.some((letter) => letter !== null) ? letters : [],
  };
}

function toTakingRow(taking: InboxTaking): TakingRow {
  return 'event' in taking ? [taking.place, toEventRow(taking.event), null] : [taking.place, null, taking.letter];
}
