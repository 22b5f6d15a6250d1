import type { Deadline } from './deadline.ts';

interface Waiter {
  readonly holds: () => boolean;
  readonly end: () => void;
}

/**
 * A condition variable: callers wait until a predicate holds, which is checked again at every change. Only for the few waits of no simpler
 * kind: each one costs at every change.
 */
export class Condition {
  readonly #waiting = new Set<Waiter>();

  /** Resolves once `holds` returns true, at once if it does already, or at the caller's deadline. */
  until(holds: () => boolean, deadline?: Deadline): Promise<void> {
    if (holds() || deadline?.isOver === true) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        this.#waiting.delete(waiter);
        deadline?.remove(end);
        resolve();
      };
      const waiter = { holds, end };
      this.#waiting.add(waiter);
      deadline?.add(end);
    });
  }

  /** Notes a change that somebody may be waiting for. */
  changed(): void {
    if (this.#waiting.size === 0) return;
    for (const { holds, end } of this.#waiting) if (holds()) end();
  }
}
