import type { MillraceError } from '../errors.ts';
import type { Deadline } from './deadline.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { TenureContext } from './engine-context.ts';
import type { Lanes } from './lanes.ts';
import type { Milestone } from './milestone.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { TenureState } from './tenure-state.ts';

/** The parts of a tenure that the work of a key passes through. */
export interface KeyWorkParts {
  readonly state: TenureState;
  readonly dispatcher: Dispatcher;
  readonly lanes: Lanes;
  readonly outbox: Outbox;
  /** The newest draft on disk. */
  readonly landed: Milestone;
}

/** The work of a partition's keys in one tenure: their turns, and the deliveries these requested. */
export class KeysAtWork {
  readonly #context: TenureContext;
  readonly #parts: KeyWorkParts;

  constructor(context: TenureContext, parts: KeyWorkParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /**
   * Resolves once a key has nothing left to do now: its events are handled or wait for a retry or an operator, and so is everything they
   * requested. Also resolves when the tenure ends.
   */
  async finished(key: string, deadline?: Deadline): Promise<void> {
    const { declaration } = this.#context.pipeline;
    const { pause } = this.#context.partition;
    const { state, dispatcher, lanes } = this.#parts;
    await dispatcher.lookedAndCaughtUp(deadline);
    try {
      // Work left by an earlier tenure is on disk only.
      if (declaration.key !== undefined) await lanes.warm([key]);
    } catch (error) {
      state.fail(error);
    }
    await state.until(() => this.#isFinished(key) || pause.isPaused, deadline);
  }

  /** Aborts a key's work under way, which has failed, and releases work not begun. */
  abort(key: string, reason: MillraceError): void {
    const { lanes, outbox, state } = this.#parts;
    lanes.abort(key, reason);
    this.#context.partition.deliveryAttempts.cancel(key, reason);
    outbox.letGo(key);
    state.changed();
  }

  /** Returns whether a key's next turn waits to be retried: after a failure, or until there is room for its sends. */
  isBlocked(key: string): boolean {
    const status = this.#parts.lanes.peek(key)?.status;
    return status === 'blocked' || status === 'throttled';
  }

  /** Begins no further calls. */
  rest(): void {
    this.#parts.outbox.rest();
    this.#parts.state.changed();
  }

  #isFinished(key: string): boolean {
    const { lanes, outbox, landed } = this.#parts;
    const lane = lanes.peek(key);
    const isAtRest = lane === undefined || (lane.isAtRest && lane.draft <= landed.reached);
    return isAtRest && outbox.isQuiet(key);
  }
}
