import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Clock } from './clock.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';

/**
 * The object of a key's wait: a missing number, the retry of its first event or timer, room in a pipeline its turn sends to, or an
 * operator.
 */
type Awaited = 'number' | 'retry' | 'room' | 'operator';

/** A key that waits. */
export interface Wait {
  readonly key: string;
  readonly awaited: Awaited;
  /** The missing number, if the key waits for one. */
  readonly next: number;
  /** Number of events waiting for the key. */
  events: number;
  /** Its beginning, in elapsed time. */
  readonly begunAt: number;
  /** True if the log has a line for it. */
  isLogged: boolean;
}

/** A key in memory as waits see it; its lane is one. */
interface WaitingKey {
  readonly key: string;
  readonly next: number;
  readonly pending: number;
  readonly wait: Wait | undefined;
  beginWait(wait: Wait): void;
  endWait(): void;
}

/** Keys that an earlier process left waiting. */
interface KeysLeft {
  /** They wait for an operator. */
  readonly parked: number;
  /** They wait for a number. */
  readonly gaps: number;
}

export interface WaitsMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Pick<Limits, 'pendingPerKey'>;
  readonly pipeline: Pick<AnyPipeline, 'name' | 'order'>;
}

/** A wait that lasts this long matters. In milliseconds. */
const longMs = 30_000;
/** Log lines a minute, however many keys begin to wait. */
const linesMax = 10;
const minuteMs = 60_000;
/** Maximum keys tracked. Others wait without a separate log line; `millrace_held_events` counts their events. */
const keysMax = 10_000;

const said: Readonly<Record<Awaited, string>> = {
  number: 'events wait for a number that has not arrived',
  retry: 'events wait for a retry',
  room: 'events wait for room in a pipeline that their key sends to',
  operator: 'events pile up behind a parked key: redrive or discard its dead letter, or resume it',
};

/**
 * The keys of a partition that wait. Each wait gets one log line once it matters (promise 9): when it has lasted half a minute, or when its
 * events fill half of the key's waiting room. A wait begins when a key cannot proceed, and ends when an event of the key is settled. It
 * outlives a tenure, so a store failure repeats no line.
 *
 * A key that does not wait costs nothing here. While any wait has no line yet, all of them are examined every half minute.
 */
export class Waits {
  readonly #means: WaitsMeans;
  readonly #eventsMax: number;
  /** In the order they began. */
  readonly #waits = new Map<string, Wait>();
  #disarm: (() => void) | undefined;
  /** Lines that may still be written in the current minute. */
  #linesLeft = linesMax;
  /** In elapsed time. */
  #minuteEndsAt = 0;
  /** True once the first tenure has begun. */
  #hasBegun = false;

  constructor(means: WaitsMeans) {
    this.#means = means;
    this.#eventsMax = means.pipeline.order?.pendingMax ?? means.limits.pendingPerKey;
  }

  /** Returns the wait of a key; an earlier tenure may have noted it. */
  of(key: string): Wait | undefined {
    return this.#waits.size === 0 ? undefined : this.#waits.get(key);
  }

  /** Notes that the key waits, newly or still. */
  note(lane: WaitingKey, awaited: Awaited): void {
    if (lane.wait?.awaited !== awaited) this.#begin(lane, awaited);
    const { wait } = lane;
    if (wait === undefined) return;
    wait.events = lane.pending;
    if (wait.isLogged) return;
    if (this.#isCrowded(wait) && this.#linesFree() > 0) this.#logOne(wait);
    else this.#arm();
  }

  /** Notes that the key proceeds. */
  end(lane: WaitingKey): void {
    lane.endWait();
    this.#waits.delete(lane.key);
  }

  /** Notes that a tenure has begun. At the first, one line counts the keys that an earlier process left waiting. */
  begun({ parked, gaps }: KeysLeft): void {
    const { log, pipeline } = this.#means;
    if (!this.#hasBegun && parked + gaps > 0) {
      log.warn(
        { pipeline: pipeline.name, parked, gaps },
        'keys were already waiting at the start: parked ones for an operator, gaps for a number',
      );
    }
    this.#hasBegun = true;
  }

  close(): void {
    this.#disarm?.();
    this.#disarm = undefined;
  }

  #begin(lane: WaitingKey, awaited: Awaited): void {
    if (lane.wait !== undefined) this.end(lane);
    if (this.#waits.size >= keysMax) return;
    const { key, next, pending } = lane;
    const wait = { key, awaited, next, events: pending, begunAt: this.#means.clock.elapsedMs(), isLogged: false };
    lane.beginWait(wait);
    this.#waits.set(key, wait);
  }

  #arm(): void {
    this.#disarm ??= this.#means.clock.after(longMs, () => {
      this.#disarm = undefined;
      this.#look();
    });
  }

  /** Writes a line for each wait that now matters, longest first. If there are too many, the last line counts the rest. */
  #look(): void {
    const unlogged = Array.from(this.#waits.values()).filter(({ isLogged, events }) => !isLogged && events > 0);
    const now = this.#means.clock.elapsedMs();
    const due = unlogged.filter((wait) => now - wait.begunAt >= longMs || this.#isCrowded(wait));
    const lines = this.#linesFree();
    const single = due.length <= lines ? due.length : Math.max(0, lines - 1);
    for (const wait of due.slice(0, single)) this.#logOne(wait);
    if (lines > 0 && single < due.length) this.#logTogether(due.slice(single));
    if (unlogged.some(({ isLogged }) => !isLogged)) this.#arm();
  }

  #logOne(wait: Wait): void {
    const { clock, log, pipeline } = this.#means;
    const { key, awaited, next, events, begunAt } = wait;
    const missing = awaited === 'number' ? { next } : {};
    const since = new Date(clock.now() - (clock.elapsedMs() - begunAt)).toISOString();
    this.#linesLeft -= 1;
    wait.isLogged = true;
    log.warn({ pipeline: pipeline.name, key, ...missing, events, since }, said[awaited]);
  }

  #logTogether(waits: readonly Wait[]): void {
    const { log, pipeline } = this.#means;
    this.#linesLeft -= 1;
    for (const wait of waits) wait.isLogged = true;
    const events = waits.reduce((total, wait) => total + wait.events, 0);
    log.warn({ pipeline: pipeline.name, keys: waits.length, events }, 'events of further keys wait for a number, a retry or an operator');
  }

  /** Returns whether the key's waiting room is at least half full. */
  #isCrowded({ events }: Wait): boolean {
    return events * 2 >= this.#eventsMax;
  }

  #linesFree(): number {
    const now = this.#means.clock.elapsedMs();
    if (now >= this.#minuteEndsAt) {
      this.#minuteEndsAt = now + minuteMs;
      this.#linesLeft = linesMax;
    }
    return this.#linesLeft;
  }
}
