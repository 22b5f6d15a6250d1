import type { Lease, PartitionId, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';

/** What the lease of a partition is kept with; the ownership of the partition provides it. */
export interface LeaseKeeperMeans {
  readonly store: Pick<Store, 'claim'>;
  readonly clock: Pick<Clock, 'elapsedMs'>;
  readonly partition: PartitionId;
  /** Returns what tells whether a lease that is claimed from now on is held. */
  held(): () => boolean;
}

/** A lease that was claimed. */
export interface KeptLease {
  readonly lease: Lease;
  /** Whether nobody else can have the lease yet. */
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

  /** When it was last claimed or released, in elapsed time: what was asked before says nothing of how it is now. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** Whether a release has failed, so that the lease may be ours still, and be kept with all others. */
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

  /** One that is not released lasts as long as the engine lives. Throws what the store throws. */
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
