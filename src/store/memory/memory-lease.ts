import { MillraceError } from '../../errors.ts';
import type { Commit, Committed, Lease, PartitionId, Standing } from '../store.ts';

/** What a lease works with; the store that gives it provides it. */
export interface MemoryLeaseMeans {
  readonly partition: PartitionId;
  readonly standing: Standing;
  commit(commit: Commit): Committed;
  /** Throws once the store is closed. */
  checkOpen(): void;
}

/** The leases of a database, at most one of each partition. */
export class MemoryLeases {
  readonly #lengthMs: number;
  readonly #now: () => number;
  readonly #latest = new Map<string, { readonly lease: MemoryLease; readonly holder: object; endsAt: number }>();

  /** @param lengthMs how long one lasts that is not renewed, by `now` */
  constructor(lengthMs: number, now: () => number) {
    this.#lengthMs = lengthMs;
    this.#now = now;
  }

  /** Gives a lease to a holder. Throws `MILL_STORE_LEASED` while another has one that has not run out. */
  give(holder: object, means: MemoryLeaseMeans): MemoryLease {
    const name = nameOf(means.partition);
    const latest = this.#latest.get(name);
    if (latest !== undefined && latest.holder !== holder && latest.endsAt > this.#now())
      throw new MillraceError('MILL_STORE_LEASED', `partition ${name}: another engine has its lease`);
    const lease = new MemoryLease(means, this);
    this.#latest.set(name, { lease, holder, endsAt: this.#now() + this.#lengthMs });
    return lease;
  }

  /** Throws `MILL_STORE_FENCED` once a lease is over. */
  check(lease: MemoryLease): void {
    const name = nameOf(lease.partition);
    if (this.#latest.get(name)?.lease !== lease)
      throw new MillraceError('MILL_STORE_FENCED', `partition ${name}: expected the latest lease, found one that is over`);
  }

  renew(lease: MemoryLease): void {
    this.check(lease);
    const latest = this.#latest.get(nameOf(lease.partition));
    if (latest !== undefined) latest.endsAt = this.#now() + this.#lengthMs;
  }

  release(lease: MemoryLease): void {
    const name = nameOf(lease.partition);
    if (this.#latest.get(name)?.lease === lease) this.#latest.delete(name);
  }
}

class MemoryLease implements Lease {
  readonly partition: PartitionId;
  readonly standing: Standing;
  readonly #means: MemoryLeaseMeans;
  readonly #leases: MemoryLeases;

  constructor(means: MemoryLeaseMeans, leases: MemoryLeases) {
    this.partition = means.partition;
    this.standing = means.standing;
    this.#means = means;
    this.#leases = leases;
  }

  async commit(commit: Commit): Promise<Committed> {
    this.#means.checkOpen();
    this.#leases.check(this);
    return this.#means.commit(commit);
  }

  async renew(): Promise<void> {
    this.#means.checkOpen();
    this.#leases.renew(this);
  }

  async release(): Promise<void> {
    this.#means.checkOpen();
    this.#leases.release(this);
  }
}

function nameOf({ pipeline, slice }: PartitionId): string {
  return `${pipeline}/${slice}`;
}
