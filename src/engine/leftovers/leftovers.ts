import { faultFields, faultOf } from '../../fault.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { countedForLeftovers, findLeftovers } from './find-leftovers.ts';
import { type Leftover, leftoverSentences } from './leftover.ts';

/** Delay after a failed look. In milliseconds. */
const nextTryMs = 60_000;

export interface LeftoversMeans {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** All pipelines, including the engine's own. */
  readonly declared: ReadonlyMap<string, AnyPipeline>;
}

/** Looks for stored work whose declaration is gone, and logs a line for each leftover at every start (promise 9). */
export class Leftovers {
  readonly #means: LeftoversMeans;
  #found: readonly Leftover[] = [];
  #disarm: (() => void) | undefined;
  #isClosed = false;

  constructor(means: LeftoversMeans) {
    this.#means = means;
  }

  /** The leftovers found by the last look. */
  get found(): readonly Leftover[] {
    return this.#found;
  }

  /** Looks once the engine is running: counting a large store takes a while, and nothing waits for it. */
  async start(): Promise<void> {
    if (!(await this.look())) return;
    for (const { gone, ...fields } of this.#found) this.#means.log.warn(fields, leftoverSentences[gone]);
  }

  /** Looks again; if the store fails, returns false and retries later. */
  async look(): Promise<boolean> {
    const { store, log, declared } = this.#means;
    try {
      const inventory = await store.inventory(countedForLeftovers(declared));
      if (this.#isClosed) return false;
      this.#found = findLeftovers(inventory, declared);
      return true;
    } catch (error) {
      if (this.#isClosed) return false;
      log.warn(faultFields(faultOf(error)), 'the search for stored work whose declaration is gone failed');
      this.#tryLater();
      return false;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#disarm?.();
  }

  #tryLater(): void {
    const { clock } = this.#means;
    this.#disarm?.();
    this.#disarm = clock.alarm(clock.now() + nextTryMs, () => void this.start());
  }
}
