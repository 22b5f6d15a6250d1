import type { Member, Ownership, Roll, StoreListener } from '../../src/store/store.ts';

/** The pipeline whose slices are shared out. */
export const pipeline = 'events';

/** What a database is asked, in transactions and in the statements of these; as `src/store/postgres/lease/process.ts` asks it. */
const costs = {
  beat: 5,
  /** Of the first beat of a process, which the others are told of. */
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
  /** Does something a moment later, as a notification comes. */
  soon(work: () => void): void;
}

/** What was asked in one second. */
export interface Asked {
  transactions: number;
  statements: number;
}

/**
 * A database as far as leases go: who lives, and who has which slice of one pipeline, by the rules of the store for PostgreSQL. It answers at
 * once; whoever calls it waits for as long as a database takes. It counts what it is asked.
 */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #owners: (string | null)[];
  /** Since when each slice is nobody's, where it is. */
  readonly #freeSince: (number | undefined)[];
  /** Those that have said that they live, in the order in which they came, and until when that holds. */
  readonly #members = new Map<string, { readonly member: Member; until: number }>();
  readonly #listeners = new Map<string, StoreListener>();
  readonly #asked = new Map<number, Asked>();
  /** Of the latest roll: it is the same for all until somebody moves. */
  #slices: readonly Ownership[] | undefined;
  #living: readonly Member[] = [];
  /** How often a slice came to an engine. */
  moves = 0;
  /** How often a slice came to an engine or left one. */
  changes = 0;
  /** The longest that a slice which came to an engine had been nobody's before, in milliseconds. */
  pauseMsMax = 0;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#owners = new Array<string | null>(options.slices).fill(null);
    this.#freeSince = new Array<number | undefined>(options.slices).fill(options.now());
  }

  get owners(): readonly (string | null)[] {
    return this.#owners;
  }

  /** What it was asked so far, by the second. */
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

  /** Returns whether the slice is the engine's now. */
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

  /** A process that stops says so. */
  leave(self: string): void {
    this.#count(costs.leave);
    this.died(self);
    for (const [slice, owner] of this.#owners.entries()) if (owner === self) this.#setOwner(slice, null);
    this.#members.delete(self);
    this.#slices = undefined;
    this.#tellOthers(self);
  }

  /** An engine works on nothing any more, which nobody knows. */
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
