import { Condition } from './condition.ts';
import type { Deadline } from './deadline.ts';

/**
 * The state of a tenure. Its methods alone change it:
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `working` | `end` | `ending` | the engine stops, the partition is recovered, or waiting events are discarded |
 * | `working`, `ending` | `fail` | `failed` | the store failed, or an invariant was broken |
 *
 * Invariants:
 *
 * - A tenure never works again. The next one starts fresh from disk (promises 2, 8).
 * - No commit begins while it is `failed`: its decisions may depend on something that is not on disk.
 * - No turn, read or flush begins by itself unless it is `working`. Work under way ends, and decisions made while it was `ending` may still
 *   be committed, once, before the partition is claimed again.
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

  /** Does work that nobody awaits: if it fails, so does the tenure. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Resolves once `holds` returns true, the tenure no longer works, or at the caller's deadline. */
  until(holds: () => boolean, deadline?: Deadline): Promise<void> {
    return this.#condition.until(() => this.#state !== 'working' || holds(), deadline);
  }

  /** Notes a change that somebody may be waiting for. */
  changed(): void {
    this.#condition.changed();
  }
}
