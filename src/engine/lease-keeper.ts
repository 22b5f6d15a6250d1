import type { Lease, PartitionId, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';

/** The dependencies for keeping a partition's lease, provided by its ownership. */
export interface LeaseKeeperMeans {
  readonly store: Pick<Store, 'claim'>;
  readonly clock: Pick<Clock, 'elapsedMs'>;
  readonly partition: PartitionId;
  /** Returns a function that tells whether a lease claimed from now on is still held. */
  held(): () => boolean;
}

/** A lease that was claimed. */
export interface KeptLease {
  readonly lease: Lease;
  /** Returns whether nobody else can have the lease yet. */
  isHeld(): boolean;
}

/** Claims the lease of a partition, keeps the newest one, and releases it. */
export class LeaseKeeper {
  readonly #means: LeaseKeeperMeans;
  #lease: Lease | undefined;
  #changedAt = Number.NEGATIVE_INFINITY;
  #mustRelease = false;

  constructor(means: LeaseKeeperMeans) {
    this.#means = means;
  }

  /** The time at which it was last claimed or released, in elapsed time: answers to earlier questions are stale. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** True if a release has failed, so that the lease may still be ours and be renewed with all others. */
  get mustRelease(): boolean {
    return this.#mustRelease;
  }

  /** Throws what the store throws. */
  async claim(): Promise<KeptLease> {
    const { store, partition, held } = this.#means;
    const isHeld = held();
    this.#lease = await store.claim(partition);
    this.#mustRelease = false;
    this.#changed();
    return { lease: this.#lease, isHeld };
  }

  /** Releases the lease; otherwise it lasts as long as the engine lives. Throws what the store throws. */
  async release(): Promise<void> {
    this.#mustRelease = true;
    await this.#lease?.release();
    this.#mustRelease = false;
    this.#changed();
  }

  #changed(): void {
    this.#changedAt = this.#means.clock.elapsedMs();
  }
}
