/** Lets a limited number of callers have a connection at once; the others queue. */
export class Lane {
  readonly #places: number;
  #taken = 0;
  readonly #line: (() => void)[] = [];

  constructor(places: number) {
    this.#places = places;
  }

  /** Rejects with the signal's reason once it is aborted, even while waiting. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#taken < this.#places) {
      this.#taken += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => {
      this.#line.splice(this.#line.indexOf(resolve), 1);
      reject(signal?.reason);
    };
    this.#line.push(resolve);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** The slot goes to whoever has waited longest. */
  #leave(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
