import type { Standing } from '../store/store.ts';
import type { TenureContext } from './engine-context.ts';
import type { Lanes } from './lanes.ts';
import type { TenureState } from './tenure-state.ts';

/** Keys that are woken at once. */
const batchMax = 512;

type HeldStanding = Pick<Standing, 'held' | 'parked'>;

/**
 * The keys whose events the store holds when a tenure begins, and after a pause: they go on as far as they can. Parked keys and gaps stay
 * as they are.
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `waking` | `resumed` | `to wake again` | the pipeline was resumed meanwhile: keys that were looked at may have been forgotten since |
 * | `to wake again` | itself | `waking` | it begins anew, once the pipeline is not paused |
 * | `waking` | itself | `awake` | each key has been looked at |
 * | `awake` | `resumed` | `to wake again` | the pipeline was resumed |
 */
export class HeldKeys {
  readonly #context: TenureContext;
  readonly #standing: HeldStanding;
  readonly #state: TenureState;
  readonly #lanes: Lanes;
  #progress: 'waking' | 'to wake again' | 'awake' = 'waking';
  /** Whether a key may have been forgotten that goes on: then the door must look. */
  #someMayGoOn: boolean;

  /** @param standing what the store held at the claim */
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
   * Whether the store may hold events of a key that is not in memory. Only those of keys that wait for a number or an operator, or that
   * were not woken yet.
   */
  get mayHoldMore(): boolean {
    const { gapWatch, ledger } = this.#context.partition;
    return this.#someMayGoOn || gapWatch.count > 0 || ledger.parkedKeys > 0;
  }

  /** From now on keys are forgotten that would go on. */
  paused(): void {
    this.#someMayGoOn = true;
  }

  /** Notes that keys are to be woken once more; returns whether somebody must do so, since nobody is at it. */
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

  /** Wakes each key that has held events. Returns how many of them have a gap. */
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

  /** The keys that have held events, many at a time, for as long as the tenure works. */
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

  /** Says once what a former process left. Where nothing was held at the claim, the gaps have come since. */
  #tell(gaps: number): void {
    const { parked, held } = this.#standing;
    if (this.#state.isWorking) this.#context.partition.waits.begun({ parked, gaps: held === 0 ? 0 : gaps });
  }
}
