import type { Deadline } from './deadline.ts';
import type { TenureContext } from './engine-context.ts';
import { type FedEvent, Feed } from './feed.ts';
import type { Lanes } from './lanes.ts';
import { Milestone } from './milestone.ts';
import type { TenureState } from './tenure-state.ts';

/** Events handed out by the feed, or read from the log, at once. */
const batchMax = 512;

/** Maximum batches whose first event is remembered. */
const marksMax = 1_024;

/** The start of a batch of the log, and when that event was accepted. */
interface Mark {
  readonly position: number;
  readonly acceptedAt: number;
}

/** The position from which a tenure reads. */
export interface ReadingStart {
  readonly cursor: number;
  /** The highest position known to this process. */
  readonly head: number;
}

/** Reads a partition's slice of the log, and gives each event to the lane of its key in log order. */
export class Dispatcher {
  readonly #context: TenureContext;
  readonly #state: TenureState;
  readonly #lanes: Lanes;
  readonly #feed: Feed;
  /** The last position given to its lane. */
  readonly #dispatched: Milestone;
  /** The first event of each batch handed out, back to where somebody last asked. */
  #marks: Mark[] = [];
  /** Reads under way for unannounced events. */
  #looks = 0;

  constructor(
    context: TenureContext,
    { cursor, head }: ReadingStart,
    { state, lanes }: { readonly state: TenureState; readonly lanes: Lanes },
  ) {
    const { engine, partition } = context;
    this.#context = context;
    this.#state = state;
    this.#lanes = lanes;
    this.#dispatched = new Milestone(cursor);
    this.#feed = new Feed(engine.store, partition.id, { cursor, head }, { events: engine.limits.feed, memory: engine.memory });
  }

  /** The highest position known to be in the log. */
  get head(): number {
    return this.#feed.head;
  }

  /**
   * Returns when the first event after a position, or an earlier one of its batch, was accepted; undefined if no event after it is in
   * memory.
   */
  acceptedAfter(position: number): number | undefined {
    const marks = this.#marks;
    while (marks.length > 1 && (marks[1] as Mark).position <= position + 1) marks.shift();
    const [first] = marks;
    return first !== undefined && this.#dispatched.reached > position ? first.acceptedAt : this.#feed.oldest;
  }

  /** True if no look for unannounced events is under way. */
  get isSure(): boolean {
    return this.#looks === 0;
  }

  /** True if other engines append to the log too: their announcements may come late, or never. */
  get isShared(): boolean {
    return this.#context.engine.store.leaseMs !== undefined;
  }

  /** True if every known event in the log is with its lane. */
  get isCaughtUp(): boolean {
    return this.#dispatched.reached >= this.#feed.head;
  }

  /** Runs the read loop, which ends when the dispatcher is closed. */
  async read(): Promise<void> {
    for (;;) {
      const batch = await this.#feed.take(batchMax);
      if (batch.length === 0) return;
      this.#mark(batch[0] as FedEvent);
      await this.#dispatch(batch);
      this.#lanes.sweep();
      this.#state.changed();
    }
  }

  /** Announces accepted events, in position order. */
  offer(events: readonly FedEvent[]): void {
    const { head } = this.#feed;
    this.#feed.offer(events);
    this.#context.partition.ledger.received(this.#feed.head - head);
  }

  /**
   * Finds unannounced events in the log: whoever appended them does not know whether they are there.
   *
   * @param upTo the last position that may hold some, if known
   */
  async look(upTo = Number.POSITIVE_INFINITY): Promise<void> {
    const { engine, partition, drafted } = this.#context;
    this.#looks += 1;
    try {
      while (this.#feed.head < upTo) {
        const { head } = this.#feed;
        const limit = Math.min(batchMax, upTo - head);
        const events = await engine.store.read(partition.id, head, limit, { charactersMax: engine.memory.readMax });
        if (events.length === 0 || !this.#state.isWorking) return;
        this.offer(events);
      }
    } catch (error) {
      this.#state.fail(error);
    } finally {
      this.#looks -= 1;
      drafted();
    }
  }

  /** Resolves once every event now in the log is known. */
  async lookedFor(): Promise<void> {
    if (this.isShared) await this.look();
  }

  /** Resolves once everything now in the log is with its lanes; at once while the pipeline is paused, which may last long. */
  async caughtUp(deadline?: Deadline): Promise<void> {
    await this.#reach(this.#feed.head, deadline);
  }

  /** Resolves like {@link caughtUp}, once the looks under way have found unannounced events. */
  async lookedAndCaughtUp(deadline?: Deadline): Promise<void> {
    await this.#state.until(() => this.isSure, deadline);
    await this.caughtUp(deadline);
  }

  /** Resolves once everything now in the log is with its lanes, however long the pipeline is paused. */
  async caughtUpThroughPauses(): Promise<void> {
    await this.lookedFor();
    const { head } = this.#feed;
    while (this.#state.isWorking && (this.#isPaused || this.#dispatched.reached < head)) {
      await this.#state.until(() => !this.#isPaused);
      await this.#reach(head);
    }
  }

  /** Ends all current waits. */
  endWaits(): void {
    this.#dispatched.endWaits();
  }

  close(): void {
    this.#feed.close();
  }

  get #isPaused(): boolean {
    return this.#context.partition.pause.isPaused;
  }

  async #reach(position: number, deadline?: Deadline): Promise<void> {
    if (this.#state.isWorking && !this.#isPaused) await this.#dispatched.until(position, deadline);
  }

  #mark({ position, acceptedAt }: Mark): void {
    this.#marks.push({ position, acceptedAt });
    // Nobody has asked for a while, or the backlog is long: half of the marks are precise enough.
    if (this.#marks.length > marksMax) this.#marks = this.#marks.filter((_, at) => at % 2 === 0);
  }

  async #dispatch(batch: readonly FedEvent[]): Promise<void> {
    const lanes = this.#lanes;
    for (let at = 0; at < batch.length; at += 1) {
      const event = batch[at] as FedEvent;
      const dispatch = () => this.#state.isWorking && lanes.dispatch(event);
      let isDispatched = lanes.isFull ? await lanes.inTurn(dispatch) : dispatch();
      // Most are in memory. If one is not, those after it may not be either, so all are loaded at once.
      while (this.#state.isWorking && !isDispatched) {
        lanes.sweep();
        await lanes.warm(batch.slice(at).map(({ key }) => key));
        isDispatched = dispatch();
      }
      if (!this.#state.isWorking) return;
      this.#dispatched.reach(event.position);
    }
  }
}
