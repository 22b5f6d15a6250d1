import { MillraceError } from '../errors.ts';
import { codeOf } from '../fault.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { DeadLetter, DeadLetterOf, Store } from '../store/store.ts';
import { whyOtherwise } from './accepted-otherwise.ts';
import type { Clock } from './clock.ts';
import { isUnheard, whyUndeclared } from './declared-timer.ts';
import type { Draft } from './draft.ts';
import type { Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { Log } from './log.ts';
import { flowFor } from './outbox/flow-for.ts';
import { outcomeName, outcomeTimer } from './outbox/outcome.ts';
import type { TimerQueue } from './timer-queue.ts';

/** What resolving dead letters works with; its tenure provides it. */
export interface ResolverMeans {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly pipeline: AnyPipeline;
  readonly lanes: Lanes;
  readonly timers: Pick<TimerQueue, 'fire'>;
  /** The draft that takes what is decided now. */
  draft(): Draft;
  /** Something was drafted. */
  drafted(): void;
  /** Resolves once all that is drafted by now is on disk, or void because the lanes are closed. */
  committed(): Promise<void>;
  failed(error: unknown): void;
}

/** Redrives and discards dead letters, each once, in the order of their key. */
export class Resolver {
  readonly #means: ResolverMeans;
  readonly #resolving = new Set<string>();

  constructor(means: ResolverMeans) {
    this.#means = means;
  }

  /**
   * Tries the event of a dead letter again, before anything else of its key; lets its timer come due again; delivers anew; or lets
   * the next run of its source take its origin again.
   */
  async redrive(letter: DeadLetter): Promise<void> {
    switch (letter.kind) {
      case 'event':
        return this.#retry(letter);
      case 'timer':
        return this.#rearm(letter);
      case 'delivery':
        return this.#redeliver(letter);
      case 'origin':
        return this.#forget(letter);
      case 'gap':
        throw new MillraceError('MILL_CONFLICT', `dead letter ${letter.id}: expected one of an event, a timer or a delivery, found a gap`);
    }
  }

  /** Gives the event of a dead letter up for good; its key goes on behind it. */
  async discard(letter: DeadLetter): Promise<void> {
    if (letter.kind === 'origin') return this.#forget(letter);
    await this.#resolve(letter, (lane, draft) => {
      if (!isParking(letter)) return;
      this.#means.lanes.settle(lane, draft, { ...letter.event, held: true });
      draft.unparked.push({ id: letter.id, redriven: false });
    });
  }

  async #retry(letter: DeadLetterOf<'event'>): Promise<void> {
    this.#checkAccepted(letter);
    const { event, parked } = letter;
    await this.#resolve(letter, (lane, draft) => {
      draft.hold(lane, { ...event, attempts: 0, held: true }, null);
      lane.spillFrom(event.order);
      if (!parked) lane.countPending();
      if (parked) draft.unparked.push({ id: letter.id, redriven: true });
      else draft.counts.received += 1;
    });
  }

  /** Among events that were accepted in another way it would have no place. */
  #checkAccepted({ id, key, eventId, body, event: { order } }: DeadLetterOf<'event'>): void {
    const number = eventId === `${key}#${order}` ? order : null;
    const reason = whyOtherwise(this.#means.pipeline, { key, id: eventId, number, body });
    if (reason !== undefined) throw new MillraceError('MILL_CONFLICT', `dead letter ${id}: ${reason}`);
  }

  /** The timer is due again at once, as long as the key has not set it anew since. */
  async #rearm(letter: DeadLetterOf<'timer'>): Promise<void> {
    const { pipeline } = this.#means;
    const { name, dueAt, data } = letter.timer;
    const reason = whyUndeclared(pipeline, name);
    if (reason !== undefined) throw new MillraceError('MILL_CONFLICT', `dead letter ${letter.id}: ${reason}`);
    if (isUnheard(pipeline, name)) {
      throw new MillraceError(
        'MILL_CONFLICT',
        `dead letter ${letter.id}: expected an endpoint with a handler for its outcomes, found none`,
      );
    }
    await this.#resolve(letter, (lane) => {
      if (lane.armed(name) !== undefined) {
        throw new MillraceError('MILL_CONFLICT', `dead letter ${letter.id}: expected timer ${name} not to be set again, found it pending`);
      }
      // The clock may have been set back since it was due.
      const now = this.#means.clock.now();
      this.#means.lanes.writeTimer({ key: lane.key, name, timer: { dueAt: Math.min(dueAt, now), data, attempts: 0, retryAt: null } });
    });
  }

  /** The delivery is asked for anew, under its id; if it has been by now, that one stands. */
  async #redeliver(letter: DeadLetterOf<'delivery'>): Promise<void> {
    const { deliver } = this.#means.pipeline;
    const { delivery } = letter;
    const endpoint = Object.hasOwn(deliver, delivery.endpoint) ? deliver[delivery.endpoint] : undefined;
    if (endpoint === undefined) {
      throw new MillraceError(
        'MILL_CONFLICT',
        `dead letter ${letter.id}: expected an endpoint of the pipeline, found ${delivery.endpoint}`,
      );
    }
    await this.#resolve(letter, (lane, draft) => {
      const { key } = lane;
      if (lane.armed(outcomeName(delivery)) !== undefined) {
        throw new MillraceError(
          'MILL_CONFLICT',
          `dead letter ${letter.id}: expected its key to have been told of it, found that it has not been yet`,
        );
      }
      const at = this.#means.clock.now();
      // Where nobody is told that it is for the pipeline to begin, it begins by itself.
      const dueAt = endpoint.retryBy === 'outbox' || endpoint.outcome === undefined ? at : null;
      // A new moment, so that no answer of before is taken for one of now.
      const asked = { ...delivery, key, askedAt: at };
      const flow = flowFor(asked, endpoint, { pipeline: this.#means.pipeline.name, log: this.#means.log });
      const restored = { ...asked, flow, ordered: endpoint.isOrdered, attempts: 0, dueAt };
      draft.deliveries.push({ write: 'restore', delivery: restored });
      if (endpoint.outcome === undefined) return;
      this.#means.timers.fire(outcomeTimer({ ...delivery, key }, { id: delivery.id, attempts: 0, at, status: 'redriven' }));
    });
  }

  /** No event was made of it, so no key is concerned. */
  #forget(letter: DeadLetterOf<'origin'>): Promise<void> {
    return this.#once(letter, () => this.#means.draft().resolve(letter.id));
  }

  #resolve(letter: DeadLetter, decide: (lane: Lane, draft: Draft) => void): Promise<void> {
    const { lanes } = this.#means;
    return this.#once(letter, async () => {
      await lanes.warm([letter.key]);
      const lane = lanes.peek(letter.key);
      if (lane === undefined || lanes.isClosed) throw recovering();
      const draft = this.#means.draft();
      try {
        decide(lane, draft);
        if (isParking(letter) && lane.status === 'parked') lane.unpark();
        draft.change(lane);
        draft.resolve(letter.id);
        lanes.wake(letter.key);
      } catch (error) {
        // Anything but a conflict has left half of it drafted.
        if (codeOf(error) !== 'MILL_CONFLICT') this.#means.failed(error);
        throw error;
      }
    });
  }

  /** @param decide drafts what becomes of the letter */
  async #once(letter: DeadLetter, decide: () => void | Promise<void>): Promise<void> {
    if (this.#resolving.has(letter.id)) throw new MillraceError('MILL_CONFLICT', `dead letter ${letter.id} is being resolved already`);
    this.#resolving.add(letter.id);
    try {
      // It was read before its turn to be resolved came.
      const [present] = await this.#means.store.deadLetters({ id: letter.id, limit: 1 });
      if (present === undefined) throw new MillraceError('MILL_NOT_FOUND', `expected the id of a dead letter, found ${letter.id}`);
      if (this.#means.lanes.isClosed) throw recovering();
      await decide();
      this.#means.drafted();
      await this.#means.committed();
      if (this.#means.lanes.isClosed) throw recovering();
    } finally {
      this.#resolving.delete(letter.id);
    }
  }
}

function recovering(): MillraceError {
  return new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered');
}

/** Whether its key waits for it. */
function isParking(letter: DeadLetter): letter is DeadLetterOf<'event'> {
  return letter.kind === 'event' && letter.parked;
}
