import type { Waiting } from './cause.ts';
import type { Draft } from './draft.ts';
import type { Lane } from './lane.ts';

/** Sees to it that the store holds each event that the cursor passes unsettled, and that a stopped lane keeps none in memory. */
export class Holds {
  /** Events at hand that the store does not hold, ascending by position. */
  readonly #unheld = new Map<number, { readonly lane: Lane; readonly waiting: Waiting }>();

  /** An event is at hand and not settled, and the store does not hold it. */
  add(lane: Lane, waiting: Waiting): void {
    this.#unheld.set(waiting.position, { lane, waiting });
  }

  /** The event needs no hold any more. */
  settled({ position }: Pick<Waiting, 'position'>): void {
    this.#unheld.delete(position);
  }

  /** Holds an event that cannot run now, and all that waits behind it, in the store and nowhere else. */
  holdFrom(lane: Lane, draft: Draft, first: Waiting, retryAt: number | null): void {
    draft.hold(lane, first, retryAt);
    this.#unheld.delete(first.position);
    this.holdAll(lane, draft);
    lane.spillFrom(first.order);
  }

  /** Holds all that waits in a lane in the store and nowhere else. */
  holdAll(lane: Lane, draft: Draft): void {
    for (const waiting of lane.spill()) {
      if (!waiting.held) draft.hold(lane, waiting);
      this.#unheld.delete(waiting.position);
    }
  }

  /** Holds what the draft's cursor would pass unheld. */
  holdStragglers(draft: Draft): void {
    for (const [position, { lane, waiting }] of this.#unheld) {
      if (position > draft.cursor) return;
      draft.hold(lane, waiting);
      this.#unheld.delete(position);
    }
  }
}
