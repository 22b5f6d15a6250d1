import { MillraceError } from '../errors.ts';
import { heapWorked } from '../rested-heap.ts';
import type { Committed, Lease } from '../store/store.ts';
import type { Deadline } from './deadline.ts';
import { Draft } from './draft.ts';
import type { EngineContext, PartitionContext, PipelineContext } from './engine-context.ts';
import { Milestone } from './milestone.ts';
import type { TenureState } from './tenure-state.ts';

/** The dependencies of commits, provided by their tenure. */
export interface CommitsMeans {
  readonly engine: EngineContext;
  readonly pipeline: PipelineContext;
  readonly partition: PartitionContext;
  readonly lease: Lease;
  readonly state: TenureState;
  /** Notes that the store works: a commit has landed. `hasSettled` says whether it settled anything. */
  progressed(hasSettled: boolean): void;
}

/** Implemented by the parts of a tenure that follow the fate of its drafts. */
export interface CommitListener {
  /** A draft is about to be committed: anything that must go with it is added now. */
  closing(draft: Draft): void;
  /** The newest draft is on disk; no partition knows yet of the events it sent. */
  landed(): void;
  /** A draft is on disk, and the partitions know of the events it sent. */
  committed(draft: Draft, committed: Committed): void;
  /** There is nothing to commit. */
  rests(): void;
  /** There may be room for more turns. */
  flushed(): void;
}

/**
 * The drafts of a tenure and their commits. Decisions of turns gather in one draft; one commit runs at a time, and the next draft is
 * committed once it has landed. After a failed commit the content of the disk is unknown: the tenure fails, and no other commit follows.
 */
export class Commits {
  /** The newest draft on disk. */
  readonly landed = new Milestone(0);
  readonly #means: CommitsMeans;
  readonly #listener: CommitListener;
  #draft: Draft;
  #cursor: number;
  /** The highest block. */
  #block: number;
  #underWay: Promise<void> | undefined;
  #flushIsDue = false;

  constructor(means: CommitsMeans, listener: CommitListener) {
    const { cursor, block = 0 } = means.lease.standing;
    this.#block = block;
    this.#means = means;
    this.#listener = listener;
    this.#cursor = cursor;
    this.#draft = new Draft(1, cursor, means.pipeline.declaration.timeline);
  }

  /** The draft that collects current decisions. */
  get draft(): Draft {
    return this.#draft;
  }

  /** The position up to which the partition is settled on disk. */
  get cursor(): number {
    return this.#cursor;
  }

  /** True if there is nothing to commit and no commit is under way. */
  get isIdle(): boolean {
    return this.#draft.isEmpty && this.#underWay === undefined;
  }

  /** True if everything drafted so far is on disk. */
  get areUpToDate(): boolean {
    return this.landed.reached >= this.#lastDrafted;
  }

  /** Commits at the end of this turn of the event loop; if a commit is under way, the next one includes the draft. */
  flushSoon(): void {
    if (this.#flushIsDue || this.#underWay !== undefined) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      const { state } = this.#means;
      if (state.isWorking) state.guard(() => this.#flush());
    });
  }

  /** Resolves once everything drafted so far is on disk, or the tenure ends. */
  async committed(deadline?: Deadline): Promise<void> {
    this.flushSoon();
    if (this.#means.state.isWorking) await this.landed.until(this.#lastDrafted, deadline);
  }

  /** Resolves when no commit is under way. None begins by itself once the tenure ends. */
  async ended(): Promise<void> {
    await this.#underWay;
  }

  /** After the end: commits the turns' decisions up to then. Does nothing if a commit failed: then they are void. */
  async commitRest(): Promise<void> {
    while (this.#underWay !== undefined || (!this.#draft.isEmpty && !this.#means.state.hasFailed)) {
      this.#flush();
      await this.#underWay;
    }
  }

  /** After the end, or after `commitRest`: discards all decisions since the last commit. */
  abandon(): void {
    this.#means.engine.room.release(this.#draft.sends);
    this.#draft = this.#next(this.#draft);
  }

  #flush(): void {
    const { state } = this.#means;
    if (this.#underWay !== undefined || state.hasFailed) return;
    const draft = this.#draft;
    if (!draft.isEmpty) {
      this.#listener.closing(draft);
      this.#draft = this.#next(draft);
      this.#underWay = this.#commit(draft);
    } else if (state.isWorking) {
      this.#listener.rests();
    }
    this.#listener.flushed();
  }

  async #commit(draft: Draft): Promise<void> {
    const { engine, pipeline, partition, lease, state } = this.#means;
    const from = engine.clock.elapsedMs();
    const span = engine.tracing?.start('commit', { 'millrace.pipeline': partition.id.pipeline, 'millrace.turns': draft.turns }, null);
    // Blocks rise, and their numbers approximate their commit times.
    this.#block = Math.max(this.#block + 1, engine.clock.now());
    let committed: Committed;
    try {
      committed = await lease.commit(draft.toCommit(this.#block));
    } catch (error) {
      span?.end(error);
      this.#underWay = undefined;
      this.#doubt(draft, error);
      state.fail(error);
      return;
    }
    span?.end();
    pipeline.counters.commitMs.record(engine.clock.elapsedMs() - from);
    pipeline.counters.commitTurns.record(draft.turns);
    this.#underWay = undefined;
    heapWorked();
    state.guard(() => {
      this.#took(draft, committed);
      if (state.isWorking) this.#flush();
    });
  }

  /** Unless the store says that it refused a draft, the draft may or may not be on disk. */
  #doubt(draft: Draft, error: unknown): void {
    const { engine, pipeline, partition } = this.#means;
    engine.room.release(draft.sends);
    if (error instanceof MillraceError && error.code === 'MILL_STORE_FENCED') pipeline.counters.count('fencedCommits');
    if (error instanceof MillraceError && error.code === 'MILL_COMMIT_REFUSED') partition.refusals.refused(draft, error);
    else {
      partition.ledger.doubted(draft);
      engine.eventLog.doubted(draft.sends);
    }
  }

  /** Notes that the draft is on disk and counts. */
  #took(draft: Draft, committed: Committed): void {
    const { engine, partition, progressed } = this.#means;
    partition.ledger.committed(draft, committed.deliveriesAdded, engine.clock);
    engine.commitWatch.landed(partition.id.pipeline, draft, engine.clock.now());
    partition.refusals.committed(draft);
    this.#cursor = draft.cursor;
    this.landed.reach(draft.number);
    this.#listener.landed();
    // A failed attempt is no progress, however often it is retried.
    progressed(draft.turns + draft.counts.failed > 0 || draft.counts.retries === 0);
    if (draft.sends.length > 0) engine.eventLog.sent(draft.sends, committed.sends);
    engine.room.release(draft.sends);
    this.#listener.committed(draft, committed);
  }

  #next({ number, cursor }: Draft): Draft {
    return new Draft(number + 1, cursor, this.#means.pipeline.declaration.timeline);
  }

  /** The draft that completes everything decided so far. */
  get #lastDrafted(): number {
    return this.#draft.isEmpty ? this.#draft.number - 1 : this.#draft.number;
  }
}
