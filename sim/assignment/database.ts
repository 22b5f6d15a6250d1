import type { Member, Ownership, Roll, StoreListener } from '../../src/store/store.ts';

/** The pipeline whose slices are distributed. */
export const pipeline = 'events';

/** The cost of database calls, in transactions and their statements, as `src/store/postgres/lease/process.ts` makes them. */
const costs = {
  beat: 5,
  /** The first beat of a process, of which the other processes are notified. */
  arrival: 1,
  claim: 3,
  release: 2,
  leave: 3,
} as const;

export interface DatabaseOptions {
  readonly slices: number;
  readonly leaseMs: number;
  /** The database's clock, in milliseconds. */
  now(): number;
  /** Does something a moment later, like a notification. */
  soon(work: () => void): void;
}

/** The calls made in one second. */
export interface Asked {
  transactions: number;
  statements: number;
}

/**
 * A database reduced to leases: live processes, and who owns which slice of one pipeline, by the rules of the PostgreSQL store. It answers
 * at once; its callers wait as long as a database takes. It counts the calls.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #owners: (string | null)[];
  /** The time since which each free slice has been free. */
  readonly #freeSince: (number | undefined)[];
  /** Live processes in order of arrival, each with the time until which it counts as alive. */
  readonly #members = new Map<string, { readonly member: Member; until: number }>();
  readonly #listeners = new Map<string, StoreListener>();
  readonly #asked = new Map<number, Asked>();
  /** The latest roll; every caller shares it until something changes. */
  #slices: readonly Ownership[] | undefined;
  #living: readonly Member[] = [];
  /** Number of times a slice came to an engine. */
  moves = 0;
  /** Number of times a slice came to an engine or left one. */
  changes = 0;
  /** The longest time that a slice was free before an engine claimed it, in milliseconds. */
  pauseMsMax = 0;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#owners = new Array<string | null>(options.slices).fill(null);
    this.#freeSince = new Array<number | undefined>(options.slices).fill(options.now());
  }

  get owners(): readonly (string | null)[] {
    return this.#owners;
  }

  /** The calls so far, by second. */
  get asked(): ReadonlyMap<number, Asked> {
    return this.#asked;
  }

  beat(self: string): Roll {
    const now = this.#options.now();
    const known = this.#members.get(self);
    const { member } = known ?? { member: { id: self, host: '', pid: 0, version: '', since: now, pipelines: [pipeline] } };
    this.#members.set(self, { member, until: now + this.#options.leaseMs });
    this.#count(costs.beat);
    if (known === undefined) {
      this.#count(costs.arrival);
      this.#tellOthers(self);
    }
    const members = this.#liveMembers(now);
    return {
      self,
      members,
      nextEndMs: this.#nextEndMs(self, now),
      partitions: new Map([[pipeline, this.#rollOf(members)]]),
      paused: new Set(),
    };
  }

  /** Returns whether the engine now owns the slice. */
  claim(self: string, slice: number): boolean {
    this.#count(costs.claim);
    const owner = this.#owners[slice] ?? null;
    if (owner !== null && owner !== self && (this.#members.get(owner)?.until ?? 0) > this.#options.now()) return false;
    this.moves += 1;
    this.#setOwner(slice, self);
    this.pauseMsMax = Math.max(this.pauseMsMax, this.#options.now() - (this.#freeSince[slice] ?? this.#options.now()));
    this.#freeSince[slice] = undefined;
    return true;
  }

  release(self: string, slice: number): void {
    this.#count(costs.release);
    if (this.#owners[slice] === self) {
      this.#setOwner(slice, null);
      this.#freeSince[slice] = this.#options.now();
    }
    this.#tellOthers(self);
  }

  /** Handles the announcement of a process that stops. */
  leave(self: string): void {
    this.#count(costs.leave);
    this.died(self);
    for (const [slice, owner] of this.#owners.entries()) if (owner === self) this.#setOwner(slice, null);
    this.#members.delete(self);
    this.#slices = undefined;
    this.#tellOthers(self);
  }

  /** Handles an engine that stops working unnoticed. */
  died(self: string): void {
    for (const [slice, owner] of this.#owners.entries()) if (owner === self) this.#freeSince[slice] = this.#options.now();
  }

  listen(self: string, listener: StoreListener): () => void {
    this.#listeners.set(self, listener);
    return () => this.#listeners.delete(self);
  }

  #setOwner(slice: number, owner: string | null): void {
    this.#owners[slice] = owner;
    this.#slices = undefined;
    this.changes += 1;
  }

  #liveMembers(now: number): readonly Member[] {
    return Array.from(this.#members.values())
      .filter(({ until }) => until > now)
      .map(({ member }) => member);
  }

  #nextEndMs(self: string, now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { member, until } of this.#members.values()) if (member.id !== self && until > now) next = Math.min(next, until - now);
    return next;
  }

  #rollOf(living: readonly Member[]): readonly Ownership[] {
    const isSame = living.length === this.#living.length && living.every((member, at) => member === this.#living[at]);
    if (this.#slices !== undefined && isSame) return this.#slices;
    const ids = new Set(living.map(({ id }) => id));
    this.#living = living;
    this.#slices = this.#owners.map((owner) => ({ owner: owner !== null && ids.has(owner) ? owner : null, head: 0 }));
    return this.#slices;
  }

  #tellOthers(self: string): void {
    this.#options.soon(() => {
      for (const [id, listener] of this.#listeners) if (id !== self) listener.rollChanged();
    });
  }

  #count(statements: number): void {
    const second = Math.floor(this.#options.now() / 1_000);
    const asked = this.#asked.get(second) ?? { transactions: 0, statements: 0 };
    asked.transactions += 1;
    asked.statements += statements;
    this.#asked.set(second, asked);
  }
}
