import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 2;

/** Tracks the handled events, as the peer reports them. */
export class Progress {
  readonly #handled = new Set<number>();
  readonly #waiting = new Map<number, () => void>();
  /** By `performance.now()`; undefined before the first. */
  firstAt: number | undefined;
  lastAt = 0;

  /** Handled events, each counted once. */
  get count(): number {
    return this.#handled.size;
  }

  readonly handled = (n: number): void => {
    this.lastAt = performance.now();
    this.firstAt ??= this.lastAt;
    this.#handled.add(n);
    this.#waiting.get(n)?.();
    this.#waiting.delete(n);
  };

  /** Resolves when the event is handled. Must be called before it is taken in. */
  of(n: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(n, resolve);
    return promise;
  }

  /** Resolves when this many are handled; throws if there is no progress for `stallMs`. */
  async until(count: number, stallMs: number): Promise<void> {
    const startedAt = performance.now();
    while (this.count < count) {
      if (performance.now() - Math.max(startedAt, this.lastAt) > stallMs) {
        throw new Error(`stalled: ${this.count} of ${count} events handled, none for ${stallMs} ms`);
      }
      await sleep(pollMs);
    }
  }
}
