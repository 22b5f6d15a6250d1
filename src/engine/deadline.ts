import type { Clock } from './clock.ts';

/**
 * The time that a caller has. What waits under it ends when it is over, and then leaves nothing behind, however long lasts what it
 * waited for. A race of promises would leave a reaction on the slower one.
 */
export class Deadline {
  #isOver = false;
  readonly #ends = new Set<() => void>();

  /** Whether the caller's time is over. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends all that waits under it. */
  end(): void {
    this.#isOver = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  /** Calls `end` when the time is over, unless it is removed before. */
  add(end: () => void): void {
    if (this.#isOver) end();
    else this.#ends.add(end);
  }

  remove(end: () => void): void {
    this.#ends.delete(end);
  }

  /** Resolves to what comes of a promise, or to undefined when the time is over first; rejects as the promise does. */
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

/** Resolves true once what `wait` waits for has come, false after `timeoutMs`; rejects as `wait` does, which must keep to the deadline. */
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
