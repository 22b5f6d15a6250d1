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

/** Events that a lane keeps in memory, and reads back at once, as far as there is memory for them; what goes beyond is held in the store. */
export const queuedMax = 64;

/** The other parts that know the lanes. */
export interface LaneParts {
  readonly holds: Holds;
  readonly busy: BusyLanes;
  /** The newest draft that is on disk. */
  readonly committed: Milestone;
  /** The lane is no longer in memory. */
  forget(lane: Lane): void;
}

/** Lets lanes go on: one turn at a time of each, side by side across lanes, as many as there are free places. */
export class LaneTurns {
  /** Who is stopped, and until when. */
  readonly stops: Stops;
  readonly #context: TenureContext;
  readonly #neighbours: LaneNeighbours;
  readonly #parts: LaneParts;
  readonly #pipeline: AnyPipeline;
  readonly #failures: Failures;
  readonly #runner: Runner;
  readonly #line: WaitingLine;
  readonly #readBack: ReadBack;
  /** Another partition's turn has left its place. */
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

  /** Whether no further turn can start before one ends, the draft is committed, or the pipeline is resumed. */
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

  /** Whether nothing is under way and nothing can start by itself. */
  get isIdle(): boolean {
    // What waits for a free place while the pipeline is paused does not start by itself.
    const waiting = this.#context.partition.pause.isPaused ? 0 : this.#line.length;
    return this.#runner.running + waiting + this.#readBack.underWay === 0;
  }

  /** Whether lanes whose moment has come wait for room to go on. */
  get isCrowded(): boolean {
    return this.#line.isCrowded;
  }

  /** Whether lanes may start turns. While the pipeline is paused nothing is read back either: it would only wait in memory. */
  get mayGoOn(): boolean {
    return !this.#closed && !this.#context.partition.pause.isPaused;
  }

  /** Lets the lane go on, and those who wait until it rests. @param isFresh whether its first held events were just read */
  advance(lane: Lane, isFresh = false): void {
    if (lane.isParkWanted && lane.status === 'open' && !this.#closed) this.#parkByHand(lane);
    this.#startTurns(lane, isFresh);
    this.#parts.busy.note(lane);
  }

  /** The turn of an event begins, which is first in its lane. */
  runEvent(lane: Lane, waiting: Waiting): void {
    lane.beginTurn(waiting);
    if (lane.gap !== undefined) this.#neighbours.gapEnded(lane);
    this.#runner.run(lane, waiting);
    if (!lane.isRunning) this.stops.concluded(lane);
  }

  /** An event of the lane needs no further turn. */
  settle(lane: Lane, draft: Draft, waiting: Pick<Waiting, 'order' | 'position' | 'held'>): void {
    draft.settle(lane, waiting);
    this.#parts.holds.settled(waiting);
    if (lane.wait !== undefined) this.#context.partition.waits.end(lane);
    lane.countSettled(waiting);
    if (lane.numbered && waiting.order === lane.next) lane.moveTo(waiting.order + 1);
  }

  /** Gives up the number that a lane waits for, once it has waited for too long. Resolves when that is drafted. */
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

  /** Gives up the numbers that a lane waits for, if it does and may go on: `decided` is called then. Resolves when that is drafted, or not. */
  async skipGap(lane: Lane, decided: SkipWish): Promise<void> {
    lane.wantSkipped(decided);
    try {
      await this.skipOverdue(lane);
    } finally {
      lane.wantSkipped(undefined);
    }
  }

  /** Resolves to what `begin` returns, which is called when there is a free place for a turn that it starts, or when the lanes are closed. */
  inTurn<T>(begin: () => T): Promise<T> {
    const begun = this.#line.inTurn(begin);
    this.#awaitPlace();
    return begun;
  }

  /** The lane goes on once there is room. */
  ring(lane: Lane): void {
    this.#line.ring(lane);
  }

  /** Runs whatever waited for a free place. */
  resume(): void {
    this.#line.resume();
    if (this.#line.isWaiting) this.#awaitPlace();
    this.#readBack.look();
  }

  /** Aborts the turn of a key that is under way: the attempt has failed. */
  abort(key: string, reason: MillraceError): void {
    this.#runner.abort(key, reason);
  }

  /** Aborts what runs, and resolves when no handler is at work any more. */
  async close(reason: MillraceError): Promise<void> {
    this.#closed = true;
    this.#context.pipeline.places.leave(this.#goOn);
    this.stops.close();
    this.#line.close();
    this.#readBack.close();
    await this.#runner.close(reason);
  }

  /** Starts the lane's turns for as long as it is open and has one. */
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

  /** Whether there is a free place for a turn of the lane; otherwise it is called when there is one. */
  #mayStart(lane: Lane): boolean {
    if (!this.isFull) return true;
    this.#line.wait(lane);
    this.#awaitPlace();
    return false;
  }

  /** Turns of other partitions may have places; nobody here ends those. */
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

  /** Nothing of the lane can run now. */
  #rest(lane: Lane, isFresh: boolean): void {
    if (lane.hasLeft) this.#neighbours.leftDue(lane.key, lane.causes[0]?.dueAt ?? Number.POSITIVE_INFINITY);
    // Where it had no turn, no commit follows that lets others have the place.
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

  /** Says what the lane waits for, and gives that up once it has lasted too long. @param isFresh whether its first held events were just read */
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

  /** Gives up the missing numbers, or the event that came too far behind them to be one of the sequence. */
  #skip(lane: Lane, head: Waiting, skipAfterMs: number): void {
    // Until the skip is on disk the store accepts what it skips; read after that, nothing slips through.
    lane.spillFrom(lane.next);
    this.#neighbours.gapEnded(lane);
    if (head.order - lane.next > (this.#pipeline.order?.jumpMax ?? Number.POSITIVE_INFINITY)) {
      lane.takeHead();
      this.#failures.giveUpFar(lane, head);
    } else this.#failures.skipGap(lane, head.order, `did not arrive within ${skipAfterMs} ms`);
    if (lane.wait !== undefined) this.#context.partition.waits.end(lane);
    this.advance(lane);
  }

  /** An operator gives the missing numbers up, however far the next one is. */
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

  /** Nobody waits for an alarm, or for the call that a place is free: where what it sets off fails, so does the tenure. */
  #orFail(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#context.failed(error);
    }
  }
}
