import type { Deadline } from './deadline.ts';

/** Callers waiting for the next occurrence of something. */
export class Waiters {
  readonly #ends = new Set<() => void>();

  /** True if nobody waits. */
  get isEmpty(): boolean {
    return this.#ends.size === 0;
  }

  /** Resolves with the next `wake`, or at the caller's deadline. */
  next(deadline?: Deadline): Promise<void> {
    if (deadline?.isOver === true) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        this.#ends.delete(end);
        deadline?.remove(end);
        resolve();
      };
      this.#ends.add(end);
      deadline?.add(end);
    });
  }

  wake(): void {
    for (const end of this.#ends) end();
  }
}
