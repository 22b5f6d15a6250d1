import { Condition } from './condition.ts';
import type { Deadline } from './deadline.ts';

/**
 * The state of a tenure. Its methods alone change it:
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `working` | `end` | `ending` | the engine stops, the partition is recovered, or what waits is discarded |
 * | `working`, `ending` | `fail` | `failed` | the store failed, or what may never happen did |
 *
 * What may never happen:
 *
 * - A tenure works again. The next one is made anew, from what is on disk (promises 2, 8).
 * - A commit begins while it is `failed`: what it decided may rest on what is not on disk.
 * - A turn, a read or a flush begins by itself while it is not `working`. What was under way ends, and what was decided while it was
 *   `ending` may still be committed, once, before the partition is claimed again.
 */
export class TenureState {
  #state: 'working' | 'ending' | 'failed' = 'working';
  readonly #condition = new Condition();
  readonly #failed: (error: unknown) => void;

  /** @param failed called once, when the tenure fails */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  get isWorking(): boolean {
    return this.#state === 'working';
  }

  get hasFailed(): boolean {
    return this.#state === 'failed';
  }

  end(): void {
    if (this.#state === 'working') this.#state = 'ending';
  }

  fail(error: unknown): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    this.#failed(error);
  }

  /** Does what nobody waits for: where it fails, so does the tenure. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Resolves once `holds` answers true, the tenure works no more, or the caller's time is over. */
  until(holds: () => boolean, deadline?: Deadline): Promise<void> {
    return this.#condition.until(() => this.#state !== 'working' || holds(), deadline);
  }

  /** Something has changed that somebody may wait for. */
  changed(): void {
    this.#condition.changed();
  }
}
