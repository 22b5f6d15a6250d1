import { MillraceError } from '../errors.ts';
import type { Lease } from '../store/store.ts';
import type { Clock } from './clock.ts';

/** What keeping a lease takes; the partition provides it. */
export interface LeaseBeatMeans {
  readonly lease: Lease;
  /** How long it lasts that is not renewed; undefined when it never runs out. */
  readonly leaseMs: number | undefined;
  readonly clock: Pick<Clock, 'elapsedMs' | 'after'>;
  /** Called with every beat. */
  beat(): void;
  /** It is over, or has run out as far as anybody here can tell. Called at most once. */
  lost(error: MillraceError): void;
}

/** Beats within the length of a lease. */
const beats = 3;

/**
 * Renews a lease for as long as it is held. What is known of its end is measured in elapsed time from before each call, so that it is never
 * taken to last longer than the store thinks; a process that was frozen finds it run out before it does anything else.
 */
export class LeaseBeat {
  readonly #means: LeaseBeatMeans;
  #endsAt: number;
  #disarm: (() => void) | undefined;
  #isOver = false;

  /** @param claimedAt when it was claimed, in elapsed time */
  constructor(means: LeaseBeatMeans, claimedAt: number) {
    this.#means = means;
    this.#endsAt = claimedAt + (means.leaseMs ?? Number.POSITIVE_INFINITY);
    this.#arm();
  }

  /** Whether nobody else can have the lease yet. */
  get isHeld(): boolean {
    if (this.#isOver) return false;
    return this.#endsAt === Number.POSITIVE_INFINITY || this.#means.clock.elapsedMs() < this.#endsAt;
  }

  close(): void {
    this.#isOver = true;
    this.#disarm?.();
  }

  #arm(): void {
    const { leaseMs, clock } = this.#means;
    if (leaseMs === undefined || this.#isOver) return;
    this.#disarm = clock.after(leaseMs / beats, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const { lease, leaseMs = 0, clock, beat, lost } = this.#means;
    const from = clock.elapsedMs();
    let cause: unknown;
    try {
      // One that has run out is not renewed, even if nobody has taken it: something may have been left out meanwhile.
      if (this.isHeld) await lease.renew();
      if (this.isHeld) this.#endsAt = from + leaseMs;
    } catch (error) {
      cause = error;
    }
    if (this.#isOver) return;
    const fenced = cause instanceof MillraceError && cause.code === 'MILL_STORE_FENCED' ? cause : undefined;
    if (fenced !== undefined || !this.isHeld) {
      this.close();
      lost(fenced ?? new MillraceError('MILL_STORE_FENCED', 'the lease has run out before it was renewed', { cause }));
      return;
    }
    beat();
    this.#arm();
  }
}
