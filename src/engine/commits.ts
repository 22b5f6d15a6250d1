import { MillraceError } from '../errors.ts';
import { heapWorked } from '../rested-heap.ts';
import type { Committed, Lease } from '../store/store.ts';
import type { Deadline } from './deadline.ts';
import { Draft } from './draft.ts';
import type { EngineContext, PartitionContext, PipelineContext } from './engine-context.ts';
import { Milestone } from './milestone.ts';
import type { TenureState } from './tenure-state.ts';

/** What commits work with; their tenure provides it. */
export interface CommitsMeans {
  readonly engine: EngineContext;
  readonly pipeline: PipelineContext;
  readonly partition: PartitionContext;
  readonly lease: Lease;
  readonly state: TenureState;
  /** The store does its work: a commit has landed, which settled something or not. */
  progressed(hasSettled: boolean): void;
}

/** The parts of a tenure that follow what becomes of its drafts. */
export interface CommitListener {
  /** A draft is about to be committed: what must go with it goes in now. */
  closing(draft: Draft): void;
  /** The newest draft is on disk; no partition has heard yet of what it sent. */
  landed(): void;
  /** A draft is on disk, and the partitions have heard of what it sent. */
  committed(draft: Draft, committed: Committed): void;
  /** There is nothing to commit. */
  rests(): void;
  /** There may be room for further turns. */
  flushed(): void;
}

/**
 * The drafts of a tenure and their commits. What turns decide gathers in one draft; one commit is under way at a time, and the next
 * draft goes when it has landed. After a commit that failed nobody knows what is on disk: the tenure fails, and no other commit follows.
 */
export class Commits {
  /** The newest draft that is on disk. */
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

  /** The draft that takes what is decided now. */
  get draft(): Draft {
    return this.#draft;
  }

  /** Up to where the partition is settled on disk. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Whether there is nothing to commit, and no commit under way. */
  get isIdle(): boolean {
    return this.#draft.isEmpty && this.#underWay === undefined;
  }

  /** Whether all that is drafted by now is on disk. */
  get areUpToDate(): boolean {
    return this.landed.reached >= this.#lastDrafted;
  }

  /** Commits at the end of this turn of the event loop, unless a commit is under way: then the next one takes it along. */
  flushSoon(): void {
    if (this.#flushIsDue || this.#underWay !== undefined) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      const { state } = this.#means;
      if (state.isWorking) state.guard(() => this.#flush());
    });
  }

  /** Resolves once all that is drafted by now is on disk, or the tenure ends. */
  async committed(deadline?: Deadline): Promise<void> {
    this.flushSoon();
    if (this.#means.state.isWorking) await this.landed.until(this.#lastDrafted, deadline);
  }

  /** Resolves when no commit is under way. None begins by itself once the tenure ends. */
  async ended(): Promise<void> {
    await this.#underWay;
  }

  /** After the end: commits what turns had decided until then. Does nothing when a commit failed: then that is void. */
  async commitRest(): Promise<void> {
    while (this.#underWay !== undefined || (!this.#draft.isEmpty && !this.#means.state.hasFailed)) {
      this.#flush();
      await this.#underWay;
    }
  }

  /** After the end, or after `commitRest`: what turns have decided since the last commit is void. */
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
    // Blocks rise, and say by their numbers about when they were committed.
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

  /** Unless the store says that it refused a draft, nobody knows whether that is on disk. */
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

  /** The draft is on disk: now it counts. */
  #took(draft: Draft, committed: Committed): void {
    const { engine, partition, progressed } = this.#means;
    partition.ledger.committed(draft, committed.deliveriesAdded, engine.clock);
    engine.commitWatch.landed(partition.id.pipeline, draft, engine.clock.now());
    partition.refusals.committed(draft);
    this.#cursor = draft.cursor;
    this.landed.reach(draft.number);
    this.#listener.landed();
    // That an attempt has failed is no progress, however often it is tried.
    progressed(draft.turns + draft.counts.failed > 0 || draft.counts.retries === 0);
    if (draft.sends.length > 0) engine.eventLog.sent(draft.sends, committed.sends);
    engine.room.release(draft.sends);
    this.#listener.committed(draft, committed);
  }

  #next({ number, cursor }: Draft): Draft {
    return new Draft(number + 1, cursor, this.#means.pipeline.declaration.timeline);
  }

  /** The draft that has all that was decided by now. */
  get #lastDrafted(): number {
    return this.#draft.isEmpty ? this.#draft.number - 1 : this.#draft.number;
  }
}
