import type { Roll, Store } from '../../store/store.ts';
import type { Clock } from '../clock.ts';

/** The dependencies of a heartbeat, provided by the fleet. */
export interface HeartbeatMeans {
  readonly store: Pick<Store, 'beat' | 'leaseMs'>;
  readonly clock: Pick<Clock, 'elapsedMs' | 'after'>;
  /**
   * Handles an answered beat. Its promise is awaited for the first beat.
   *
   * @param askedAt when the beat began, in elapsed time
   */
  heard(roll: Roll, askedAt: number): Promise<void>;
  /** Reports that all leases have expired, as far as this process can tell. Called once per expiry. */
  ranOut(cause: unknown): void;
}

/** Beats per lease period. */
const beats = 3;
/** Shortest time between two beats, in milliseconds: whatever happens in the fleet, the database is not asked constantly. */
const pauseMsMin = 100;

/**
 * Reports while it is open that this engine is alive, which renews all of its leases. Their end is measured in elapsed time from before
 * each call, so they are never thought to last longer than the store believes; a process that was frozen finds them expired before it does
 * anything else. Where leases never expire there are no beats.
 */
export class Heartbeat {
  readonly #means: HeartbeatMeans;
  #endsAt = Number.NEGATIVE_INFINITY;
  /** Number of times the leases have expired. */
  #runOuts = 0;
  #hasRunOut = true;
  #disarm: (() => void) | undefined;
  #disarmEnd: (() => void) | undefined;
  #beating: Promise<void> | undefined;
  #mustBeatAgain = false;
  /** The time at which the last beat began, in elapsed time. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** The time at which the next of the other engines' leases expire, in elapsed time, by the last answer. */
  #nextEndAt = Number.POSITIVE_INFINITY;
  #isOpen = false;

  constructor(means: HeartbeatMeans) {
    this.#means = means;
  }

  /** Resolves once the results of the first beat are applied. Throws what the store throws. */
  async start(): Promise<void> {
    this.#isOpen = true;
    try {
      const followed = await this.#ask();
      this.#armNext();
      await followed?.done;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Returns a function that tells whether a lease claimed from now on is still held, so that nobody else can have it yet. */
  held(): () => boolean {
    const { store, clock } = this.#means;
    if (store.leaseMs === undefined) return () => true;
    const runOuts = this.#runOuts;
    return () => runOuts === this.#runOuts && clock.elapsedMs() < this.#endsAt;
  }

  /** Beats early because something has changed. */
  beatNow(): void {
    if (!this.#isOpen) return;
    const pauseMs = this.#askedAt + pauseMsMin - this.#means.clock.elapsedMs();
    if (this.#beating !== undefined) this.#mustBeatAgain = true;
    else if (pauseMs > 0) this.#arm(pauseMs);
    else this.#beating = this.#beat();
  }

  close(): void {
    this.#isOpen = false;
    this.#disarm?.();
    this.#disarmEnd?.();
  }

  #arm(ms: number): void {
    this.#disarm?.();
    if (this.#isOpen) this.#disarm = this.#means.clock.after(ms, () => this.beatNow());
  }

  /**
   * Keeps a steady pace however late the answers are: a slow store is no reason to lose the leases. If another engine seems to have died,
   * the next beat comes when its leases expire.
   */
  #armNext(): void {
    const dueAt = this.#mustBeatAgain ? this.#askedAt : Math.min(this.#askedAt + this.#pauseMs, this.#nextEndAt);
    this.#arm(Math.max(pauseMsMin, dueAt - this.#means.clock.elapsedMs()));
  }

  /** An unanswered beat must not hide the expiry of the leases. */
  #armEnd(): void {
    const { clock } = this.#means;
    this.#disarmEnd?.();
    if (!this.#hasRunOut) this.#disarmEnd = clock.after(this.#endsAt - clock.elapsedMs(), () => this.#lookAtTime(undefined));
  }

  async #beat(): Promise<void> {
    let cause: unknown;
    this.#mustBeatAgain = false;
    this.#lookAtTime(undefined);
    try {
      await this.#ask();
    } catch (error) {
      cause = error;
    }
    if (!this.#isOpen) return;
    this.#lookAtTime(cause);
    this.#beating = undefined;
    this.#armNext();
  }

  /** Resolves with the answer; its `done` resolves once the answer is applied. */
  async #ask(): Promise<{ readonly done: Promise<void> } | undefined> {
    const { store, clock, heard } = this.#means;
    const askedAt = clock.elapsedMs();
    this.#askedAt = askedAt;
    this.#nextEndAt = Number.POSITIVE_INFINITY;
    const roll = await store.beat();
    if (!this.#isOpen) return undefined;
    // A lease that expired meanwhile is over, even if nobody has taken it: something may have been missed.
    this.#lookAtTime(undefined);
    this.#endsAt = askedAt + (store.leaseMs ?? 0);
    this.#hasRunOut = clock.elapsedMs() >= this.#endsAt;
    this.#nextEndAt = clock.elapsedMs() + roll.nextEndMs;
    this.#armEnd();
    return { done: heard(roll, askedAt) };
  }

  get #pauseMs(): number {
    return (this.#means.store.leaseMs ?? 0) / beats;
  }

  #lookAtTime(cause: unknown): void {
    if (this.#hasRunOut || this.#means.clock.elapsedMs() < this.#endsAt) return;
    this.#hasRunOut = true;
    this.#runOuts += 1;
    this.#means.ranOut(cause);
  }
}
