import { MillraceError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';

/** The dependencies of append health, provided by the log. */
export interface AppendHealthMeans {
  readonly store: Pick<Store, 'append'>;
  readonly clock: Pick<Clock, 'elapsedMs' | 'after'>;
  /** Throws while the engine accepts nothing: then nobody needs to know. */
  checkOpen(): void;
}

/** Time for which a refused append counts against the store, in milliseconds. */
const refusalMs = 10_000;
/** Interval between retries of a store that another program keeps locked, in milliseconds. */
const probeMs = 50;

/** Tracks the store's ability to take appends, judged by the last one. A locked store is probed until it is free. */
export class AppendHealth {
  readonly #means: AppendHealthMeans;
  /** The store's last refusal of an append, in elapsed time, and its reason; cleared by the next success. */
  #refused: { readonly at: number; readonly reason: string } | undefined;
  #isProbing = false;

  constructor(means: AppendHealthMeans) {
    this.#means = means;
  }

  /** The reason the store currently takes no appends; undefined if it does, or if none was tried for a while. */
  get refusal(): string | undefined {
    const refused = this.#refused;
    return refused !== undefined && this.#means.clock.elapsedMs() - refused.at < refusalMs ? refused.reason : undefined;
  }

  succeeded(): void {
    this.#refused = undefined;
  }

  refused(error: MillraceError): void {
    this.#refused = { at: this.#means.clock.elapsedMs(), reason: error.message };
  }

  /** Detects the end of a lock even when no events arrive, as after a refusal has turned callers away. */
  probeLater(): void {
    if (this.#isProbing) return;
    this.#isProbing = true;
    this.#means.clock.after(probeMs, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    const { store, checkOpen } = this.#means;
    try {
      checkOpen();
      await store.append([]);
      this.#isProbing = false;
      this.succeeded();
    } catch (error) {
      this.#isProbing = false;
      // Any other failure is left to whoever works on the store.
      if (!(error instanceof MillraceError) || error.code !== 'MILL_STORE_BUSY') return;
      this.refused(error);
      this.probeLater();
    }
  }
}
