/**
 * The outcomes of deliveries that are drafted but not on disk yet. Each is
 *
 * - `handed`: its lane has it already;
 * - `left`: a look will find it in the store, since its turn had no slot, or earlier ones were left.
 */
export class FiredOutcomes {
  readonly #handed = new Set<string>();
  readonly #left = new Set<string>();
  #mustWait = false;

  /** True if new outcomes must be left, since others wait in the store. */
  get mustWait(): boolean {
    return this.#mustWait;
  }

  handed(name: string): void {
    this.#handed.add(name);
  }

  left(name: string): void {
    this.#left.add(name);
    this.#mustWait = true;
  }

  /** Notes that an outcome is on disk. Returns whether its lane has it already. */
  recorded(name: string): boolean {
    if (this.#handed.delete(name)) return true;
    this.#left.delete(name);
    return false;
  }

  /** Notes that a look has found everything on disk. */
  caughtUp(): void {
    if (this.#left.size === 0) this.#mustWait = false;
  }
}
