import type { MillraceError } from '../errors.ts';
import type { FaultyRow } from '../pipeline/source-rows.ts';
import type { CommandAnswer, Lease } from '../store/store.ts';
import { Admissions } from './admissions.ts';
import { CauseQueue } from './cause-queue.ts';
import { type CommitListener, Commits } from './commits.ts';
import type { Deadline } from './deadline.ts';
import { Dispatcher } from './dispatcher.ts';
import type { EngineContext, PartitionContext, PipelineContext, TenureContext } from './engine-context.ts';
import type { FedEvent } from './feed.ts';
import { Gaps } from './gaps.ts';
import { HeldKeys } from './held-keys.ts';
import { KeyActs } from './key-acts.ts';
import { KeysAtWork } from './keys-at-work.ts';
import type { LaneNeighbours } from './lane-neighbours.ts';
import { Lanes } from './lanes.ts';
import { DeliveryResolver } from './outbox/delivery-resolver.ts';
import { Outbox } from './outbox/outbox.ts';
import { Withdrawal } from './outbox/withdrawal.ts';
import { Resolver } from './resolver.ts';
import { TenureState } from './tenure-state.ts';

/** The dependencies of a tenure, provided by its partition. */
export interface TenureMeans {
  readonly engine: EngineContext;
  readonly pipeline: PipelineContext;
  readonly partition: PartitionContext;
  readonly lease: Lease;
  /** The highest position known to this process, which may be above that of the claim. */
  readonly head: number;
  /** Returns whether nobody else can work on the partition yet. */
  isHeld(): boolean;
  /** Notes that the store works: a commit has landed, or there is nothing to commit. `hasSettled` says whether anything was settled. */
  progressed(hasSettled: boolean): void;
  /** Notes that the store failed: the content of the disk is no longer known. */
  failed(error: unknown): void;
}

/** Keys that the door may load into memory before a search for idle ones. */
const warmedMax = 512;

/**
 * The work on a partition under one claim: read the log, order by key, run, commit, over and over. It ends when the store fails or the
 * engine stops, and nothing in its memory outlives it.
 *
 * | part | knows |
 * |---|---|
 * | `tenure-state.ts` | its state: working, ending, or failed |
 * | `dispatcher.ts` | how far the log has been read and given to lanes |
 * | `lanes.ts` | the order of each key |
 * | `commits.ts` | decisions that are not on disk yet |
 * | `held-keys.ts` | which keys may proceed with events held in the store |
 * | `gaps.ts`, `cause-queue.ts`, `outbox/` | the waits of keys: for numbers, moments, other programs |
 * | `keys-at-work.ts` | the remaining work of one key |
 * | `resolver.ts` | an operator's decisions about dead letters |
 * | `key-acts.ts` | an operator's decisions about one key |
 */
export class Tenure {
  /** The work of its keys. */
  readonly keys: KeysAtWork;
  /** Events admitted by the door. */
  readonly admissions: Admissions;
  /** Carries out an operator's orders about dead letters. */
  readonly resolver: Resolver;
  /** Carries out an operator's orders about keys. */
  readonly keyActs: KeyActs;
  /** Withdraws deliveries whose endpoint is gone. */
  readonly withdrawal: Withdrawal;
  /** Carries out an operator's orders about one delivery. */
  readonly deliveries: DeliveryResolver;
  readonly #means: TenureMeans;
  readonly #state: TenureState;
  readonly #commits: Commits;
  readonly #lanes: Lanes;
  readonly #dispatcher: Dispatcher;
  readonly #heldKeys: HeldKeys;
  readonly #gaps: Gaps;
  readonly #causes: CauseQueue;
  readonly #outbox: Outbox;
  /** Keys that the door loaded into memory since the last sweep. */
  #warmed = 0;
  #work: Promise<unknown> = Promise.resolve();

  constructor(means: TenureMeans) {
    const { engine, pipeline, partition, lease, head } = means;
    const { standing } = lease;
    this.#means = means;
    this.#state = new TenureState((error) => {
      this.#endWaits();
      means.failed(error);
    });
    const state = this.#state;
    this.#commits = new Commits({ engine, pipeline, partition, lease, state, progressed: means.progressed }, this.#followCommits());
    const context: TenureContext = {
      engine,
      pipeline,
      partition,
      isHeld: means.isHeld,
      draft: () => this.#commits.draft,
      drafted: () => this.#commits.flushSoon(),
      committed: () => this.#commits.committed(),
      failed: (error) => state.fail(error),
    };
    this.#lanes = new Lanes(context, this.#besideLanes(), this.#commits.landed);
    const lanes = this.#lanes;
    this.#dispatcher = new Dispatcher(context, { cursor: standing.cursor, head }, { state, lanes });
    this.#heldKeys = new HeldKeys(context, standing, { state, lanes });
    this.admissions = new Admissions(context, { peek: (key) => lanes.peek(key), mayHoldMore: () => this.#heldKeys.mayHoldMore });
    this.#gaps = new Gaps(context, lanes);
    this.#causes = new CauseQueue(context, lanes, this.#dispatcher);
    this.#outbox = new Outbox(context, { lanes, causes: this.#causes });
    this.resolver = new Resolver(context, { lanes, causes: this.#causes });
    this.withdrawal = new Withdrawal(context, lanes);
    this.keyActs = new KeyActs(context, lanes);
    this.deliveries = new DeliveryResolver(context, { lanes, outbox: this.#outbox });
    this.keys = new KeysAtWork(context, { state, lanes, outbox: this.#outbox, dispatcher: this.#dispatcher, landed: this.#commits.landed });
  }

  start(): void {
    this.#gaps.start(this.#means.lease.standing.gaps);
    this.#causes.start();
    this.#outbox.start();
    this.#work = Promise.all([this.#dispatcher.read(), this.#heldKeys.wake()]).catch((error: unknown) => this.#state.fail(error));
  }

  /** The lease under which it commits. */
  get lease(): Lease {
    return this.#means.lease;
  }

  /** The highest position known to be in the log. */
  get head(): number {
    return this.#dispatcher.head;
  }

  /** The position up to which it knows the partition to be settled. */
  get cursor(): number {
    return this.#commits.cursor;
  }

  /** Unsettled events in the log, not counting those that wait for their key. */
  get backlog(): number {
    return this.#dispatcher.head - this.#commits.cursor;
  }

  /** The time at which the oldest unsettled event that does not wait for its key was accepted; undefined if there is none. */
  get oldestUnreached(): number | undefined {
    return this.backlog > 0 ? this.#dispatcher.acceptedAfter(this.#commits.cursor) : undefined;
  }

  /** Accepted events waiting for a key whose next turn waits for room in a pipeline it sends to. */
  get throttled(): number {
    return this.#lanes.throttled;
  }

  /** True if nothing is left that could be done now. While the pipeline is paused this excludes turns and anything that leads to one. */
  get isIdle(): boolean {
    const nothingUnderWay = this.#commits.isIdle && this.#dispatcher.isSure;
    if (this.#isPaused) return nothingUnderWay && this.#lanes.isIdle && this.#gaps.isIdle && this.#outbox.isIdle;
    const nothingToRead = this.#dispatcher.isCaughtUp && !this.#heldKeys.isWaking;
    return nothingUnderWay && nothingToRead && this.#lanes.isIdle && this.#gaps.isIdle && this.#causes.isIdle && this.#outbox.isIdle;
  }

  /** Notes that the pipeline was paused or resumed. */
  pauseChanged(): void {
    if (!this.#state.isWorking) return;
    if (this.#isPaused) {
      this.#heldKeys.paused();
      this.#endReads();
    } else {
      this.#state.guard(() => this.#lanes.goOn());
      this.#wakeAgain();
    }
    this.#state.changed();
    this.#commits.flushSoon();
  }

  /** Announces accepted events, in position order. */
  offer(events: readonly FedEvent[]): void {
    this.#dispatcher.offer(events);
  }

  /** Finds unannounced events in the log: whoever appended them does not know whether they are there. */
  look(upTo?: number): Promise<void> {
    return this.#dispatcher.look(upTo);
  }

  /** Returns whether every earlier event of some keys is known to be settled or to wait for its key, with all of it on disk. */
  isCaughtUp(keys: readonly string[]): boolean {
    if (!this.#state.isWorking) return true;
    if (this.#dispatcher.isShared || !this.#commits.areUpToDate) return false;
    const isBusy = (key: string) => this.#lanes.peek(key)?.isBusy === true;
    return this.#isPaused || (this.#dispatcher.isCaughtUp && !keys.some(isBusy));
  }

  /** Resolves once every event accepted before the call (for some keys, or all) is settled or waits for its key, or the tenure ends. */
  async caughtUp(deadline: Deadline, keys?: readonly string[]): Promise<void> {
    await deadline.race(this.#dispatcher.lookedFor());
    await this.#dispatcher.caughtUp(deadline);
    const lanes = keys?.flatMap((key) => this.#lanes.peek(key) ?? []) ?? [];
    for (const lane of lanes) if (lane.isBusy && !this.#isPaused) await this.#lanes.rested(lane, deadline);
    if (keys === undefined && !this.#isPaused) await this.#lanes.allRested(deadline);
    await this.#commits.committed(deadline);
  }

  /** Resolves once it is idle or ends, or at the caller's deadline. */
  idle(deadline: Deadline): Promise<void> {
    return this.#state.until(() => this.isIdle, deadline);
  }

  /** Turns a row into a dead letter. Resolves when it is on disk, or the tenure ends. No event was received, so none counts as failed. */
  async bury({ origin, key, fault: reason, stack }: FaultyRow): Promise<void> {
    if (!this.#state.isWorking) return;
    const { newId, clock } = this.#means.engine;
    this.#commits.draft.bury({ kind: 'origin', id: newId(), key, reason, stack, failedAt: clock.now(), attempts: 0, origin });
    await this.#commits.committed();
  }

  /** Answers another engine's command. Resolves when the answer is on disk, or the tenure ends: then the command comes again. */
  async answer(answer: CommandAnswer): Promise<void> {
    if (!this.#state.isWorking) return;
    this.#commits.draft.answer(answer);
    await this.#commits.committed();
  }

  /** Resolves once the store has noted every current gap, or the tenure ends. */
  noteGaps(): Promise<void> {
    return this.#gaps.note();
  }

  /** Loads keys into memory for the door, which may refuse their events: then nothing else sweeps. Throws what the store throws. */
  async warm(keys: readonly string[]): Promise<void> {
    try {
      await this.#lanes.warm(keys);
      this.#warmed += keys.length;
      if (this.#warmed < warmedMax) return;
      this.#warmed = 0;
      this.#lanes.sweep();
    } catch (error) {
      this.#state.fail(error);
      throw error;
    }
  }

  /** Starts no further turns, aborts those under way, and resolves when no handler and no commit is running any more. */
  async end(reason: MillraceError): Promise<void> {
    this.#state.end();
    this.#dispatcher.close();
    this.#gaps.close();
    this.#causes.close();
    this.#outbox.close();
    const closed = this.#lanes.close(reason);
    this.#endWaits();
    await closed;
    await this.#work;
    await this.#commits.ended();
  }

  /** After the end: commits the turns' decisions up to then. Does nothing if a commit failed: then they are void. */
  commitRest(): Promise<void> {
    return this.#commits.commitRest();
  }

  /** After the end, or after `commitRest`: discards all decisions since the last commit. */
  abandon(): void {
    this.#commits.abandon();
  }

  #followCommits(): CommitListener {
    const { engine, progressed } = this.#means;
    return {
      closing: (draft) => this.#lanes.holdStragglers(draft),
      landed: () => this.#lanes.sweepSpent(),
      committed: (draft, { gapsAdded }) => {
        if (draft.gaps.length > 0) this.#gaps.committed(draft.gaps, gapsAdded);
        this.#causes.committed(draft);
        this.deliveries.committed(draft.deliveries);
        this.#outbox.committed(draft.deliveries);
      },
      rests: () => {
        if (this.isIdle) progressed(false);
      },
      flushed: () => {
        this.#lanes.resume();
        engine.room.changed();
        this.#state.changed();
      },
    };
  }

  #besideLanes(): LaneNeighbours {
    return {
      causeTouched: (write) => this.#causes.touch(write),
      leftDue: (key, firstDueAt) => this.#causes.lookAt(key, firstDueAt),
      gapBegan: (lane, waiting) => this.#gaps.begin(lane, waiting),
      gapEnded: (lane) => this.#gaps.end(lane),
      arriving: (key) => this.admissions.take(key),
    };
  }

  get #isPaused(): boolean {
    return this.#means.partition.pause.isPaused;
  }

  /** After a pause, wakes held keys once more: one may have been forgotten meanwhile. */
  #wakeAgain(): void {
    if (!this.#heldKeys.resumed()) return;
    this.#work = Promise.all([this.#work, this.#heldKeys.wake()]).catch((error: unknown) => this.#state.fail(error));
  }

  /** Ends all waits for its work. */
  #endWaits(): void {
    this.#endReads();
    this.#commits.landed.endWaits();
    this.#state.changed();
  }

  /** Ends all current waits for turns. */
  #endReads(): void {
    this.#dispatcher.endWaits();
    this.#lanes.endWaits();
  }
}
