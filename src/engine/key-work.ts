import { MillraceError } from '../errors.ts';
import type { Deadline } from './deadline.ts';
import type { KeysAtWork } from './keys-at-work.ts';
import type { DeliveryAttempts } from './outbox/delivery-attempts.ts';

/** The tenures of a partition, one after the other; the partition provides them. */
export interface Tenures {
  /** The keys of the present tenure, or of the last one while there is none; undefined before the first. */
  readonly keys: KeysAtWork | undefined;
  /** Whether another engine works on the partition. */
  readonly isAway: boolean;
  /** Whether nobody here works on it any more. */
  readonly isOver: boolean;
  /** Resolves when no recovery is under way, or when the caller's time is over. */
  recovered(deadline?: Deadline): Promise<void>;
}

/**
 * The work of the keys of a partition, from tenure to tenure: their turns, and what those asked for. Whoever has put something into a key
 * waits here until nothing of it is left to do now, or breaks it off.
 */
export class KeyWork {
  readonly #tenures: Tenures;
  readonly #deliveryAttempts: Pick<DeliveryAttempts, 'restore'>;
  #isResting = false;

  constructor(tenures: Tenures, deliveryAttempts: Pick<DeliveryAttempts, 'restore'>) {
    this.#tenures = tenures;
    this.#deliveryAttempts = deliveryAttempts;
  }

  /** Resolves once nothing is left to do for a key now: its events, and what they asked for, are done or wait for a retry or an operator. */
  async finished(key: string, deadline?: Deadline): Promise<void> {
    const tenures = this.#tenures;
    // What one tenure had under way the next one does again.
    for (let finished: KeysAtWork | undefined; finished !== tenures.keys && !tenures.isOver; ) {
      await tenures.recovered(deadline);
      if (tenures.isAway) return;
      finished = this.#present;
      await finished.finished(key, deadline);
      await tenures.recovered(deadline);
      if (deadline?.isOver === true) return;
    }
    // What was aborted in a turn that is tried again must not begin by itself then.
    if (!this.#present.isBlocked(key)) this.restore(key);
  }

  /** Aborts what a key has under way, which has failed, and releases what it has not begun. */
  abort(key: string, reason: MillraceError): void {
    this.#tenures.keys?.abort(key, reason);
  }

  /** Lets what was aborted of a key begin again. */
  restore(key: string): void {
    this.#deliveryAttempts.restore(key);
  }

  /** Begins no further call of an endpoint, in this tenure or in a later one. */
  rest(): void {
    this.#isResting = true;
    this.#tenures.keys?.rest();
  }

  /** A tenure begins. */
  begin(keys: KeysAtWork): void {
    if (this.#isResting) keys.rest();
  }

  get #present(): KeysAtWork {
    const { keys } = this.#tenures;
    if (keys !== undefined) return keys;
    throw new MillraceError('MILL_STOPPING', 'the engine is not started');
  }
}
