import { MillraceError } from '../errors.ts';
import type { Deadline } from './deadline.ts';
import type { KeysAtWork } from './keys-at-work.ts';
import type { DeliveryAttempts } from './outbox/delivery-attempts.ts';

/** The successive tenures of a partition, provided by the partition. */
export interface Tenures {
  /** The keys of the current tenure, or of the last one while there is none; undefined before the first. */
  readonly keys: KeysAtWork | undefined;
  /** True if another engine works on the partition. */
  readonly isAway: boolean;
  /** True if this process no longer works on it. */
  readonly isOver: boolean;
  /** Resolves when no recovery is under way, or at the caller's deadline. */
  recovered(deadline?: Deadline): Promise<void>;
}

/**
 * The work of a partition's keys across tenures: their turns, and the deliveries they requested. Whoever adds work to a key waits here
 * until it is all done for now, or aborts it.
 */
export class KeyWork {
  readonly #tenures: Tenures;
  readonly #deliveryAttempts: Pick<DeliveryAttempts, 'restore'>;
  #isResting = false;

  constructor(tenures: Tenures, deliveryAttempts: Pick<DeliveryAttempts, 'restore'>) {
    this.#tenures = tenures;
    this.#deliveryAttempts = deliveryAttempts;
  }

  /**
   * Resolves once a key has nothing left to do now: its events, and everything they requested, are done or wait for a retry or an operator.
   */
  async finished(key: string, deadline?: Deadline): Promise<void> {
    const tenures = this.#tenures;
    // The next tenure repeats whatever a tenure had under way.
    for (let finished: KeysAtWork | undefined; finished !== tenures.keys && !tenures.isOver; ) {
      await tenures.recovered(deadline);
      if (tenures.isAway) return;
      finished = this.#present;
      await finished.finished(key, deadline);
      await tenures.recovered(deadline);
      if (deadline?.isOver === true) return;
    }
    // Work aborted in a turn that will be retried must not start by itself.
    if (!this.#present.isBlocked(key)) this.restore(key);
  }

  /** Aborts a key's work under way, which has failed, and releases work not begun. */
  abort(key: string, reason: MillraceError): void {
    this.#tenures.keys?.abort(key, reason);
  }

  /** Lets a key's aborted work begin again. */
  restore(key: string): void {
    this.#deliveryAttempts.restore(key);
  }

  /** Begins no further endpoint calls, in this tenure or a later one. */
  rest(): void {
    this.#isResting = true;
    this.#tenures.keys?.rest();
  }

  /** Begins a tenure. */
  begin(keys: KeysAtWork): void {
    if (this.#isResting) keys.rest();
  }

  get #present(): KeysAtWork {
    const { keys } = this.#tenures;
    if (keys !== undefined) return keys;
    throw new MillraceError('MILL_STOPPING', 'the engine is not started');
  }
}
