import { MillraceError } from '../errors.ts';
import type { LoggedEvent, PartitionId, Store } from '../store/store.ts';
import { bytesOfEvent, Holding, type Memory } from './memory.ts';

/** An event of the log; `event` is its parsed body, if this process already has it. */
export interface FedEvent extends LoggedEvent {
  readonly event?: unknown;
  /** The memory that both take up. */
  readonly bytes?: number;
}

/** Limits on what a feed may keep. */
export interface FeedBounds {
  readonly events: number;
  readonly memory: Pick<Memory, 'fed' | 'readMax'>;
}

/**
 * Hands out the log of one partition, each position once, in order. Events appended by this process are kept in memory between acceptance
 * and hand-out, within limits; anything missing there (a backlog from before the start, events beyond the limits, events from another
 * process) is read from the store. Positions are dense, so gaps are detectable.
 */
export class Feed {
  readonly #store: Store;
  readonly #partition: PartitionId;
  readonly #bounds: FeedBounds;
  readonly #held: Holding;
  /** Bytes of the last hand-out. */
  #handedOut = 0;
  #kept: FedEvent[] = [];
  #taken: number;
  #head: number;
  /** The read under way of events after the last position taken: while those are handled, the store reads on. */
  #ahead: Promise<readonly LoggedEvent[]> | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(store: Store, partition: PartitionId, start: { readonly cursor: number; readonly head: number }, bounds: FeedBounds) {
    this.#store = store;
    this.#partition = partition;
    this.#taken = start.cursor;
    this.#head = start.head;
    this.#bounds = bounds;
    this.#held = new Holding(bounds.memory.fed);
  }

  /** The highest position known to be in the log. */
  get head(): number {
    return this.#head;
  }

  /** The time at which the oldest kept event that was not handed out was accepted; undefined if there is none. */
  get oldest(): number | undefined {
    return this.#kept[0]?.acceptedAt;
  }

  /** True if the log, as far as known, has been handed out. */
  get isEmpty(): boolean {
    return this.#taken >= this.#head;
  }

  get #hasRoom(): boolean {
    const { events, memory } = this.#bounds;
    return this.#kept.length < events && !memory.fed.isSpent;
  }

  /** Announces events now in the log, in position order. */
  offer(events: readonly FedEvent[]): void {
    for (const event of events) {
      if (event.position > this.#head) this.#head = event.position;
      if (event.position > this.#taken && this.#hasRoom) {
        this.#kept.push(event);
        this.#held.change(bytesOfEvent(event));
      }
    }
    this.#wake?.();
  }

  /** Returns the next events, at least one, at most `limit`; none once the feed is closed. */
  async take(limit: number): Promise<readonly FedEvent[]> {
    this.#held.change(-this.#handedOut);
    this.#handedOut = 0;
    for (;;) {
      if (this.#closed) return [];
      const events = this.#takeKept(limit);
      if (events.length > 0) return this.#handOut(events);
      if (!this.isEmpty) return this.#handOut(await this.#readLog(limit));
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Ends a waiting `take` and all later ones. */
  close(): void {
    this.#closed = true;
    this.#held.close();
    this.#wake?.();
  }

  /** Takes the run of kept events that follows the last position taken; empty if the next one is not kept. */
  #takeKept(limit: number): FedEvent[] {
    const kept = this.#kept;
    let from = 0;
    while (from < kept.length && (kept[from] as FedEvent).position <= this.#taken) from += 1;
    let to = from;
    while (to < kept.length && to - from < limit && (kept[to] as FedEvent).position === this.#taken + 1 + to - from) to += 1;
    // These were being read ahead.
    if (to > from) this.#ahead = undefined;
    for (let at = 0; at < to; at += 1) {
      const bytes = bytesOfEvent(kept[at] as FedEvent);
      if (at < from) this.#held.change(-bytes);
      else this.#handedOut += bytes;
    }
    if (from === 0 && to === kept.length) {
      this.#kept = [];
      return kept;
    }
    return kept.splice(0, to).slice(from);
  }

  async #readLog(limit: number): Promise<readonly LoggedEvent[]> {
    const events = await (this.#ahead ?? this.#read(this.#taken, limit));
    this.#ahead = undefined;
    if (events.length === 0) throw this.#expected(this.#taken + 1, 'nothing');
    let last = this.#taken;
    for (const { position } of events) {
      if (position !== last + 1) throw this.#expected(last + 1, `position ${position}`);
      last = position;
    }
    if (last < this.#head && !this.#closed) this.#readAhead(last, limit);
    return events;
  }

  #expected(position: number, found: string): MillraceError {
    return new MillraceError('MILL_STORE_CORRUPT', `log of ${this.#partition.pipeline}: expected position ${position}, found ${found}`);
  }

  #readAhead(after: number, limit: number): void {
    this.#ahead = this.#read(after, limit);
    // The next `take` reports a failure.
    this.#ahead.catch(() => undefined);
  }

  /** Reads no more than is known to be there: a database may have to search through much deleted data to see that nothing follows. */
  #read(after: number, limitMax: number): Promise<readonly LoggedEvent[]> {
    const limit = Math.min(limitMax, this.#head - after);
    return this.#store.read(this.#partition, after, limit, { charactersMax: this.#bounds.memory.readMax });
  }

  #handOut(events: readonly FedEvent[]): readonly FedEvent[] {
    this.#taken = (events.at(-1) as FedEvent | undefined)?.position ?? this.#taken;
    return events;
  }
}
