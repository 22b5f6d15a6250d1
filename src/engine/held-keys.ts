import type { Standing } from '../store/store.ts';
import type { TenureContext } from './engine-context.ts';
import type { Lanes } from './lanes.ts';
import type { TenureState } from './tenure-state.ts';

/** Keys woken at once. */
const batchMax = 512;

type HeldStanding = Pick<Standing, 'held' | 'parked'>;

/**
 * Wakes the keys with held events when a tenure begins, and after a pause, so that they proceed as far as they can. Parked keys and gaps
 * stay as they are.
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `waking` | `resumed` | `to wake again` | the pipeline was resumed meanwhile: keys already examined may have been forgotten since |
 * | `to wake again` | itself | `waking` | it starts over, once the pipeline is not paused |
 * | `waking` | itself | `awake` | each key has been examined |
 * | `awake` | `resumed` | `to wake again` | the pipeline was resumed |
 */
export class HeldKeys {
  readonly #context: TenureContext;
  readonly #standing: HeldStanding;
  readonly #state: TenureState;
  readonly #lanes: Lanes;
  #progress: 'waking' | 'to wake again' | 'awake' = 'waking';
  /** True if a key that could proceed may have been forgotten: then the door must look. */
  #someMayGoOn: boolean;

  /** @param standing the store's contents at the claim */
  constructor(context: TenureContext, standing: HeldStanding, { state, lanes }: { readonly state: TenureState; readonly lanes: Lanes }) {
    this.#context = context;
    this.#standing = standing;
    this.#state = state;
    this.#lanes = lanes;
    this.#someMayGoOn = standing.held > 0;
  }

  get isWaking(): boolean {
    return this.#progress !== 'awake';
  }

  /**
   * True if the store may hold events of a key that is not in memory, other than keys that wait for a number or an operator, or were not
   * woken yet.
   */
  get mayHoldMore(): boolean {
    const { gapWatch, ledger } = this.#context.partition;
    return this.#someMayGoOn || gapWatch.count > 0 || ledger.parkedKeys > 0;
  }

  /** Notes that from now on keys are forgotten that could proceed. */
  paused(): void {
    this.#someMayGoOn = true;
  }

  /** Notes that keys must be woken again; returns true if the caller must do it, since nobody else is doing it. */
  resumed(): boolean {
    const { isWaking } = this;
    this.#progress = 'to wake again';
    return !isWaking;
  }

  /** Wakes them, as soon as the pipeline is not paused. */
  async wake(): Promise<void> {
    let gaps = 0;
    do {
      await this.#state.until(() => !this.#isPaused);
      this.#progress = 'waking';
      gaps = await this.#wakeEach();
    } while (this.#mustWakeAgain && this.#state.isWorking);
    this.#progress = 'awake';
    this.#someMayGoOn = this.#isPaused;
    this.#context.drafted();
    this.#tell(gaps);
  }

  get #isPaused(): boolean {
    return this.#context.partition.pause.isPaused;
  }

  get #mustWakeAgain(): boolean {
    return this.#progress === 'to wake again';
  }

  /** Wakes each key with held events. Returns how many of them have a gap. */
  async #wakeEach(): Promise<number> {
    const lanes = this.#lanes;
    let gaps = 0;
    for await (const keys of this.#pages()) {
      for (const [at, key] of keys.entries()) {
        if (lanes.peek(key) === undefined) {
          lanes.sweep();
          await lanes.warm(keys.slice(at));
        }
        if (lanes.peek(key)?.hasGap === true) gaps += 1;
        lanes.wake(key);
      }
      await this.#state.until(() => !lanes.isCrowded);
      lanes.sweep();
    }
    return gaps;
  }

  /** Yields the keys with held events, many at a time, while the tenure works. */
  async *#pages(): AsyncGenerator<readonly string[]> {
    const { engine, partition } = this.#context;
    let after: string | null = null;
    for (;;) {
      const keys: readonly string[] = await engine.store.heldKeys(partition.id, after, batchMax);
      if (keys.length === 0 || !this.#state.isWorking) return;
      yield keys;
      after = keys.at(-1) ?? null;
    }
  }

  /** Logs once what an earlier process left. If nothing was held at the claim, the gaps are newer. */
  #tell(gaps: number): void {
    const { parked, held } = this.#standing;
    if (this.#state.isWorking) this.#context.partition.waits.begun({ parked, gaps: held === 0 ? 0 : gaps });
  }
}
