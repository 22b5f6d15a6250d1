import type { Deadline } from './deadline.ts';

/** Callers that wait for the next time that something happens. */
export class Waiters {
  readonly #ends = new Set<() => void>();

  /** Whether nobody waits. */
  get isEmpty(): boolean {
    return this.#ends.size === 0;
  }

  /** Resolves with the next `wake`, or when the caller's time is over. */
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
