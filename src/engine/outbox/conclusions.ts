import { faultFields } from '../../fault.ts';
import type { DeliveryOutcome, Endpoint } from '../../pipeline/endpoint.ts';
import type { DeliveryName, ListedDelivery, StoredDelivery } from '../../store/store.ts';
import { pauseMs } from '../backoff.ts';
import type { CauseQueue } from '../cause-queue.ts';
import type { TenureContext } from '../engine-context.ts';
import type { Lanes } from '../lanes.ts';
import type { DeliveryTime } from './delivery-time.ts';
import type { KeptAnswer, MadeCall } from './kept-answer.ts';
import { toStoredOutcome } from './outcome.ts';
import { tellWithdrawn } from './tell-withdrawn.ts';

/** Notifies a key of the outcomes of its deliveries. */
export interface KeyParts {
  readonly lanes: Pick<Lanes, 'warm' | 'peek'>;
  readonly causes: Pick<CauseQueue, 'fire'>;
}

/** The dependencies of conclusions other than the context. */
interface ConclusionsParts extends KeyParts {
  readonly endpoint: Endpoint;
  readonly time: DeliveryTime;
}

type Final = Exclude<KeptAnswer, { readonly result: 'postponed' }>;
type Failed = Final & { readonly result: 'failed' };
type WithoutFacts<T> = T extends unknown ? Omit<T, 'id' | 'at'> : never;

/** Turns the answers of one endpoint into consequences for their deliveries and keys. */
export class Conclusions {
  readonly #context: TenureContext;
  readonly #keys: KeyParts;
  readonly #endpoint: Endpoint;
  readonly #time: DeliveryTime;

  constructor(context: TenureContext, { lanes, causes, endpoint, time }: ConclusionsParts) {
    this.#context = context;
    this.#keys = { lanes, causes };
    this.#endpoint = endpoint;
    this.#time = time;
  }

  /** Loads the key to be notified: it must learn of the outcome before a later event has its turn. */
  async prepare({ key }: Pick<StoredDelivery, 'key'>): Promise<void> {
    const { lanes } = this.#keys;
    if (this.#endpoint.outcome === undefined || this.#context.pipeline.declaration.key === undefined) return;
    // While others were loaded, a sweep may have forgotten it.
    if (lanes.peek(key) === undefined) await lanes.warm([key]);
  }

  /** Drafts the consequences of an answer. */
  draft(delivery: StoredDelivery, answer: Exclude<MadeCall, { readonly result: 'postponed' }>): void {
    const attempts = delivery.attempts + 1;
    if (answer.result === 'delivered') {
      this.#tellCall(delivery, answer);
      this.#context.draft().counts.delivered += 1;
      this.#remove(delivery);
      this.#tell(delivery, { status: 'delivered', attempts, answer: answer.answer ?? null });
    } else if (answer.result === 'failed' && attempts < this.#endpoint.retry.attempts) {
      const afterMs = Math.max(answer.retryAfterMs ?? 0, pauseMs(this.#endpoint.retry, attempts, this.#context.engine.random()));
      this.#tellCall(delivery, answer, afterMs);
      this.#retry(delivery, answer, afterMs);
    } else {
      const of = this.#tellCall(delivery, answer);
      this.#giveUp(delivery, attempts, answer, of);
    }
  }

  /** Drafts giving up a delivery without another call. */
  giveUp(delivery: StoredDelivery, reason: string): void {
    this.#giveUp(delivery, delivery.attempts, { result: 'failed', reason });
  }

  /** Drafts an operator's withdrawal of a delivery. It leaves no dead letter: whoever withdraws it has decided. */
  withdraw(delivery: ListedDelivery, reason: string): void {
    this.#remove(delivery);
    tellWithdrawn(this.#context, delivery, { attempts: delivery.attempts, reason });
    this.#tell(delivery, { status: 'given up', attempts: delivery.attempts, reason, answer: null });
  }

  /** Records a call in the key's timeline. Returns the index of the item among those of its key. */
  #tellCall(
    { key, endpoint, id, attempts }: StoredDelivery,
    answer: Final & { readonly durationMs: number },
    afterMs?: number,
  ): number | undefined {
    const at = this.#context.engine.clock.now();
    const { result, durationMs } = answer;
    return this.#context.draft().told?.tellOf(key, {
      kind: 'delivery-called',
      at,
      durationMs: Math.round(durationMs * 10) / 10,
      endpoint,
      delivery: id,
      attempt: attempts + 1,
      result,
      ...(afterMs !== undefined && { retryAt: at + afterMs }),
      ...('reason' in answer && { reason: answer.reason }),
    });
  }

  #retry(delivery: StoredDelivery, failed: Failed, afterMs: number): void {
    const { reason, stack = null, answer } = failed;
    const { engine, draft } = this.#context;
    const { clock, log } = engine;
    const { endpoint, key, id } = delivery;
    const attempts = delivery.attempts + 1;
    const byOutbox = this.#endpoint.retryBy === 'outbox';
    draft().counts.deliveryRetries += 1;
    const due = byOutbox ? { dueAt: this.#time.now() + afterMs, pauseMs: afterMs } : { dueAt: null, pauseMs: 0 };
    draft().deliveries.push({ write: 'retry', endpoint, key, id, attempts, ...due, failure: { at: clock.now(), reason } });
    log.warn({ ...this.#fields(delivery), attempt: attempts, ...faultFields({ reason, stack }) }, 'delivery failed');
    if (!byOutbox) this.#tell(delivery, { status: 'failed', attempts, reason, answer: answer ?? null, retryAt: clock.now() + afterMs });
  }

  /** @param of the index of the timeline item of its last call */
  #giveUp(delivery: StoredDelivery, attempts: number, given: Exclude<Final, { readonly result: 'delivered' }>, of?: number): void {
    const { result, reason, stack = null, answer } = given;
    const { engine, draft } = this.#context;
    const { clock, newId, log } = engine;
    const { id, key, endpoint, body, url, ordered, askedAt, traceparent } = delivery;
    const isUnknown = result === 'unknown';
    draft().counts[isUnknown ? 'deliveriesUnknown' : 'deliveriesFailed'] += 1;
    this.#remove(delivery);
    const [at, deadLetter] = [clock.now(), newId()];
    draft().bury({
      kind: 'delivery',
      id: deadLetter,
      key,
      reason: `delivery to ${endpoint}: ${isUnknown ? `unknown: it may have arrived: ${reason}` : reason}`,
      stack,
      failedAt: at,
      attempts,
      delivery: { id, endpoint, body, url, ordered, askedAt, traceparent },
    });
    draft().told?.tellOf(key, { kind: 'gave-up', at, of, deadLetter, endpoint, delivery: id, attempts, reason });
    const fields = { ...this.#fields(delivery), attempt: attempts, ...faultFields({ reason, stack }) };
    log.error(fields, isUnknown ? 'a delivery may have arrived, and is not retried automatically' : 'gave up a delivery');
    this.#tell(delivery, { status: isUnknown ? 'unknown' : 'given up', attempts, reason, answer: answer ?? null });
  }

  #remove({ endpoint, key, id }: DeliveryName): void {
    this.#context.draft().deliveries.push({ write: 'remove', endpoint, key, id });
  }

  #tell(delivery: DeliveryName, said: WithoutFacts<DeliveryOutcome>): void {
    if (this.#endpoint.outcome === undefined) return;
    const { clock } = this.#context.engine;
    this.#keys.causes.fire(toStoredOutcome(delivery, { id: delivery.id, at: clock.now(), ...said }));
  }

  #fields({ endpoint, id, key }: StoredDelivery): object {
    return { pipeline: this.#context.pipeline.declaration.name, key, endpoint, delivery: id };
  }
}
