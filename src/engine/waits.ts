import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Clock } from './clock.ts';
import type { Limits } from './limits.ts';
import type { Log } from './log.ts';

/** What a key waits for: a number that is missing, the retry of its first event or timer, or an operator. */
type Awaited = 'number' | 'retry' | 'operator';

/** A key that waits. */
export interface Wait {
  readonly key: string;
  readonly awaited: Awaited;
  /** The number that is missing, where the key waits for one. */
  readonly next: number;
  /** How many events wait for the key. */
  events: number;
  /** When it began, in milliseconds since 1970. */
  readonly since: number;
  /** The same in elapsed time. */
  readonly begunAt: number;
  isTold: boolean;
}

/** What waits know of a key in memory; its lane is one. */
interface WaitingKey {
  readonly key: string;
  readonly next: number;
  readonly pending: number;
  wait: Wait | undefined;
}

/** How many keys a former process left waiting for an operator, and for a number. */
interface KeysLeft {
  readonly parked: number;
  readonly gaps: number;
}

export interface WaitsMeans {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Pick<Limits, 'pendingPerKey'>;
  readonly pipeline: Pick<AnyPipeline, 'name' | 'order'>;
}

/** A wait that lasts so long is no passing one. In milliseconds. */
const longMs = 30_000;
/** Lines that waits may fill of a log in a minute, however many keys begin to wait. */
const linesMax = 10;
const minuteMs = 60_000;
/** Keys that are followed. What waits beyond them is counted by `millrace_held_events`, and in no line. */
const keysMax = 10_000;

const said: Readonly<Record<Awaited, string>> = {
  number: 'events wait for a number that has not arrived',
  retry: 'events wait for a retry',
  operator: 'events pile up behind a parked key: redrive or discard its dead letter',
};

/**
 * The keys of a partition that wait, and a line of the log for each once that matters (promise 9): when it has lasted half a minute,
 * or fills half of the key's waiting room. A wait begins when a key cannot go on, is told once, and ends when an event of the key is
 * settled. It outlives a tenure, so that a failure of the store repeats no line.
 *
 * A key that does not wait costs nothing here. One that waits is followed by a look each half minute for as long as one of them is
 * untold.
 */
export class Waits {
  readonly #means: WaitsMeans;
  readonly #eventsMax: number;
  /** In the order in which they began. */
  readonly #waits = new Map<string, Wait>();
  #disarm: (() => void) | undefined;
  /** Lines that are left in the minute that ends at a moment of elapsed time. */
  #linesLeft = linesMax;
  #minuteEndsAt = 0;
  /** Whether the keys that a former process left waiting are told. */
  #hasBegun = false;

  constructor(means: WaitsMeans) {
    this.#means = means;
    this.#eventsMax = means.pipeline.order?.pendingMax ?? means.limits.pendingPerKey;
  }

  /** The wait of a key, which a tenure before this one may have noted. */
  of(key: string): Wait | undefined {
    return this.#waits.size === 0 ? undefined : this.#waits.get(key);
  }

  /** The key waits, from now on or still. */
  note(lane: WaitingKey, awaited: Awaited): void {
    if (lane.wait?.awaited !== awaited) lane.wait = this.#begin(lane, awaited);
    const { wait } = lane;
    if (wait === undefined) return;
    wait.events = lane.pending;
    if (wait.isTold) return;
    if (this.#isCrowded(wait) && this.#linesNow() > 0) this.#tell(wait);
    else this.#arm();
  }

  /** The key goes on. */
  end(lane: WaitingKey): void {
    lane.wait = undefined;
    this.#waits.delete(lane.key);
  }

  /** The first tenure has begun: one line tells of the keys that a former process left waiting, however many there are. */
  begun({ parked, gaps }: KeysLeft): void {
    const { log, pipeline } = this.#means;
    if (!this.#hasBegun && parked + gaps > 0) {
      log.warn(
        { pipeline: pipeline.name, parked, gaps },
        'keys wait from before the start: parked ones for an operator, gaps for a number',
      );
    }
    this.#hasBegun = true;
  }

  close(): void {
    this.#disarm?.();
    this.#disarm = undefined;
  }

  #begin({ key, next, pending }: WaitingKey, awaited: Awaited): Wait | undefined {
    this.#waits.delete(key);
    if (this.#waits.size >= keysMax) return undefined;
    const { clock } = this.#means;
    const wait = { key, awaited, next, events: pending, since: clock.now(), begunAt: clock.elapsedMs(), isTold: false };
    this.#waits.set(key, wait);
    return wait;
  }

  #arm(): void {
    this.#disarm ??= this.#means.clock.after(longMs, () => {
      this.#disarm = undefined;
      this.#look();
    });
  }

  /** Tells of the waits that matter by now, the longest first. When they are too many, one line tells of the rest. */
  #look(): void {
    const untold = Array.from(this.#waits.values()).filter(({ isTold, events }) => !isTold && events > 0);
    const now = this.#means.clock.elapsedMs();
    const due = untold.filter((wait) => now - wait.begunAt >= longMs || this.#isCrowded(wait));
    const lines = this.#linesNow();
    const single = due.length <= lines ? due.length : Math.max(0, lines - 1);
    for (const wait of due.slice(0, single)) this.#tell(wait);
    if (lines > 0 && single < due.length) this.#tellTogether(due.slice(single));
    if (untold.some(({ isTold }) => !isTold)) this.#arm();
  }

  #tell(wait: Wait): void {
    const { log, pipeline } = this.#means;
    const { key, awaited, next, events, since } = wait;
    const missing = awaited === 'number' ? { next } : {};
    this.#linesLeft -= 1;
    wait.isTold = true;
    log.warn({ pipeline: pipeline.name, key, ...missing, events, since: new Date(since).toISOString() }, said[awaited]);
  }

  #tellTogether(waits: readonly Wait[]): void {
    const { log, pipeline } = this.#means;
    this.#linesLeft -= 1;
    for (const wait of waits) wait.isTold = true;
    const events = waits.reduce((total, wait) => total + wait.events, 0);
    log.warn({ pipeline: pipeline.name, keys: waits.length, events }, 'events of more keys wait for a number, a retry or an operator');
  }

  /** Whether half of what may wait for a key does. */
  #isCrowded({ events }: Wait): boolean {
    return events * 2 >= this.#eventsMax;
  }

  #linesNow(): number {
    const now = this.#means.clock.elapsedMs();
    if (now >= this.#minuteEndsAt) {
      this.#minuteEndsAt = now + minuteMs;
      this.#linesLeft = linesMax;
    }
    return this.#linesLeft;
  }
}
