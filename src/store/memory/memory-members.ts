import type { Member } from '../store.ts';

/** The engines on a database in memory, each for as long as it says that it lives. */
export class MemoryMembers {
  readonly #lengthMs: number;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly member: Member; until: number }>();

  /** @param lengthMs how long one lives that says nothing more, by `now` */
  constructor(lengthMs: number, now: () => number) {
    this.#lengthMs = lengthMs;
    this.#now = now;
  }

  /** Those that live, in the order in which they came. */
  get all(): readonly Member[] {
    return Array.from(this.#known.values())
      .filter(({ until }) => until > this.#now())
      .map(({ member }) => member);
  }

  /** In how many milliseconds the next one ends that lives and is another one; infinite where there is none. */
  nextEndMs(self: string): number {
    const others = Array.from(this.#known.values()).filter(({ member }) => member.id !== self && this.lives(member.id));
    return Math.min(...others.map(({ until }) => until - this.#now()));
  }

  lives(id: string): boolean {
    return (this.#known.get(id)?.until ?? 0) > this.#now();
  }

  /** Says that one lives. Returns whether it says so for the first time. */
  beat(self: Omit<Member, 'since'>): boolean {
    const known = this.#known.get(self.id);
    const { member } = known ?? { member: { ...self, since: this.#now() } };
    this.#known.set(self.id, { member, until: this.#now() + this.#lengthMs });
    return known === undefined;
  }

  /** Returns whether it was known to live. */
  leave(id: string): boolean {
    return this.#known.delete(id);
  }
}
