import type { Deadline } from './deadline.ts';

interface Waiter {
  readonly holds: () => boolean;
  readonly end: () => void;
}

/**
 * A condition variable: callers wait until something holds, and are looked at again whenever something has changed. For the few
 * callers whose wait is of no simpler kind: each costs at every change.
 */
export class Condition {
  readonly #waiting = new Set<Waiter>();

  /** Resolves once `holds` answers true, at once when it does already, or when the caller's time is over. */
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

  /** Something has changed that somebody may wait for. */
  changed(): void {
    if (this.#waiting.size === 0) return;
    for (const { holds, end } of this.#waiting) if (holds()) end();
  }
}
