import type { MillraceError } from '../errors.ts';
import type { OutcomeWrite, StoredCause, TimerWrite } from '../store/store.ts';
import { BusyLanes } from './busy-lanes.ts';
import type { Waiting } from './cause.ts';
import type { Deadline } from './deadline.ts';
import type { Draft } from './draft.ts';
import type { TenureContext } from './engine-context.ts';
import type { FedEvent } from './feed.ts';
import { Holds } from './holds.ts';
import type { Lane, SkipWish } from './lane.ts';
import type { LaneNeighbours } from './lane-neighbours.ts';
import { LaneTurns, queuedMax } from './lane-turns.ts';
import type { Milestone } from './milestone.ts';
import { WarmLanes } from './warm-lanes.ts';

/**
 * The keys of a partition: puts events, due timers and outcomes into their key's order, and runs them one at a time per key, concurrently
 * across keys. Waiting items that cannot run are held in the store. After a store failure the lanes are discarded and rebuilt from disk.
 *
 * | part | knows |
 * |---|---|
 * | `warm-lanes.ts` | which lanes are in memory: loads and forgets them |
 * | `lane-turns.ts` | how lanes proceed: which has a turn, waits for a slot, waits for a number |
 * | `stops.ts` | which lanes are stopped, and until when: `retry-alarms.ts`, `throttle.ts`, or an operator |
 * | `holds.ts` | what the store must hold before the cursor passes it |
 * | `read-back.ts` | how held events come back |
 * | `busy-lanes.ts` | who waits until lanes rest |
 */
export class Lanes {
  readonly #context: TenureContext;
  readonly #neighbours: LaneNeighbours;
  readonly #holds = new Holds();
  readonly #busy = new BusyLanes();
  readonly #warm: WarmLanes;
  readonly #turns: LaneTurns;
  #closed = false;
  readonly #close = Promise.withResolvers<void>();

  /** @param committed the newest draft on disk */
  constructor(context: TenureContext, neighbours: LaneNeighbours, committed: Milestone) {
    this.#context = context;
    this.#neighbours = neighbours;
    this.#warm = new WarmLanes(context, neighbours, { committed, bound: () => this.#turns.stops.lanes });
    const forget = (lane: Lane) => this.#warm.forget(lane);
    this.#turns = new LaneTurns(context, neighbours, { holds: this.#holds, busy: this.#busy, committed, forget });
  }

  /** True if no further turn can start before one ends, the draft is committed, or the pipeline is resumed. */
  get isFull(): boolean {
    return this.#turns.isFull;
  }

  /** True if nothing is under way and nothing can start by itself. */
  get isIdle(): boolean {
    return this.#turns.isIdle && !this.#warm.isLoading;
  }

  /** True if lanes whose moment has come wait for room to proceed. */
  get isCrowded(): boolean {
    return this.#turns.isCrowded;
  }

  /** Number of events waiting for keys whose next turn waits for room in a pipeline it sends to. */
  get throttled(): number {
    return this.#turns.stops.throttled;
  }

  /** True once `close` was called: nothing is dispatched, run or drafted any more. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Resolves when `close` is called. */
  get whenClosed(): Promise<void> {
    return this.#close.promise;
  }

  /** Returns the lane of a key, if it is in memory. */
  peek(key: string): Lane | undefined {
    return this.#warm.peek(key);
  }

  /** Loads the lanes of keys into memory; see {@link WarmLanes.warm}. */
  warm(keys: readonly string[]): Promise<void> {
    return this.#warm.warm(keys);
  }

  /** Forgets idle lanes beyond the limits, starting with those not used since the last sweep. */
  sweep(): void {
    this.#warm.sweep();
  }

  /** Forgets idle lanes if too much is held: a commit has made more of them idle. */
  sweepSpent(): void {
    this.#warm.sweepSpent();
  }

  /** Resolves once each lane that is busy now has rested, or at the caller's deadline. */
  allRested(deadline: Deadline): Promise<void> {
    return this.#closed ? Promise.resolve() : this.#busy.allRested(deadline);
  }

  /** Resolves once a busy lane has no turn and none coming up, or at the caller's deadline. */
  rested(lane: Lane, deadline: Deadline): Promise<void> {
    return this.#closed ? Promise.resolve() : this.#busy.rested(lane, deadline);
  }

  /** Ends all current waits for a lane. */
  endWaits(): void {
    this.#busy.endWaits();
  }

  /** Takes an event of the log; returns false if its lane is not in memory and must be loaded first. */
  dispatch(fed: FedEvent): boolean {
    if (this.#closed) return false;
    const lane = this.#warm.peekOrMake(fed.key);
    if (lane === undefined) return false;
    lane.warm();
    const waiting: Waiting = {
      kind: 'event',
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
    this.#turns.advance(lane);
    return true;
  }

  /** Takes a timer or outcome that has come due; returns false if its lane is not in memory. */
  dispatchCause(cause: StoredCause): boolean {
    // Also where each event is its own key: pending outcomes of the key show what was already requested.
    const lane = this.#warm.peek(cause.key);
    if (lane === undefined || this.#closed) return false;
    if (lane.comeDue(cause)) this.#turns.advance(lane);
    return true;
  }

  /** Returns the pending timers and outcomes of a key in memory, soonest first; none for a parked key, which has left them. */
  causesOf(key: string): readonly StoredCause[] {
    return this.#warm.peek(key)?.takeLeft() ?? [];
  }

  /** Drafts the fate of a timer or outcome that no turn of its key has decided. */
  writeCause(write: TimerWrite | OutcomeWrite): void {
    const draft = this.#context.draft();
    const lane = this.#warm.peek(write.key);
    if (lane === undefined) this.#warm.outdate(write.key);
    lane?.writeCause(write);
    lane?.changeIn(draft.number);
    this.#neighbours.causeTouched(write);
    draft.writeCause(write);
  }

  /** Notes that an event of the lane needs no further turn. */
  settle(lane: Lane, draft: Draft, waiting: Pick<Waiting, 'order' | 'position' | 'held'>): void {
    this.#turns.settle(lane, draft, waiting);
  }

  /** Resolves to the result of `begin`, which is called when there is a slot for the turn it starts, or when the lanes are closed. */
  inTurn<T>(begin: () => T): Promise<T> {
    return this.#turns.inTurn(begin);
  }

  /** Runs everything that waits for a free slot. */
  resume(): void {
    this.#turns.resume();
  }

  /** Starts everything that a pause has kept from starting, for keys in memory, once there is room. */
  goOn(): void {
    this.resume();
    for (const lane of Array.from(this.#warm.all())) if (lane.status === 'open') this.#turns.ring(lane);
  }

  /** Lets a key that was just loaded proceed with its held events, once there is room; after a pause all are woken. */
  wake(key: string): void {
    const lane = this.#warm.peek(key);
    if (lane !== undefined && this.#turns.mayGoOn) this.#turns.ring(lane);
  }

  /** Gives up the number that a key has waited for too long. Resolves when that is drafted. */
  skipOverdue(key: string): Promise<void> {
    return this.#turns.skipOverdue(this.#warm.peek(key));
  }

  /** Parks a lane once no turn of it is under way; see {@link LaneTurns.park}. */
  park(lane: Lane, decided: () => void): void {
    this.#turns.park(lane, decided);
  }

  /** Gives up the numbers that a lane waits for, at an operator's request; see {@link LaneTurns.skipGap}. */
  skipGap(lane: Lane, decided: SkipWish): Promise<void> {
    return this.#turns.skipGap(lane, decided);
  }

  /** Holds events that the draft's cursor would pass unheld. */
  holdStragglers(draft: Draft): void {
    this.#holds.holdStragglers(draft);
  }

  /** Aborts a key's turn under way: the attempt has failed. */
  abort(key: string, reason: MillraceError): void {
    this.#turns.abort(key, reason);
  }

  /** Aborts everything that runs, ends all alarms, and resolves when no handler is running any more. Nothing is drafted from now on. */
  close(reason: MillraceError): Promise<void> {
    this.#closed = true;
    this.#close.resolve();
    this.#warm.close();
    return this.#turns.close(reason);
  }

  /** A numbered event is already held in the store; memory is only a short cut. */
  #takeNumbered(lane: Lane, waiting: Waiting): void {
    const draft = this.#context.draft();
    // A key may have read it back and tried it before the log delivered it: then only the store knows its failed attempts.
    const mayHaveFailed = waiting.position <= draft.cursor && lane.mayHaveBeenReadBack(waiting.order);
    // Until that is on disk nobody else counts the event. An empty draft never commits, and nobody may wait for it.
    lane.changeIn(draft.passed(waiting.position));
    this.#context.drafted();
    if (waiting.order < lane.next) return;
    const { stops } = this.#turns;
    stops.arrived(lane, waiting);
    // Read back from the store before the log delivered it.
    if (lane.isUnderWay(waiting.order)) return;
    const isNext = waiting.order === lane.next && !lane.isStopped;
    const { limits, memory } = this.#context.engine;
    const { events } = this.#warm.memory;
    const thereIsRoom = lane.queued < queuedMax && events < limits.feed && !memory.waiting.isSpent && !lane.isStopped;
    if (lane.isStopped) stops.pileUp(lane);
    if (mayHaveFailed && !lane.has(waiting.order)) lane.spillFrom(waiting.order);
    else if (!isNext && !thereIsRoom) lane.spillFrom(waiting.order);
    else lane.insert(waiting);
    if (lane.hasGap && lane.first === waiting.order && lane.gap?.first !== waiting.order) this.#neighbours.gapBegan(lane, waiting);
  }

  /** Once some of a key's events are held in the store, all later ones must follow them there. */
  #takeArrival(lane: Lane, waiting: Waiting): void {
    const { stops } = this.#turns;
    stops.arrived(lane, waiting);
    const isBehindHeld = lane.isStopped || lane.status === 'reloading' || lane.spilledFrom !== Number.POSITIVE_INFINITY;
    const isCrowded = lane.queued >= queuedMax || (this.#context.engine.memory.waiting.isSpent && !lane.isFree);
    if (isBehindHeld || isCrowded) {
      this.#context.draft().hold(lane, waiting);
      lane.spillFrom(waiting.order);
      this.#context.drafted();
      if (lane.isStopped) stops.pileUp(lane);
    } else if (lane.isFree && !this.isFull) {
      this.#turns.runEvent(lane, waiting);
      // Its turn takes time. A finished turn has settled the event or had it held.
      if (lane.isRunning) this.#holds.add(lane, waiting);
    } else if (lane.insert(waiting)) {
      this.#holds.add(lane, waiting);
    }
  }
}
