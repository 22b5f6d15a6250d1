import { faultFields } from '../../fault.ts';
import type { DeliveryOutcome, Endpoint } from '../../pipeline/endpoint.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { StoredDelivery } from '../../store/store.ts';
import { pauseMs } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { Draft } from '../draft.ts';
import type { Lanes } from '../lanes.ts';
import type { Log } from '../log.ts';
import type { TimerQueue } from '../timer-queue.ts';
import type { DeliveryTime } from './delivery-time.ts';
import type { KeptAnswer } from './kept-answer.ts';
import { outcomeTimer } from './outcome.ts';

/** What conclusions work with; their tenure provides it. */
export interface ConclusionsMeans {
  readonly clock: Clock;
  readonly random: () => number;
  newId(): string;
  readonly log: Log;
  readonly pipeline: AnyPipeline;
  readonly lanes: Pick<Lanes, 'warm' | 'peek'>;
  readonly timers: Pick<TimerQueue, 'fire'>;
  /** The draft that takes what is decided now. */
  draft(): Draft;
}

type Final = Exclude<KeptAnswer, { readonly result: 'postponed' }>;
type WithoutFacts<T> = T extends unknown ? Omit<T, 'id' | 'at'> : never;

/** What the answers of one endpoint mean, for their deliveries and for the keys. */
export class Conclusions {
  readonly #means: ConclusionsMeans;
  readonly #endpoint: Endpoint;
  readonly #time: DeliveryTime;

  constructor(means: ConclusionsMeans, endpoint: Endpoint, time: DeliveryTime) {
    this.#means = means;
    this.#endpoint = endpoint;
    this.#time = time;
  }

  /** Brings the key into memory that will be told: it must learn of it before an event that was accepted later has its turn. */
  async prepare({ key }: StoredDelivery): Promise<void> {
    const { pipeline, lanes } = this.#means;
    if (this.#endpoint.outcome === undefined || pipeline.key === undefined) return;
    // While others were loaded, a sweep may have forgotten it.
    if (lanes.peek(key) === undefined) await lanes.warm([key]);
  }

  /** Drafts what an answer means. */
  draft(delivery: StoredDelivery, answer: Final): void {
    const attempts = delivery.attempts + 1;
    if (answer.result === 'delivered') {
      this.#means.draft().counts.delivered += 1;
      this.#remove(delivery);
      this.#tell(delivery, { status: 'delivered', attempts, answer: answer.answer ?? null });
    } else if (answer.result === 'failed' && attempts < this.#endpoint.retry.attempts) this.#retry(delivery, attempts, answer);
    else this.#giveUp(delivery, attempts, answer);
  }

  /** Drafts that a delivery is given up without another call. */
  giveUp(delivery: StoredDelivery, reason: string): void {
    this.#giveUp(delivery, delivery.attempts, { result: 'failed', reason });
  }

  #retry(delivery: StoredDelivery, attempts: number, failed: Final & { readonly result: 'failed' }): void {
    const { reason, stack = null, retryAfterMs = 0, answer } = failed;
    const { clock, random, draft, log } = this.#means;
    const { endpoint, key, id } = delivery;
    const afterMs = Math.max(retryAfterMs, pauseMs(this.#endpoint.retry, attempts, random()));
    const byOutbox = this.#endpoint.retryBy === 'outbox';
    draft().counts.deliveryRetries += 1;
    draft().deliveries.push({ write: 'retry', endpoint, key, id, attempts, dueAt: byOutbox ? this.#time.now() + afterMs : null });
    log.warn({ ...this.#fields(delivery), attempt: attempts, ...faultFields({ reason, stack }) }, 'delivery failed');
    if (!byOutbox) this.#tell(delivery, { status: 'failed', attempts, reason, answer: answer ?? null, retryAt: clock.now() + afterMs });
  }

  #giveUp(delivery: StoredDelivery, attempts: number, given: Exclude<Final, { readonly result: 'delivered' }>): void {
    const { result, reason, stack = null, answer } = given;
    const { clock, newId, draft, log } = this.#means;
    const { id, key, endpoint, body, url, ordered, askedAt, traceparent } = delivery;
    const isUnknown = result === 'unknown';
    draft().counts[isUnknown ? 'deliveriesUnknown' : 'deliveriesFailed'] += 1;
    this.#remove(delivery);
    draft().bury({
      kind: 'delivery',
      id: newId(),
      key,
      reason: `delivery to ${endpoint}: ${isUnknown ? `unknown: it may have arrived: ${reason}` : reason}`,
      stack,
      failedAt: clock.now(),
      attempts,
      delivery: { id, endpoint, body, url, ordered, askedAt, traceparent },
    });
    const fields = { ...this.#fields(delivery), attempt: attempts, ...faultFields({ reason, stack }) };
    log.error(fields, isUnknown ? 'a delivery may have arrived, and is not made again by itself' : 'gave up a delivery');
    this.#tell(delivery, { status: isUnknown ? 'unknown' : 'given up', attempts, reason, answer: answer ?? null });
  }

  #remove({ endpoint, key, id }: StoredDelivery): void {
    this.#means.draft().deliveries.push({ write: 'remove', endpoint, key, id });
  }

  #tell(delivery: StoredDelivery, said: WithoutFacts<DeliveryOutcome>): void {
    if (this.#endpoint.outcome === undefined) return;
    const { timers, clock } = this.#means;
    timers.fire(outcomeTimer(delivery, { id: delivery.id, at: clock.now(), ...said }));
  }

  #fields({ endpoint, id, key }: StoredDelivery): object {
    return { pipeline: this.#means.pipeline.name, key, endpoint, delivery: id };
  }
}
