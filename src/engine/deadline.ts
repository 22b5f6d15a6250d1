import type { Clock } from './clock.ts';

/**
 * A caller's deadline. Waits under it end when it is over and leave nothing behind, however long the awaited thing takes. A race of
 * promises would leave a reaction on the slower one.
 */
export class Deadline {
  #isOver = false;
  readonly #ends = new Set<() => void>();

  /** True if the caller's time is over. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends all waits under it. */
  end(): void {
    this.#isOver = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  /** Calls `end` at the deadline, unless removed before. */
  add(end: () => void): void {
    if (this.#isOver) end();
    else this.#ends.add(end);
  }

  remove(end: () => void): void {
    this.#ends.delete(end);
  }

  /** Resolves to the promise's value, or to undefined if the deadline comes first; rejects as the promise does. */
  race<T>(promise: PromiseLike<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const end = () => resolve(undefined);
      this.add(end);
      promise.then(
        (value) => {
          this.remove(end);
          resolve(value);
        },
        (error: unknown) => {
          this.remove(end);
          reject(error);
        },
      );
    });
  }
}

/** Resolves to true once `wait` resolves, or to false after `timeoutMs`; rejects as `wait` does. `wait` must keep to the deadline. */
export async function within(
  clock: Pick<Clock, 'after'>,
  timeoutMs: number,
  wait: (deadline: Deadline) => Promise<unknown>,
): Promise<boolean> {
  if (timeoutMs === 0) return false;
  const deadline = new Deadline();
  const disarm = clock.after(timeoutMs, () => deadline.end());
  try {
    await wait(deadline);
  } finally {
    disarm();
  }
  return !deadline.isOver;
}
