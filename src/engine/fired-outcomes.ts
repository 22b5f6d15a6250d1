/**
 * The outcomes of deliveries that have been drafted and are not on disk yet. Each is
 *
 * - `handed`: its lane has it already;
 * - `left`: a look will find it in the store, since there was no place for its turn, or others were left before it.
 */
export class FiredOutcomes {
  readonly #handed = new Set<string>();
  readonly #left = new Set<string>();
  #mustWait = false;

  /** Whether outcomes that come now must be left, since others wait in the store. */
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

  /** An outcome is on disk. Returns whether its lane has it already. */
  recorded(name: string): boolean {
    if (this.#handed.delete(name)) return true;
    this.#left.delete(name);
    return false;
  }

  /** A look has found all that is on disk. */
  caughtUp(): void {
    if (this.#left.size === 0) this.#mustWait = false;
  }
}
