import type { Member } from '../store.ts';

/** The engines on an in-memory database, each while it reports itself alive. */
export class MemoryMembers {
  readonly #lengthMs: number;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly member: Member; until: number }>();

  /** @param lengthMs how long an engine lives without reporting, by `now` */
  constructor(lengthMs: number, now: () => number) {
    this.#lengthMs = lengthMs;
    this.#now = now;
  }

  /** The live ones, in order of arrival. */
  get all(): readonly Member[] {
    return Array.from(this.#known.values())
      .filter(({ until }) => until > this.#now())
      .map(({ member }) => member);
  }

  /** Returns the milliseconds until the next of the other live engines expires; infinite if there are none. */
  nextEndMs(self: string): number {
    const others = Array.from(this.#known.values()).filter(({ member }) => member.id !== self && this.lives(member.id));
    return Math.min(...others.map(({ until }) => until - this.#now()));
  }

  lives(id: string): boolean {
    return (this.#known.get(id)?.until ?? 0) > this.#now();
  }

  /** Reports an engine alive. Returns whether it is the first report. */
  beat(self: Omit<Member, 'since'>): boolean {
    const known = this.#known.get(self.id);
    const { member } = known ?? { member: { ...self, since: this.#now() } };
    this.#known.set(self.id, { member, until: this.#now() + this.#lengthMs });
    return known === undefined;
  }

  /** Returns whether it was known to be alive. */
  leave(id: string): boolean {
    return this.#known.delete(id);
  }
}
