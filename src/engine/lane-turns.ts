import type { MillraceError } from '../errors.ts';
import type { AnyPipeline, ResolvedOrder } from '../pipeline/pipeline.ts';
import type { StoredCause } from '../store/store.ts';
import type { BusyLanes } from './busy-lanes.ts';
import type { Waiting } from './cause.ts';
import { CauseWrites } from './cause-writes.ts';
import type { Draft } from './draft.ts';
import type { TenureContext } from './engine-context.ts';
import { Failures } from './failures.ts';
import type { Holds } from './holds.ts';
import type { Lane, SkipWish } from './lane.ts';
import type { LaneNeighbours } from './lane-neighbours.ts';
import type { Milestone } from './milestone.ts';
import { ReadBack } from './read-back.ts';
import { Runner } from './runner.ts';
import { Stops } from './stops.ts';
import type { TurnOrder } from './turn-order.ts';
import { WaitingLine } from './waiting-line.ts';

/** Maximum events that a lane keeps in memory and reads back at once, memory permitting; the rest is held in the store. */
export const queuedMax = 64;

/** The other parts that know the lanes. */
export interface LaneParts {
  readonly holds: Holds;
  readonly busy: BusyLanes;
  /** The newest draft on disk. */
  readonly committed: Milestone;
  /** Notes that the lane is no longer in memory. */
  forget(lane: Lane): void;
}

/** Runs the turns of lanes: one at a time per lane, concurrently across lanes, as far as there are free slots. */
export class LaneTurns {
  /** The stopped lanes, and until when they are stopped. */
  readonly stops: Stops;
  readonly #context: TenureContext;
  readonly #neighbours: LaneNeighbours;
  readonly #parts: LaneParts;
  readonly #pipeline: AnyPipeline;
  readonly #failures: Failures;
  readonly #runner: Runner;
  readonly #line: WaitingLine;
  readonly #readBack: ReadBack;
  /** Called when another partition's turn frees its slot. */
  readonly #goOn = () => this.#orFail(() => this.resume());
  #closed = false;

  constructor(context: TenureContext, neighbours: LaneNeighbours, parts: LaneParts) {
    this.#context = context;
    this.#neighbours = neighbours;
    this.#parts = parts;
    const { pause } = context.partition;
    this.#pipeline = context.pipeline.declaration;
    const { committed, holds } = parts;
    this.#line = new WaitingLine({
      isFull: () => this.isFull,
      isPaused: () => pause.isPaused,
      reloading: () => this.#readBack.underWay,
      advance: (lane) => this.advance(lane),
    });
    const writes = new CauseWrites(neighbours);
    const order: TurnOrder = {
      settled: (lane, draft, waiting) => this.settle(lane, draft, waiting),
      stopped: (lane, draft, waiting, retryAt) => this.stops.stop(lane, draft, waiting, retryAt),
      throttled: (lane, draft, cause, to) => this.stops.waitForRoom(lane, draft, cause, to),
      ended: (lane) => {
        this.stops.concluded(lane);
        this.advance(lane);
        this.resume();
      },
    };
    this.#failures = new Failures(context, writes, order);
    this.#runner = new Runner(context, { failures: this.#failures, writes, order });
    this.stops = new Stops(context, { holds, opened: (lane) => this.#line.ring(lane), rang: (lane) => this.#rang(lane) });
    this.#readBack = new ReadBack(context, {
      eventsMax: queuedMax,
      committed,
      isQuiet: () => !this.#line.hasReady,
      refilled: (lane, isParked) => this.stops.stopAgain(lane, isParked),
      goOn: (lane) => this.advance(lane, true),
      wentOn: () => {
        this.#line.letRungGoOn();
        context.drafted();
      },
    });
  }

  /** True if no further turn can start before one ends, the draft is committed, or the pipeline is resumed. */
  get isFull(): boolean {
    const { engine, partition } = this.#context;
    if (partition.pause.isPaused || !this.#context.isHeld()) return true;
    const { running } = this.#runner;
    const { turns, bytes } = this.#context.draft();
    // Turns that end together would share a commit.
    if (partition.refusals.isSearching) return running + turns > 0;
    const { limits, memory } = engine;
    if (this.#context.pipeline.places.isFull || turns >= limits.commit) return true;
    if (running > 0 && memory.running.isSpent) return true;
    // A key can be forgotten once its last turn is on disk.
    return turns > 0 && (bytes >= memory.draftBytesMax || memory.isCrowded);
  }

  /** True if nothing is under way and nothing can start by itself. */
  get isIdle(): boolean {
    // While the pipeline is paused, lanes waiting for a slot do not start by themselves.
    const waiting = this.#context.partition.pause.isPaused ? 0 : this.#line.length;
    return this.#runner.running + waiting + this.#readBack.underWay === 0;
  }

  /** True if lanes whose moment has come wait for room to proceed. */
  get isCrowded(): boolean {
    return this.#line.isCrowded;
  }

  /** True if lanes may start turns. While the pipeline is paused nothing is read back either: it would only wait in memory. */
  get mayGoOn(): boolean {
    return !this.#closed && !this.#context.partition.pause.isPaused;
  }

  /** Advances the lane, and those waiting for it to rest. @param isFresh true if its first held events were just read */
  advance(lane: Lane, isFresh = false): void {
    if (lane.isParkWanted && lane.status === 'open' && !this.#closed) this.#parkByHand(lane);
    this.#startTurns(lane, isFresh);
    this.#parts.busy.note(lane);
  }

  /** Begins the turn of an event, which is first in its lane. */
  runEvent(lane: Lane, waiting: Waiting): void {
    lane.beginTurn(waiting);
    if (lane.gap !== undefined) this.#neighbours.gapEnded(lane);
    this.#runner.run(lane, waiting);
    if (!lane.isRunning) this.stops.concluded(lane);
  }

  /** Notes that an event of the lane needs no further turn. */
  settle(lane: Lane, draft: Draft, waiting: Pick<Waiting, 'order' | 'position' | 'held'>): void {
    draft.settle(lane, waiting);
    this.#parts.holds.settled(waiting);
    if (lane.wait !== undefined) this.#context.partition.waits.end(lane);
    lane.countSettled(waiting);
    if (lane.numbered && waiting.order === lane.next) lane.moveTo(waiting.order + 1);
  }

  /** Gives up the number that a lane has waited for too long. Resolves when that is drafted. */
  async skipOverdue(lane: Lane | undefined): Promise<void> {
    if (lane?.hasGap === true && this.mayGoOn) await this.#readBack.begin(lane);
  }

  /** Parks a lane once no turn of it is under way: `decided` is called when that is drafted. */
  park(lane: Lane, decided: () => void): void {
    lane.wantParked(decided);
    if (lane.status === 'ready') lane.takePlace();
    if (lane.status === 'blocked') this.stops.unblock(lane);
    this.advance(lane);
  }

  /**
   * Gives up the numbers that a lane waits for, if it does and may proceed: `decided` is called then. Resolves when that is drafted, or
   * refused.
   */
  async skipGap(lane: Lane, decided: SkipWish): Promise<void> {
    lane.wantSkipped(decided);
    try {
      await this.skipOverdue(lane);
    } finally {
      lane.wantSkipped(undefined);
    }
  }

  /** Resolves to the result of `begin`, which is called when there is a slot for the turn it starts, or when the lanes are closed. */
  inTurn<T>(begin: () => T): Promise<T> {
    const begun = this.#line.inTurn(begin);
    this.#awaitPlace();
    return begun;
  }

  /** Lets the lane proceed once there is room. */
  ring(lane: Lane): void {
    this.#line.ring(lane);
  }

  /** Runs everything that waits for a free slot. */
  resume(): void {
    this.#line.resume();
    if (this.#line.isWaiting) this.#awaitPlace();
    this.#readBack.look();
  }

  /** Aborts a key's turn under way: the attempt has failed. */
  abort(key: string, reason: MillraceError): void {
    this.#runner.abort(key, reason);
  }

  /** Aborts everything that runs, and resolves when no handler is running any more. */
  async close(reason: MillraceError): Promise<void> {
    this.#closed = true;
    this.#context.pipeline.places.leave(this.#goOn);
    this.stops.close();
    this.#line.close();
    this.#readBack.close();
    await this.#runner.close(reason);
  }

  /** Starts the lane's turns while it is open and has one. */
  #startTurns(lane: Lane, isFresh: boolean): void {
    while (lane.status === 'open' && this.mayGoOn) {
      if (lane.spillComesFirst) {
        void this.#readBack.begin(lane);
        return;
      }
      if (this.#pipeline.key !== undefined) lane.takeOverdue(this.#context.engine.clock);
      const cause = lane.dueCause;
      const waiting = lane.runnable;
      if (cause === undefined && waiting === undefined) {
        this.#rest(lane, isFresh);
        return;
      }
      if (!this.#mayStart(lane)) return;
      if (cause !== undefined) this.#runCause(lane, cause);
      else if (waiting !== undefined) {
        lane.takeHead();
        this.runEvent(lane, waiting);
      }
    }
  }

  #parkByHand(lane: Lane): void {
    const draft = this.#context.draft();
    if (lane.gap !== undefined) this.#neighbours.gapEnded(lane);
    this.stops.parkByHand(lane, draft);
    draft.change(lane);
    lane.takeParkWish()?.();
    this.#context.drafted();
  }

  /** Returns whether there is a free slot for a turn of the lane; otherwise it is called when there is one. */
  #mayStart(lane: Lane): boolean {
    if (!this.isFull) return true;
    this.#line.wait(lane);
    this.#awaitPlace();
    return false;
  }

  /** Turns of other partitions may hold slots; nothing here ends those. */
  #awaitPlace(): void {
    const { places } = this.#context.pipeline;
    const areOurs = this.#runner.running === this.#pipeline.concurrency;
    if (places.isFull && !areOurs && !this.#closed) places.wait(this.#goOn);
  }

  #runCause(lane: Lane, cause: StoredCause): void {
    if (cause.retryAt !== null && !this.stops.hasCome(lane, cause.retryAt)) {
      this.stops.block(lane, cause.retryAt);
      return;
    }
    lane.beginCauseTurn(cause);
    this.#runner.run(lane, cause);
    if (!lane.isRunning) this.stops.concluded(lane);
  }

  /** Handles a lane that cannot run now. */
  #rest(lane: Lane, isFresh: boolean): void {
    if (lane.hasLeft) this.#neighbours.leftDue(lane.key, lane.causes[0]?.dueAt ?? Number.POSITIVE_INFINITY);
    // If it had no turn, no commit follows that would free its slot.
    if (this.stops.concluded(lane)) this.#context.drafted();
    if (lane.queued === 0 && lane.spilledFrom === Number.POSITIVE_INFINITY) {
      lane.countNonePending();
      if (lane.gap !== undefined) this.#neighbours.gapEnded(lane);
      if (lane.wait !== undefined) this.#context.partition.waits.end(lane);
      if (this.#pipeline.key === undefined && !lane.hasDueCause) this.#parts.forget(lane);
      return;
    }
    this.#context.partition.waits.note(lane, 'number');
    if (this.#pipeline.order !== undefined) this.#awaitNumber(lane, this.#pipeline.order, isFresh);
  }

  /**
   * Reports the number that the lane waits for, and gives it up after too long a wait. @param isFresh true if its first held events were
   * just read
   */
  #awaitNumber(lane: Lane, { skipAfterMs = Number.POSITIVE_INFINITY }: ResolvedOrder, isFresh: boolean): void {
    const { head, first, gap } = lane;
    const isUpToDate = gap !== undefined && gap.first === first && gap.next === lane.next;
    if (!isUpToDate && head?.order !== first) {
      void this.#readBack.begin(lane);
      return;
    }
    if (!isUpToDate && head !== undefined) this.#neighbours.gapBegan(lane, head);
    const { gap: present, skipWish } = lane;
    if (present === undefined || (skipWish === undefined && present.since + skipAfterMs > this.#context.engine.clock.now())) return;
    if (!isFresh) void this.#readBack.begin(lane);
    else if (head !== undefined && skipWish !== undefined) this.#skipByHand(lane, head, skipWish);
    else if (head !== undefined) this.#skip(lane, head, skipAfterMs);
  }

  /** Gives up the missing numbers, or the event that is too far behind them to belong to the sequence. */
  #skip(lane: Lane, head: Waiting, skipAfterMs: number): void {
    // Until the skip is on disk the store accepts skipped numbers; reading after that misses none.
    lane.spillFrom(lane.next);
    this.#neighbours.gapEnded(lane);
    if (head.order - lane.next > (this.#pipeline.order?.jumpMax ?? Number.POSITIVE_INFINITY)) {
      lane.takeHead();
      this.#failures.giveUpFar(lane, head);
    } else this.#failures.skipGap(lane, head.order, `did not arrive within ${skipAfterMs} ms`);
    if (lane.wait !== undefined) this.#context.partition.waits.end(lane);
    this.advance(lane);
  }

  /** Gives up the missing numbers for an operator, however far away the next one is. */
  #skipByHand(lane: Lane, head: Waiting, decided: SkipWish): void {
    const numbers = { from: lane.next, to: head.order - 1 };
    lane.wantSkipped(undefined);
    lane.spillFrom(lane.next);
    this.#neighbours.gapEnded(lane);
    this.#failures.skipGap(lane, head.order, `${numbers.from === numbers.to ? 'was' : 'were'} skipped by an operator`);
    decided(numbers);
    if (lane.wait !== undefined) this.#context.partition.waits.end(lane);
    this.advance(lane);
  }

  #rang(lane: Lane): void {
    this.#orFail(() => this.#line.ring(lane));
  }

  /** Nobody awaits an alarm, or the notice of a free slot: if the work it triggers fails, so does the tenure. */
  #orFail(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#context.failed(error);
    }
  }
}
