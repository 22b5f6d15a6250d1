import type { MillraceError } from '../errors.ts';
import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import { isFullList, sizeOfEvent } from '../store/list-size.ts';
import type { KeyRecord, PartitionId, Store, TimerWrite } from '../store/store.ts';
import type { Deadline } from './deadline.ts';
import type { Draft } from './draft.ts';
import type { FedEvent } from './feed.ts';
import { type DueTimer, Lane, type LaneMemory, type Waiting } from './lane.ts';
import { Holding } from './memory.ts';
import { Milestone } from './milestone.ts';
import type { Pause } from './pause.ts';
import { ReloadGate } from './reload-gate.ts';
import { Runner, type RunnerMeans } from './runner.ts';
import { Throttle } from './throttle.ts';
import { Waiters } from './waiters.ts';
import { WaitingLine } from './waiting-line.ts';
import type { Waits } from './waits.ts';

/** Events that a lane keeps in memory, and reads back at once, as far as there is memory for them; what goes beyond is held in the store. */
const queuedMax = 64;
/** Lanes that a sweep looks at, at most: many in memory may be waiting for a moment. */
const sweptMax = 4_096;

/** What lanes work with; their partition provides it. */
export interface LaneMeans extends RunnerMeans {
  readonly store: Store;
  readonly partition: PartitionId;
  readonly waits: Waits;
  readonly pause: Pause;
  /** Resolves once all that is drafted by now is on disk, or void because the lanes are closed. */
  committed(): Promise<void>;
  /** Whether every turn must be alone in its draft. */
  isOneByOne(): boolean;
  /** Timers of a key have come due while it was parked, and it is open again. */
  leftDue(key: string, firstDueAt: number): void;
  /** The highest position known to be in the log. */
  head(): number;
  /** Events that the door has let in for a key that was not in memory; asked once. */
  arriving(key: string): number;
  /** A lane waits for a number; this is the first event that does. */
  gapBegan(lane: Lane, waiting: Waiting): void;
  /** It does no longer. */
  gapEnded(lane: Lane): void;
}

/**
 * The keys of a partition that are in memory: puts events into their key's order and lets them run one at a time per
 * key, side by side across keys. What waits and cannot run is held in the store. After a failure of the store it is thrown away
 * and made anew from what is on disk.
 */
export class Lanes {
  /** The newest draft that is on disk. */
  readonly committed = new Milestone(0);
  /** Events at hand that the store does not hold, ascending by position. */
  readonly #unheld = new Map<number, { readonly lane: Lane; readonly waiting: Waiting }>();
  readonly #means: LaneMeans;
  readonly #pipeline: LaneMeans['pipeline'];
  readonly #runner: Runner;
  readonly #throttle: Throttle;
  readonly #lanes = new Map<string, Lane>();
  readonly #loading = new Map<string, Promise<void>>();
  readonly #line: WaitingLine;
  readonly #reloading = new Set<Lane>();
  /** Lanes that have a turn or are about to, in the order in which they became busy. */
  readonly #busy = new Set<Lane>();
  /** How often a lane has become busy. */
  #busyTotal = 0;
  /** Of these, the first so many have rested since. */
  readonly #rested = new Milestone(0);
  /** Callers that wait until a lane rests. */
  readonly #awaited = new Map<Lane, Waiters>();
  readonly #reloads: ReloadGate;
  readonly #memory: LaneMemory;
  readonly #forgetIdle = () => this.#forgetSurplus();
  #queued = 0;
  /** Lanes that wait for a moment. */
  #waiting = 0;
  /** Where the sweep of idle lanes stands. */
  #swept = this.#lanes.values();
  #closed = false;

  constructor(means: LaneMeans) {
    this.#means = means;
    const { memory } = means;
    this.#memory = { waiting: new Holding(memory.waiting), states: new Holding(memory.states) };
    memory.addForgetter(this.#forgetIdle);
    this.#reloads = new ReloadGate(
      () => !memory.waiting.isSpent,
      () => !this.#line.hasReady,
    );
    this.#pipeline = means.pipeline;
    this.#line = new WaitingLine({
      isFull: () => this.isFull,
      isPaused: () => means.pause.isPaused,
      reloading: () => this.#reloading.size,
      advance: (lane) => this.#advance(lane),
    });
    this.#runner = new Runner(means, {
      settled: (lane, draft, waiting) => this.settle(lane, draft, waiting),
      stopped: (lane, draft, waiting, retryAt) => this.#stop(lane, draft, waiting, retryAt),
      throttled: (lane, draft, cause, to) => this.#wait(lane, draft, cause, to),
      ended: (lane) => {
        this.#throttle.concluded(lane);
        this.#advance(lane);
        this.resume();
      },
    });
    this.#throttle = new Throttle({ ...means, opened: (lane) => this.#line.ring(lane) });
  }

  /** Whether no further turn can start before one ends, the draft is committed, or the pipeline is resumed. */
  get isFull(): boolean {
    if (this.#means.pause.isPaused) return true;
    const { running } = this.#runner;
    const { turns, bytes } = this.#means.draft();
    // Turns that end together would share a commit.
    if (this.#means.isOneByOne()) return running + turns > 0;
    if (running >= this.#pipeline.concurrency || turns >= this.#means.limits.commit) return true;
    const { memory } = this.#means;
    if (running > 0 && memory.running.isSpent) return true;
    // A key can be forgotten once its last turn is on disk.
    return turns > 0 && (bytes >= memory.draftBytesMax || memory.isCrowded);
  }

  /** Whether nothing is under way and nothing can start by itself. */
  get isIdle(): boolean {
    // What waits for a free place while the pipeline is paused does not start by itself.
    const waiting = this.#means.pause.isPaused ? 0 : this.#line.length;
    return this.#runner.running + waiting + this.#reloading.size + this.#loading.size === 0;
  }

  /** Whether lanes whose moment has come wait for room to go on. */
  get isCrowded(): boolean {
    return this.#line.isCrowded;
  }

  /** Events that wait for keys whose next turn waits for room in a pipeline that it sends to. */
  get throttled(): number {
    return this.#throttle.events;
  }

  /** Whether `close` was called: nothing is dispatched, run or drafted any more. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** The lane of a key, if it is in memory. */
  peek(key: string): Lane | undefined {
    return this.#lanes.get(key);
  }

  /** Resolves once each lane that is busy now has rested, or when the caller's time is over. */
  async allRested(deadline: Deadline): Promise<void> {
    if (this.#closed) return;
    this.#rested.reach(this.#restedTo());
    await this.#rested.until(this.#busyTotal, deadline);
  }

  /** Resolves once a busy lane has no turn and is not about to, or when the caller's time is over. */
  async rested(lane: Lane, deadline: Deadline): Promise<void> {
    if (this.#closed) return;
    const waiters = this.#awaited.get(lane) ?? new Waiters();
    this.#awaited.set(lane, waiters);
    await waiters.next(deadline);
    if (waiters.isEmpty && this.#awaited.get(lane) === waiters) this.#awaited.delete(lane);
  }

  /** Nobody waits for a lane any more of those who do now. */
  endWaits(): void {
    for (const waiters of this.#awaited.values()) waiters.wake();
    this.#rested.endWaits();
  }

  /**
   * Brings the lanes of keys into memory, all of them unless their states are large: then the first, and some of those that follow.
   * A key is never loaded twice at once, so that no old record outlives a newer lane.
   */
  async warm(keys: readonly string[]): Promise<void> {
    // While some were loaded, a sweep may have forgotten others.
    for (let loads = this.#loadsOf(keys); loads.length > 0; loads = this.#loadsOf(keys)) {
      await Promise.all(loads);
      if (this.#means.memory.states.isSpent && this.#lanes.has(keys[0] as string)) return;
    }
  }

  /** Begins to load those of the keys that are not in memory; returns what is to be waited for until all of them are. */
  #loadsOf(keys: readonly string[]): readonly Promise<void>[] {
    if (this.#closed) return [];
    const cold = new Set<string>();
    const loads = new Set<Promise<void>>();
    for (const key of keys) {
      const lane = this.#lanes.get(key);
      const loading = lane === undefined ? this.#loading.get(key) : undefined;
      if (lane !== undefined) lane.warm();
      else if (loading !== undefined) loads.add(loading);
      else cold.add(key);
    }
    if (cold.size > 0) loads.add(this.#load([...cold]));
    return [...loads];
  }

  /** Takes an event of the log in; false when its lane is not in memory and must be warmed first. */
  dispatch(fed: FedEvent): boolean {
    if (this.#closed) return false;
    const lane =
      this.#lanes.get(fed.key) ?? (this.#pipeline.key === undefined ? this.#adopt(new Lane(fed.key, undefined, this.#memory)) : undefined);
    if (lane === undefined) return false;
    lane.warm();
    const waiting: Waiting = {
      order: fed.number ?? fed.position,
      position: fed.position,
      id: fed.id,
      number: fed.number,
      acceptedAt: fed.acceptedAt,
      body: fed.body,
      traceparent: fed.traceparent,
      event: fed.event,
      bytes: fed.bytes,
      attempts: 0,
      retryAt: null,
      held: lane.numbered,
    };
    lane.endArrival();
    if (lane.numbered) this.#takeNumbered(lane, waiting);
    else this.#takeArrival(lane, waiting);
    this.#advance(lane);
    return true;
  }

  /** Takes a timer that has come due; false when its lane is not in memory. */
  dispatchTimer(timer: DueTimer): boolean {
    const lane =
      this.#lanes.get(timer.key) ??
      (this.#pipeline.key === undefined ? this.#adopt(new Lane(timer.key, undefined, this.#memory)) : undefined);
    if (lane === undefined || this.#closed) return false;
    if (lane.comeDue(timer)) this.#advance(lane);
    return true;
  }

  /** The armed timers of a key in memory, the soonest first; none of a parked key, which has them left. */
  timersOf(key: string): readonly DueTimer[] {
    return this.#lanes.get(key)?.takeLeft() ?? [];
  }

  /** Drafts what becomes of a timer that no turn of its key has decided. */
  writeTimer(write: TimerWrite): void {
    const draft = this.#means.draft();
    const lane = this.#lanes.get(write.key);
    // A record that is being read is older: it is read again.
    if (lane === undefined) this.#loading.delete(write.key);
    lane?.writeTimer(write);
    lane?.changeIn(draft.number);
    this.#means.timerTouched(write.key, write.name);
    draft.writeTimer(write);
  }

  /** An event of the lane needs no further turn. */
  settle(lane: Lane, draft: Draft, waiting: Pick<Waiting, 'order' | 'position' | 'held'>): void {
    draft.settle(lane, waiting);
    this.#unheld.delete(waiting.position);
    if (lane.wait !== undefined) this.#means.waits.end(lane);
    lane.countSettled();
    if (lane.numbered && waiting.order === lane.next) lane.moveTo(waiting.order + 1);
  }

  /** Resolves to what `begin` returns, which is called when there is a free place for a turn that it starts, or when the lanes are closed. */
  inTurn<T>(begin: () => T): Promise<T> {
    return this.#line.inTurn(begin);
  }

  /** Runs whatever waited for a free place. */
  resume(): void {
    this.#line.resume();
    this.#reloads.look();
  }

  /** Starts what a pause has kept from starting, of the keys in memory, once there is room. */
  goOn(): void {
    this.resume();
    for (const lane of Array.from(this.#lanes.values())) if (lane.status === 'open') this.#line.ring(lane);
  }

  /** Lets a key that was just warmed go on with what is held for it, once there is room; after a pause all are woken. */
  wake(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane !== undefined && this.#mayGoOn) this.#line.ring(lane);
  }

  /** Gives up the number that a key waits for, once it has waited for too long. Resolves when that is drafted. */
  async skipOverdue(key: string): Promise<void> {
    const lane = this.#lanes.get(key);
    if (lane?.hasGap === true && this.#mayGoOn) await this.#reload(lane);
  }

  /** Holds what the draft's cursor would pass unheld. */
  holdStragglers(draft: Draft): void {
    for (const [position, { lane, waiting }] of this.#unheld) {
      if (position > draft.cursor) return;
      draft.hold(lane, waiting);
      this.#unheld.delete(position);
    }
  }

  /** Forgets idle lanes beyond the bounds, those first that were not used since the last sweep. */
  sweep(): void {
    const { memory } = this.#means;
    if (!this.#hasSurplus && !memory.mustForget) return;
    this.#forgetIdle();
    if (memory.hasForgottenEnough) return;
    memory.askOthers(this.#forgetIdle);
    // Since the first time none is warm.
    if (!memory.hasForgottenEnough) this.#forgetIdle();
  }

  /** Forgets idle lanes where too much is held: a commit has made more of them idle. */
  sweepSpent(): void {
    if (this.#means.memory.mustForget) this.sweep();
  }

  /** Those that wait for a moment, or for room, cannot be forgotten, and leave the others their room. */
  get #hasSurplus(): boolean {
    return this.#lanes.size - this.#waiting - this.#throttle.lanes > this.#means.limits.warmKeys;
  }

  #forgetSurplus(): void {
    const { memory } = this.#means;
    for (let looks = Math.min(this.#lanes.size, sweptMax); looks > 0; looks -= 1) {
      const isStateFine = memory.states.hasRoom && !this.#hasSurplus;
      if (isStateFine && memory.waiting.hasRoom) return;
      const lane = this.#nextSwept();
      if (lane === undefined || lane.cool()) continue;
      // Where only events are too many, a lane without any may stay.
      if (lane.isForgettable(this.committed.reached) && !(isStateFine && lane.queued === 0)) this.#forget(lane);
    }
  }

  /** Aborts the turn of a key that is under way: the attempt has failed. */
  abort(key: string, reason: MillraceError): void {
    this.#runner.abort(key, reason);
  }

  /** Aborts what runs, ends all alarms, and resolves when no handler is at work any more. Nothing is drafted from now on. */
  async close(reason: MillraceError): Promise<void> {
    this.#closed = true;
    this.#throttle.close();
    for (const lane of this.#lanes.values()) lane.disarm();
    this.#line.close();
    this.#means.memory.removeForgetter(this.#forgetIdle);
    this.#reloads.open();
    this.#memory.waiting.close();
    this.#memory.states.close();
    await this.#runner.close(reason);
  }

  async #load(keys: readonly string[]): Promise<void> {
    const loading = this.#recordsOf(keys).then((records) => {
      const countedTo = this.#pipeline.order === undefined ? 0 : this.#means.head();
      records.forEach((record, at) => {
        const key = keys[at] as string;
        // A lane that came to be meanwhile knew better, even if it is forgotten again.
        if (this.#loading.get(key) === loading) this.#adopt(new Lane(key, this.#pipeline.order, this.#memory, record, countedTo));
      });
    });
    for (const key of keys) this.#loading.set(key, loading);
    try {
      await loading;
    } finally {
      for (const key of keys) if (this.#loading.get(key) === loading) this.#loading.delete(key);
      // Whoever waits for the partition to be idle looks again.
      this.#means.drafted();
    }
  }

  /** A lane whose one event is its key is forgotten when it rests: its turns must be on disk before it is read again. */
  async #recordsOf(keys: readonly string[]): Promise<readonly KeyRecord[]> {
    if (this.#pipeline.key === undefined) await this.#means.committed();
    return this.#means.store.load(this.#means.partition, keys, { charactersMax: this.#means.memory.readMax });
  }

  #adopt(lane: Lane): Lane {
    this.#lanes.set(lane.key, lane);
    this.#loading.delete(lane.key);
    const wait = this.#means.waits.of(lane.key);
    if (wait !== undefined) lane.beginWait(wait);
    lane.admit(this.#means.arriving(lane.key));
    return lane;
  }

  /** The next lane that a sweep looks at; after the last comes the first. */
  #nextSwept(): Lane | undefined {
    const next = this.#swept.next();
    if (next.done !== true) return next.value;
    this.#swept = this.#lanes.values();
    return this.#swept.next().value;
  }

  #forget(lane: Lane): void {
    this.#queued -= lane.queued;
    lane.forget();
    this.#lanes.delete(lane.key);
  }

  /** A numbered event is held in the store already; memory is only the shorter way. */
  #takeNumbered(lane: Lane, waiting: Waiting): void {
    const draft = this.#means.draft();
    // Until that is on disk nobody else counts the event. A draft that says nothing never commits, and nobody may wait for it.
    lane.changeIn(draft.passed(waiting.position));
    this.#means.drafted();
    if (waiting.order < lane.next) return;
    if (!lane.hasCounted(waiting)) this.#countPending(lane);
    // Read back from the store before the log came to it.
    if (lane.isUnderWay(waiting.order)) return;
    const isNext = waiting.order === lane.next && !lane.isStopped;
    const { limits, memory } = this.#means;
    const thereIsRoom = lane.queued < queuedMax && this.#queued < limits.feed && !memory.waiting.isSpent && !lane.isStopped;
    if (lane.isStopped) this.#pileUp(lane);
    if (!isNext && !thereIsRoom) lane.spillFrom(waiting.order);
    else if (lane.insert(waiting)) this.#queued += 1;
    if (lane.hasGap && lane.first === waiting.order && lane.gap?.first !== waiting.order) this.#means.gapBegan(lane, waiting);
  }

  /** Once some of a key's events are held in the store, all that follow must go behind them. */
  #takeArrival(lane: Lane, waiting: Waiting): void {
    this.#countPending(lane);
    const isBehindHeld = lane.isStopped || lane.status === 'reloading' || lane.spilledFrom !== Number.POSITIVE_INFINITY;
    const isCrowded = lane.queued >= queuedMax || (this.#means.memory.waiting.isSpent && !lane.isFree);
    if (isBehindHeld || isCrowded) {
      this.#means.draft().hold(lane, waiting);
      lane.spillFrom(waiting.order);
      this.#means.drafted();
      if (lane.isStopped) this.#pileUp(lane);
    } else if (lane.isFree && !this.isFull) {
      this.#runEvent(lane, waiting);
      // Its turn takes time. One that has ended has settled the event or had it held.
      if (lane.isRunning) this.#unheld.set(waiting.position, { lane, waiting });
    } else if (lane.insert(waiting)) {
      this.#queued += 1;
      this.#unheld.set(waiting.position, { lane, waiting });
    }
  }

  #countPending(lane: Lane): void {
    lane.countPending();
    if (lane.status === 'throttled') this.#throttle.arrived(lane);
  }

  /** Lets the lane go on, and those who wait until it rests. */
  #advance(lane: Lane, isFresh = false): void {
    this.#startTurns(lane, isFresh);
    if (!lane.isBusy) {
      if (lane.busySince > 0) this.#rests(lane);
    } else if (lane.busySince === 0) {
      this.#busyTotal += 1;
      lane.becomeBusy(this.#busyTotal);
      this.#busy.add(lane);
    }
  }

  #rests(lane: Lane): void {
    lane.rest();
    this.#busy.delete(lane);
    if (this.#awaited.size > 0) this.#awaited.get(lane)?.wake();
    if (this.#rested.isAwaited) this.#rested.reach(this.#restedTo());
  }

  #restedTo(): number {
    const [oldest] = this.#busy;
    return oldest === undefined ? this.#busyTotal : oldest.busySince - 1;
  }

  /** Starts the lane's turns for as long as it is open and has one. */
  #startTurns(lane: Lane, isFresh: boolean): void {
    while (lane.status === 'open' && this.#mayGoOn) {
      if (lane.spillComesFirst) {
        void this.#reload(lane);
        return;
      }
      if (this.#pipeline.key !== undefined) lane.takeOverdue(this.#means.clock);
      const timer = lane.dueTimer;
      const waiting = lane.runnable;
      if (timer === undefined && waiting === undefined) {
        this.#rest(lane, isFresh);
        return;
      }
      if (!this.#mayStart(lane)) return;
      if (timer !== undefined) this.#runTimer(lane, timer);
      else if (waiting !== undefined) this.#runHead(lane, waiting);
    }
  }

  /** While the pipeline is paused nothing is read back either: it would only wait in memory. */
  get #mayGoOn(): boolean {
    return !this.#closed && !this.#means.pause.isPaused;
  }

  /** Whether there is a free place for a turn of the lane; otherwise it is called when there is one. */
  #mayStart(lane: Lane): boolean {
    if (!this.isFull) return true;
    this.#line.wait(lane);
    return false;
  }

  #runTimer(lane: Lane, timer: DueTimer): void {
    if (timer.retryAt !== null && !this.#hasCome(lane, timer.retryAt)) {
      this.#block(lane, timer.retryAt);
      return;
    }
    lane.beginTimerTurn(timer);
    this.#runner.runTimer(lane, timer);
    if (!lane.isRunning) this.#throttle.concluded(lane);
  }

  #runHead(lane: Lane, head: Waiting): void {
    lane.takeHead();
    this.#queued -= 1;
    this.#runEvent(lane, head);
  }

  #runEvent(lane: Lane, waiting: Waiting): void {
    lane.beginTurn(waiting);
    if (lane.gap !== undefined) this.#means.gapEnded(lane);
    this.#runner.runEvent(lane, waiting);
    if (!lane.isRunning) this.#throttle.concluded(lane);
  }

  /** Nothing of the lane can run now. */
  #rest(lane: Lane, isFresh: boolean): void {
    if (lane.hasLeft) this.#means.leftDue(lane.key, lane.timers[0]?.dueAt ?? Number.POSITIVE_INFINITY);
    // Where it had no turn, no commit follows that lets others have the place.
    if (this.#throttle.concluded(lane)) this.#means.drafted();
    if (lane.queued === 0 && lane.spilledFrom === Number.POSITIVE_INFINITY) {
      lane.countNonePending();
      if (lane.gap !== undefined) this.#means.gapEnded(lane);
      if (lane.wait !== undefined) this.#means.waits.end(lane);
      if (this.#pipeline.key === undefined && !lane.hasDueTimer) this.#forget(lane);
      return;
    }
    this.#means.waits.note(lane, 'number');
    if (this.#pipeline.order !== undefined) this.#awaitNumber(lane, this.#pipeline.order, isFresh);
  }

  /** Says what the lane waits for, and gives that up once it has lasted too long. @param isFresh whether its first held events were just read */
  #awaitNumber(lane: Lane, { skipAfterMs = Number.POSITIVE_INFINITY }: ResolvedOrder, isFresh: boolean): void {
    const { head, first, gap } = lane;
    const isUpToDate = gap !== undefined && gap.first === first && gap.next === lane.next;
    if (!isUpToDate && head?.order !== first) {
      void this.#reload(lane);
      return;
    }
    if (!isUpToDate && head !== undefined) this.#means.gapBegan(lane, head);
    if (lane.gap === undefined || lane.gap.since + skipAfterMs > this.#means.clock.now()) return;
    if (!isFresh) void this.#reload(lane);
    else if (head !== undefined) this.#skip(lane, head, skipAfterMs);
  }

  /** Gives up the missing numbers, or the event that came too far behind them to be one of the sequence. */
  #skip(lane: Lane, head: Waiting, skipAfterMs: number): void {
    // Until the skip is on disk the store accepts what it skips; read after that, nothing slips through.
    lane.spillFrom(lane.next);
    this.#means.gapEnded(lane);
    if (head.order - lane.next > (this.#pipeline.order?.jumpMax ?? Number.POSITIVE_INFINITY)) {
      lane.takeHead();
      this.#queued -= 1;
      this.#runner.giveUpFar(lane, head);
    } else this.#runner.skipGap(lane, head.order, skipAfterMs);
    if (lane.wait !== undefined) this.#means.waits.end(lane);
    this.#advance(lane);
  }

  /** An event that failed keeps its key waiting, until a moment or (null) for an operator. */
  #stop(lane: Lane, draft: Draft, first: Waiting, retryAt: number | null): void {
    this.#holdFrom(lane, draft, first, retryAt);
    if (retryAt === null) this.#park(lane);
    else this.#block(lane, retryAt);
  }

  /** The next turn of a key waits for room in a pipeline that it sends to. A timer that has come due is in the store anyway. */
  #wait(lane: Lane, draft: Draft, cause: Waiting | DueTimer, to: string): void {
    if ('position' in cause) this.#holdFrom(lane, draft, cause, null);
    else lane.retryTimer(cause);
    this.#throttle.add(lane, to);
    this.#means.waits.note(lane, 'room');
  }

  /** Holds an event that cannot run now, and all that waits behind it, in the store and nowhere else. */
  #holdFrom(lane: Lane, draft: Draft, first: Waiting, retryAt: number | null): void {
    draft.hold(lane, first, retryAt);
    this.#unheld.delete(first.position);
    this.#queued -= lane.queued;
    for (const waiting of lane.spill()) {
      if (!waiting.held) draft.hold(lane, waiting);
      this.#unheld.delete(waiting.position);
    }
    lane.spillFrom(first.order);
  }

  /** Parks the lane. The dead letter of its first event is enough for an operator; the wait of any events behind it is noted. */
  #park(lane: Lane): void {
    lane.park();
    if (lane.pending > 1) this.#means.waits.note(lane, 'operator');
    else if (lane.wait !== undefined) this.#means.waits.end(lane);
  }

  /** Notes that an event came to a key whose first event keeps it waiting. */
  #pileUp(lane: Lane): void {
    const awaited = { parked: 'operator', throttled: 'room', blocked: 'retry' } as const;
    this.#means.waits.note(lane, awaited[lane.status as keyof typeof awaited]);
  }

  #block(lane: Lane, until: number): void {
    lane.block();
    this.#means.waits.note(lane, 'retry');
    this.#arm(lane, until, this.#pipeline.retry.backoffMsMax);
  }

  /**
   * Lets the lane go on at a moment; it waits for one moment at most. A moment that lies farther ahead than `maxMs` was stored by a
   * clock that has been set back since.
   */
  #arm(lane: Lane, at: number, maxMs: number): void {
    if (lane.isArmedFor(at)) return;
    this.#disarm(lane);
    const { clock } = this.#means;
    const ring = () => {
      lane.alarmRang();
      this.#waiting -= 1;
      this.#guarded(() => this.#line.ring(lane));
    };
    lane.arm(at, clock.alarm(at, ring, Math.min(at - clock.now(), maxMs)));
    this.#waiting += 1;
  }

  #disarm(lane: Lane): void {
    if (lane.isArmed) this.#waiting -= 1;
    lane.disarm();
  }

  /** Whether a moment has come, or the lane has waited for it long enough. */
  #hasCome(lane: Lane, at: number): boolean {
    return at <= this.#means.clock.now() || lane.hasAwaited(at);
  }

  /** Reads the first held events of a lane back. */
  #reload(lane: Lane): Promise<void> {
    lane.beginReload();
    this.#reloading.add(lane);
    return this.#readBack(lane);
  }

  /** They are on disk only once the last draft that changed the lane has been committed. */
  async #readBack(lane: Lane): Promise<void> {
    try {
      await this.#reloads.enter();
      if (this.#closed) return;
      await this.committed.until(lane.draft);
      const { store, partition, memory } = this.#means;
      // A lane of one event was never loaded; an event of the same id, accepted long before, may have been given up.
      const [record] = this.#pipeline.key === undefined ? await store.load(partition, [lane.key]) : [];
      const limit = memory.waiting.isSpent ? 1 : queuedMax;
      const events = await store.held(partition, lane.key, 0, limit, { charactersMax: memory.readMax });
      if (this.#closed) return;
      this.#queued += lane.refill(events, isFullList(events, sizeOfEvent, { limit, sizeMax: memory.readMax }));
      if (record?.parked === true) this.#parkReloaded(lane);
      else this.#blockUntilRetry(lane);
    } catch (error) {
      if (!this.#closed) this.#means.failed(error);
    } finally {
      this.#reloading.delete(lane);
    }
    this.#guarded(() => {
      this.#advance(lane, true);
      this.#reloads.leave();
      this.#line.letRungGoOn();
      this.#means.drafted();
    });
  }

  /** The store has the lane parked: all that waits is held there. */
  #parkReloaded(lane: Lane): void {
    this.#queued -= lane.queued;
    lane.spill();
    this.#disarm(lane);
    this.#park(lane);
  }

  #blockUntilRetry(lane: Lane): void {
    const retryAt = lane.runnable?.retryAt ?? null;
    if (retryAt !== null && !this.#hasCome(lane, retryAt)) this.#block(lane, retryAt);
  }

  /** Does what nobody waits for: where it fails, so does the tenure. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#means.failed(error);
    }
  }
}
