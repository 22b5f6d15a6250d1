import type { Roll, Store } from '../../store/store.ts';
import type { Clock } from '../clock.ts';

/** What a heartbeat works with; the fleet provides it. */
export interface HeartbeatMeans {
  readonly store: Pick<Store, 'beat' | 'leaseMs'>;
  readonly clock: Pick<Clock, 'elapsedMs' | 'after'>;
  /**
   * A beat was answered. What it returns is waited for with the first.
   *
   * @param askedAt when it began, in elapsed time
   */
  heard(roll: Roll, askedAt: number): Promise<void>;
  /** All leases have run out, as far as anybody here can tell. Called once of each run-out. */
  ranOut(cause: unknown): void;
}

/** Beats within the length of a lease. */
const beats = 3;
/** Between two beats, at least, in milliseconds: whatever happens in the fleet, the database is not asked all the time. */
const pauseMsMin = 100;

/**
 * Says for as long as it is open that this engine lives, which keeps all of its leases. What is known of their end is measured in elapsed
 * time from before each call, so that they are never taken to last longer than the store thinks; a process that was frozen finds them run
 * out before it does anything else. Where leases never run out there are no beats.
 */
export class Heartbeat {
  readonly #means: HeartbeatMeans;
  #endsAt = Number.NEGATIVE_INFINITY;
  /** How often leases have run out. */
  #runOuts = 0;
  #hasRunOut = true;
  #disarm: (() => void) | undefined;
  #disarmEnd: (() => void) | undefined;
  #beating: Promise<void> | undefined;
  #mustBeatAgain = false;
  /** When the last beat began, in elapsed time. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When the leases of the next of the others run out, in elapsed time, as the last answer said. */
  #nextEndAt = Number.POSITIVE_INFINITY;
  #isOpen = false;

  constructor(means: HeartbeatMeans) {
    this.#means = means;
  }

  /** Resolves once what came of the first beat is done. Throws what the store throws. */
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

  /** Returns what tells whether a lease that is claimed from now on is held: whether nobody else can have it yet. */
  held(): () => boolean {
    const { store, clock } = this.#means;
    if (store.leaseMs === undefined) return () => true;
    const runOuts = this.#runOuts;
    return () => runOuts === this.#runOuts && clock.elapsedMs() < this.#endsAt;
  }

  /** Beats before the time for it has come: something has changed. */
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
   * Beats follow each other at the same pace however late their answers are: a slow store is no reason to lose the leases. Where another
   * engine seems to have died, the next one comes when its leases run out.
   */
  #armNext(): void {
    const dueAt = this.#mustBeatAgain ? this.#askedAt : Math.min(this.#askedAt + this.#pauseMs, this.#nextEndAt);
    this.#arm(Math.max(pauseMsMin, dueAt - this.#means.clock.elapsedMs()));
  }

  /** A beat that gets no answer does not hide that the leases run out. */
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

  /** Resolves with the answer; `done` resolves once what came of it is done. */
  async #ask(): Promise<{ readonly done: Promise<void> } | undefined> {
    const { store, clock, heard } = this.#means;
    const askedAt = clock.elapsedMs();
    this.#askedAt = askedAt;
    this.#nextEndAt = Number.POSITIVE_INFINITY;
    const roll = await store.beat();
    if (!this.#isOpen) return undefined;
    // What ran out meanwhile is over, even if nobody has taken it: something may have been left out.
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
