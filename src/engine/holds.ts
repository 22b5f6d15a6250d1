import type { Waiting } from './cause.ts';
import type { Draft } from './draft.ts';
import type { Lane } from './lane.ts';

/** Ensures that the store holds each event that the cursor passes unsettled, and that a stopped lane keeps none in memory. */
export class Holds {
  /** Events in memory that the store does not hold, ascending by position. */
  readonly #unheld = new Map<number, { readonly lane: Lane; readonly waiting: Waiting }>();

  /** Adds an unsettled event in memory that the store does not hold. */
  add(lane: Lane, waiting: Waiting): void {
    this.#unheld.set(waiting.position, { lane, waiting });
  }

  /** Notes that the event needs no hold any more. */
  settled({ position }: Pick<Waiting, 'position'>): void {
    this.#unheld.delete(position);
  }

  /** Moves an event that cannot run now, and everything waiting behind it, to the store alone. */
  holdFrom(lane: Lane, draft: Draft, first: Waiting, retryAt: number | null): void {
    draft.hold(lane, first, retryAt);
    this.#unheld.delete(first.position);
    this.holdAll(lane, draft);
    lane.spillFrom(first.order);
  }

  /** Moves everything waiting in a lane to the store alone. */
  holdAll(lane: Lane, draft: Draft): void {
    for (const waiting of lane.spill()) {
      if (!waiting.held) draft.hold(lane, waiting);
      this.#unheld.delete(waiting.position);
    }
  }

  /** Holds events that the draft's cursor would pass unheld. */
  holdStragglers(draft: Draft): void {
    for (const [position, { lane, waiting }] of this.#unheld) {
      if (position > draft.cursor) return;
      draft.hold(lane, waiting);
      this.#unheld.delete(position);
    }
  }
}
