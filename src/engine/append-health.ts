import { MillraceError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';

/** What the health of appends is found out with; the log provides it. */
export interface AppendHealthMeans {
  readonly store: Pick<Store, 'append'>;
  readonly clock: Pick<Clock, 'elapsedMs' | 'after'>;
  /** Throws while the engine takes nothing in: then nobody asks. */
  checkOpen(): void;
}

/** For how long a refused append speaks against the store, in milliseconds. */
const refusalMs = 10_000;
/** How often a store that another program keeps locked is tried again, in milliseconds. */
const probeMs = 50;

/** Whether the store takes appends, as the last one tells. A locked store is probed until it is free. */
export class AppendHealth {
  readonly #means: AppendHealthMeans;
  /** When the store last refused an append, in elapsed time, and why; forgotten with the next success. */
  #refused: { readonly at: number; readonly reason: string } | undefined;
  #isProbing = false;

  constructor(means: AppendHealthMeans) {
    this.#means = means;
  }

  /** Why the store takes nothing in at present; undefined when it does, or nobody has tried for a while. */
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

  /** Finds out when a lock is gone, also when nobody brings events, as when a refusal has turned them away. */
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
      // Any other failure is for those to meet who work on the store.
      if (!(error instanceof MillraceError) || error.code !== 'MILL_STORE_BUSY') return;
      this.refused(error);
      this.probeLater();
    }
  }
}
