import { MillraceError } from '../errors.ts';
import type { FaultyRow } from '../pipeline/source-rows.ts';
import type { Committed, DeadLetter, Lease, PartitionId } from '../store/store.ts';
import { Admissions } from './admissions.ts';
import { Condition } from './condition.ts';
import type { Deadline } from './deadline.ts';
import { Draft } from './draft.ts';
import type { PipelineMeans } from './engine-means.ts';
import { type FedEvent, Feed } from './feed.ts';
import type { GapWatch } from './gap-watch.ts';
import { Gaps } from './gaps.ts';
import { Lanes } from './lanes.ts';
import type { Ledger } from './ledger.ts';
import { Milestone } from './milestone.ts';
import type { Calls } from './outbox/calls.ts';
import { Outbox } from './outbox/outbox.ts';
import { Withdrawal } from './outbox/withdrawal.ts';
import type { Refusals } from './refusals.ts';
import { Resolver } from './resolver.ts';
import { TimerQueue } from './timer-queue.ts';
import type { Waits } from './waits.ts';

/** What a tenure works with; its partition provides it. */
export interface TenureMeans extends PipelineMeans {
  readonly partition: PartitionId;
  readonly refusals: Refusals;
  readonly ledger: Ledger;
  readonly waits: Waits;
  readonly gapWatch: GapWatch;
  readonly calls: Calls;
  /** Whether nobody else can work on the partition yet: no turn and no call begins where somebody may. */
  isHeld(): boolean;
  /** The store does its work: a commit has landed, which settled something or not, or there is nothing to commit. */
  progressed(hasSettled: boolean): void;
  /** The store failed: what is on disk is not known any more. */
  failed(error: unknown): void;
}

/** Events handed out by the feed at once. */
const batchMax = 512;

/**
 * One claim's time of work on a partition: read the log, order by key, run, commit, over and over. There is one commit
 * under way at a time; what turns decide meanwhile gathers in the next draft. It ends when the store fails or the engine
 * stops, and nothing that it had in memory outlives it.
 */
export class Tenure {
  readonly #means: TenureMeans;
  readonly #lease: Lease;
  readonly #feed: Feed;
  readonly #lanes: Lanes;
  /** What the door has let in. */
  readonly admissions: Admissions;
  readonly #gaps: Gaps;
  readonly #timers: TimerQueue;
  readonly #outbox: Outbox;
  readonly #resolver: Resolver;
  readonly #withdrawal: Withdrawal;
  readonly #condition = new Condition();
  #draft: Draft;
  #cursor: number;
  /** The last position that went to its lane. */
  readonly #dispatched: Milestone;
  #committing: Promise<void> | undefined;
  #flushIsDue = false;
  #looks = 0;
  /** Whether no key is forgotten of which the store holds events that go on: all that were left waiting have been in memory since. */
  #hasWoken: boolean;
  /** Whether keys with held events are being woken. */
  #isWaking = true;
  /** Whether that must begin anew: the pipeline was resumed meanwhile. */
  #mustWakeAgain = false;
  /** Keys that the door brought into memory since the last sweep. */
  #warmed = 0;
  #work: Promise<unknown> = Promise.resolve();
  #state: 'working' | 'ending' | 'failed' = 'working';

  /** @param head the highest position that this process knows of, which may be above that of the claim */
  constructor(means: TenureMeans, lease: Lease, head: number) {
    const { cursor, held } = lease.standing;
    this.#means = means;
    this.#lease = lease;
    this.#cursor = cursor;
    this.#hasWoken = held === 0;
    this.#dispatched = new Milestone(cursor);
    this.#draft = new Draft(1, cursor);
    this.#feed = new Feed(means.store, means.partition, { cursor, head }, { events: means.limits.feed, memory: means.memory });
    const committed = () => this.#committed();
    const failed = (error: unknown) => this.#fail(error);
    this.#lanes = new Lanes({
      ...means,
      draft: () => this.#draft,
      drafted: () => this.#flushSoon(),
      committed,
      isOneByOne: () => means.refusals.isSearching,
      timerTouched: (key, name) => this.#timers.touch(key, name),
      leftDue: (key, firstDueAt) => this.#timers.lookAt(key, firstDueAt),
      head: () => this.#feed.head,
      refusal: (cause) => means.refusals.take(cause),
      arriving: (key) => this.admissions.take(key),
      gapBegan: (lane, waiting) => this.#gaps.begin(lane, waiting),
      gapEnded: (lane) => this.#gaps.end(lane),
      failed,
    });
    this.admissions = new Admissions({ ...means, lanes: this.#lanes, mayHoldMore: () => this.#mayHoldMore });
    this.#gaps = new Gaps({
      ...means,
      skipAfterMs: means.pipeline.order?.skipAfterMs,
      lanes: this.#lanes,
      draft: () => this.#draft,
      drafted: () => this.#flushSoon(),
      committed,
      looked: () => this.#flushSoon(),
      failed,
    });
    this.#timers = new TimerQueue({
      ...means,
      lanes: this.#lanes,
      committed,
      dispatched: () => this.#dispatchedThroughPauses(this.#feed.head),
      looked: () => this.#flushSoon(),
      failed,
    });
    const drafting = { ...means, lanes: this.#lanes, timers: this.#timers, draft: () => this.#draft, drafted: () => this.#flushSoon() };
    this.#outbox = new Outbox({ ...drafting, failed }, means.pipeline.deliver, means.gates);
    this.#resolver = new Resolver({ ...drafting, committed, failed });
    this.#withdrawal = new Withdrawal({ ...drafting, committed });
  }

  start(): void {
    this.#gaps.start(this.#lease.standing.gaps);
    this.#timers.start();
    this.#outbox.start();
    this.#work = Promise.all([this.#read(), this.#wakeHeld()]).catch((error: unknown) => this.#fail(error));
  }

  /** The highest position known to be in the log. */
  get head(): number {
    return this.#feed.head;
  }

  /** Up to where it knows the partition to be settled. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Events in the log that are not settled, those that wait for their key left out. */
  get backlog(): number {
    return this.#feed.head - this.#cursor;
  }

  /** Accepted events that wait for a key whose next turn waits for room in a pipeline that it sends to. */
  get throttled(): number {
    return this.#lanes.throttled;
  }

  /** Whether nothing is left that could be done now. While the pipeline is paused that is no turn, and so nothing that leads to one. */
  get isIdle(): boolean {
    const nothingToCommit = this.#draft.isEmpty && this.#committing === undefined;
    if (this.#isPaused) return nothingToCommit && this.#looks === 0 && this.#lanes.isIdle && this.#gaps.isIdle && this.#outbox.isIdle;
    const nothingToRead = this.#dispatched.reached >= this.#feed.head && this.#looks === 0 && !this.#isWaking;
    return nothingToCommit && nothingToRead && this.#lanes.isIdle && this.#gaps.isIdle && this.#timers.isIdle && this.#outbox.isIdle;
  }

  /** The pipeline was paused or resumed. */
  pauseChanged(): void {
    if (this.#state !== 'working') return;
    if (this.#isPaused) {
      // From now on keys are forgotten that would go on.
      this.#hasWoken = false;
      this.#endReads();
    } else {
      this.#guarded(() => this.#lanes.goOn());
      this.#wakeAgain();
    }
    this.#condition.changed();
    this.#flushSoon();
  }

  /** Tells of accepted events, in position order. */
  offer(events: readonly FedEvent[]): void {
    const { head } = this.#feed;
    this.#feed.offer(events);
    this.#means.ledger.received(this.#feed.head - head);
  }

  /** Finds what is in the log that nobody told of: whoever brought it there does not know. */
  async look(): Promise<void> {
    const { store, partition, memory } = this.#means;
    this.#looks += 1;
    try {
      for (;;) {
        const events = await store.read(partition, this.#feed.head, batchMax, { charactersMax: memory.readMax });
        if (events.length === 0 || this.#state !== 'working') return;
        this.offer(events);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#looks -= 1;
      this.#flushSoon();
    }
  }

  /** Whether every event of some keys that was accepted before is settled or waits for its key, and all of it is on disk. */
  isCaughtUp(keys: readonly string[]): boolean {
    if (this.#state !== 'working') return true;
    if (this.#lanes.committed.reached < this.#lastDrafted) return false;
    const isBusy = (key: string) => this.#lanes.peek(key)?.isBusy === true;
    return this.#isPaused || (this.#dispatched.reached >= this.#feed.head && !keys.some(isBusy));
  }

  /** Resolves once every event accepted before the call (for some keys, or all) is settled or waits for its key, or the tenure ends. */
  async caughtUp(deadline: Deadline, keys?: readonly string[]): Promise<void> {
    await this.#dispatchedTo(this.#feed.head, deadline);
    const lanes = keys?.flatMap((key) => this.#lanes.peek(key) ?? []) ?? [];
    for (const lane of lanes) if (lane.isBusy && !this.#isPaused) await this.#lanes.rested(lane, deadline);
    if (keys === undefined && !this.#isPaused) await this.#lanes.allRested(deadline);
    await this.#committed(deadline);
  }

  /**
   * Resolves once nothing is left to do for a key now: its events are handled or wait for a retry or an operator, and so is what
   * they asked for. Or the tenure ends.
   */
  async finished(key: string, deadline?: Deadline): Promise<void> {
    await this.#until(() => this.#looks === 0, deadline);
    await this.#dispatchedTo(this.#feed.head, deadline);
    try {
      // What an earlier tenure left to do is on disk only.
      if (this.#isKeyed) await this.#lanes.warm([key]);
    } catch (error) {
      this.#fail(error);
    }
    await this.#until(() => this.#isFinished(key) || this.#isPaused, deadline);
  }

  /** Aborts what a key has under way, which has failed, and lets go of what it has not begun. */
  abort(key: string, reason: MillraceError): void {
    this.#lanes.abort(key, reason);
    this.#means.calls.cancel(key, reason);
    this.#outbox.letGo(key);
    this.#condition.changed();
  }

  /** Whether a key waits for its next turn to be tried again: after a failure, or once there is room for what it sends. */
  isBlocked(key: string): boolean {
    const status = this.#lanes.peek(key)?.status;
    return status === 'blocked' || status === 'throttled';
  }

  /** Begins no further call. */
  rest(): void {
    this.#outbox.rest();
    this.#condition.changed();
  }

  /** Resolves once it is idle or ends, or when the caller's time is over. */
  idle(deadline: Deadline): Promise<void> {
    return this.#until(() => this.isIdle, deadline);
  }

  redrive(letter: DeadLetter): Promise<void> {
    return this.#resolver.redrive(letter);
  }

  discard(letter: DeadLetter): Promise<void> {
    return this.#resolver.discard(letter);
  }

  /** Makes a dead letter of a row. Resolves when it is on disk, or the tenure ends. No event was received, so none counts as failed. */
  async bury({ origin, key, fault: reason, stack }: FaultyRow): Promise<void> {
    if (this.#state !== 'working') return;
    const { newId, clock } = this.#means;
    this.#draft.bury({ kind: 'origin', id: newId(), key, reason, stack, failedAt: clock.now(), attempts: 0, origin });
    await this.#committed();
  }

  /** Removes all deliveries of an endpoint that is not declared; returns how many there were. */
  withdraw(endpoint: string): Promise<number> {
    return this.#withdrawal.withdraw(endpoint);
  }

  /** Resolves once the store has noted every gap that there is by now, or the tenure ends. */
  noteGaps(): Promise<void> {
    return this.#gaps.note();
  }

  /** Brings keys into memory for the door, which may refuse their events: then nothing else sweeps. Throws what the store throws. */
  async warm(keys: readonly string[]): Promise<void> {
    try {
      await this.#lanes.warm(keys);
      this.#warmed += keys.length;
      if (this.#warmed < batchMax) return;
      this.#warmed = 0;
      this.#lanes.sweep();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Starts no further turn, aborts those under way, and resolves when no handler and no commit is at work any more. */
  async end(reason: MillraceError): Promise<void> {
    if (this.#state === 'working') this.#state = 'ending';
    this.#feed.close();
    this.#gaps.close();
    this.#timers.close();
    this.#outbox.close();
    const closed = this.#lanes.close(reason);
    this.#endWaits();
    await closed;
    await this.#work;
    // No other begins by itself any more: none may be under way when the partition is claimed again.
    await this.#committing;
  }

  /** After the end: commits what turns had decided until then. Does nothing when a commit failed: then that is void. */
  async commitRest(): Promise<void> {
    while (this.#committing !== undefined || (!this.#draft.isEmpty && this.#state !== 'failed')) {
      this.#flush();
      await this.#committing;
    }
  }

  /** After the end, or after `commitRest`: what turns have decided since the last commit is void. */
  abandon(): void {
    this.#means.room.release(this.#draft.sends);
    this.#draft = new Draft(this.#draft.number + 1, this.#draft.cursor);
  }

  /** The loop. It ends when the feed is closed. */
  async #read(): Promise<void> {
    for (;;) {
      const batch = await this.#feed.take(batchMax);
      if (batch.length === 0) return;
      await this.#dispatch(batch);
      this.#lanes.sweep();
      this.#condition.changed();
    }
  }

  async #dispatch(batch: readonly FedEvent[]): Promise<void> {
    const lanes = this.#lanes;
    for (let at = 0; at < batch.length; at += 1) {
      const event = batch[at] as FedEvent;
      const dispatch = () => this.#state === 'working' && lanes.dispatch(event);
      let isDispatched = lanes.isFull ? await lanes.inTurn(dispatch) : dispatch();
      // Most are in memory. Where one is not, others behind it may not be either, and all are brought in at once.
      while (this.#state === 'working' && !isDispatched) {
        lanes.sweep();
        await lanes.warm(batch.slice(at).map(({ key }) => key));
        isDispatched = dispatch();
      }
      if (this.#state !== 'working') return;
      this.#dispatched.reach(event.position);
    }
  }

  /** Of the keys that are not in memory only those hold events that wait for a number or an operator, or were not woken yet. */
  get #mayHoldMore(): boolean {
    const { gapWatch, ledger } = this.#means;
    return !this.#hasWoken || gapWatch.count > 0 || ledger.parkedKeys > 0;
  }

  get #isPaused(): boolean {
    return this.#means.pause.isPaused;
  }

  get #isKeyed(): boolean {
    return this.#means.pipeline.key !== undefined;
  }

  /** At the start: what an earlier tenure left held goes on. Parked keys and gaps stay as they are. */
  async #wakeHeld(): Promise<void> {
    let gaps = 0;
    do {
      await this.#until(() => !this.#isPaused);
      this.#mustWakeAgain = false;
      gaps = await this.#wakeEach();
    } while (this.#mustWakeAgain && this.#state === 'working');
    this.#isWaking = false;
    this.#hasWoken = !this.#isPaused;
    this.#flushSoon();
    const { parked, held } = this.#lease.standing;
    // Where nothing was held at the claim, the gaps have come since.
    if (this.#state === 'working') this.#means.waits.begun({ parked, gaps: held === 0 ? 0 : gaps });
  }

  /** After a pause the same once more: a key may have been forgotten meanwhile. */
  #wakeAgain(): void {
    this.#mustWakeAgain = true;
    if (this.#isWaking) return;
    this.#isWaking = true;
    this.#work = Promise.all([this.#work, this.#wakeHeld()]).catch((error: unknown) => this.#fail(error));
  }

  /** Wakes each key that has held events. Returns how many of them have a gap. */
  async #wakeEach(): Promise<number> {
    let gaps = 0;
    for await (const keys of this.#heldKeys()) {
      for (const [at, key] of keys.entries()) {
        if (this.#lanes.peek(key) === undefined) {
          this.#lanes.sweep();
          await this.#lanes.warm(keys.slice(at));
        }
        if (this.#lanes.peek(key)?.hasGap === true) gaps += 1;
        this.#lanes.wake(key);
      }
      await this.#until(() => !this.#lanes.isCrowded);
      this.#lanes.sweep();
    }
    return gaps;
  }

  /** The keys that have held events, many at a time, for as long as the tenure works. */
  async *#heldKeys(): AsyncGenerator<readonly string[]> {
    let after: string | null = null;
    for (;;) {
      const keys: readonly string[] = await this.#means.store.heldKeys(this.#means.partition, after, batchMax);
      if (keys.length === 0 || this.#state !== 'working') return;
      yield keys;
      after = keys.at(-1) ?? null;
    }
  }

  /** Commits at the end of this turn of the event loop, unless a commit is under way: then the next one takes it along. */
  #flushSoon(): void {
    if (this.#flushIsDue || this.#committing !== undefined) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      if (this.#state === 'working') this.#guarded(() => this.#flush());
    });
  }

  #flush(): void {
    if (this.#committing !== undefined || this.#state === 'failed') return;
    const draft = this.#draft;
    if (!draft.isEmpty) {
      this.#lanes.holdStragglers(draft);
      this.#draft = new Draft(draft.number + 1, draft.cursor);
      this.#committing = this.#commit(draft);
    } else if (this.#state === 'working' && this.isIdle) {
      this.#means.progressed(false);
    }
    this.#lanes.resume();
    this.#means.room.changed();
    this.#condition.changed();
  }

  async #commit(draft: Draft): Promise<void> {
    const { partition, refusals, clock, counters, tracing } = this.#means;
    const from = clock.elapsedMs();
    const span = tracing?.start('commit', { 'millrace.pipeline': partition.pipeline, 'millrace.turns': draft.turns }, null);
    let committed: Committed;
    try {
      committed = await this.#lease.commit(draft.toCommit());
    } catch (error) {
      span?.end(error);
      this.#committing = undefined;
      this.#means.room.release(draft.sends);
      if (error instanceof MillraceError && error.code === 'MILL_COMMIT_REFUSED') refusals.refused(draft, error);
      else {
        this.#means.ledger.doubted(draft);
        this.#means.doubted(draft.sends);
      }
      this.#fail(error);
      return;
    }
    span?.end();
    counters.commitMs.record(clock.elapsedMs() - from);
    counters.commitTurns.record(draft.turns);
    this.#committing = undefined;
    this.#guarded(() => {
      this.#took(draft, committed);
      if (this.#state === 'working') this.#flush();
    });
  }

  /** The draft is on disk: now it counts. */
  #took(draft: Draft, { sends, deliveriesAdded, gapsAdded }: Committed): void {
    const { ledger, clock, refusals, room, sent, progressed } = this.#means;
    ledger.committed(draft, deliveriesAdded, clock);
    refusals.committed(draft);
    this.#cursor = draft.cursor;
    this.#lanes.committed.reach(draft.number);
    this.#lanes.sweepSpent();
    // That an attempt has failed is no progress, however often it is tried.
    progressed(draft.turns + draft.counts.failed > 0 || draft.counts.retries === 0);
    if (draft.sends.length > 0) sent(draft.sends, sends);
    room.release(draft.sends);
    if (draft.gaps.length > 0) this.#gaps.committed(draft.gaps, gapsAdded);
    this.#timers.committed(draft.timers);
    this.#outbox.committed(draft.deliveries);
  }

  #isFinished(key: string): boolean {
    const lane = this.#lanes.peek(key);
    const isAtRest = lane === undefined || (lane.isAtRest && lane.draft <= this.#lanes.committed.reached);
    return isAtRest && this.#outbox.isQuiet(key);
  }

  /** Does what nobody waits for: where it fails, so does the tenure. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    this.#endWaits();
    this.#means.failed(error);
  }

  /** Resolves once all that is drafted by now is on disk, or the tenure ends. */
  async #committed(deadline?: Deadline): Promise<void> {
    this.#flushSoon();
    if (this.#state === 'working') await this.#lanes.committed.until(this.#lastDrafted, deadline);
  }

  /** Resolves once the log has been dispatched up to a position; at once while the pipeline is paused, which may be for long. */
  async #dispatchedTo(position: number, deadline?: Deadline): Promise<void> {
    if (this.#state === 'working' && !this.#isPaused) await this.#dispatched.until(position, deadline);
  }

  async #dispatchedThroughPauses(position: number): Promise<void> {
    while (this.#state === 'working' && (this.#isPaused || this.#dispatched.reached < position)) {
      await this.#until(() => !this.#isPaused);
      await this.#dispatchedTo(position);
    }
  }

  /** The draft that has all that was decided by now. */
  get #lastDrafted(): number {
    return this.#draft.isEmpty ? this.#draft.number - 1 : this.#draft.number;
  }

  #until(holds: () => boolean, deadline?: Deadline): Promise<void> {
    return this.#condition.until(() => this.#state !== 'working' || holds(), deadline);
  }

  /** It ends: nobody waits for its work any more. */
  #endWaits(): void {
    this.#endReads();
    this.#lanes.committed.endWaits();
    this.#condition.changed();
  }

  /** Nobody waits for turns any more of those who do now. */
  #endReads(): void {
    this.#dispatched.endWaits();
    this.#lanes.endWaits();
  }
}
