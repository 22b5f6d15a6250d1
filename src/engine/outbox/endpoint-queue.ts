import type { Answer, DeliveryOutcome, Endpoint } from '../../pipeline/endpoint.ts';
import type { DeliveryWrite, PartitionId, Store, StoredDelivery } from '../../store/store.ts';
import { pauseMs } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import type { Draft } from '../draft.ts';
import type { Lanes } from '../lanes.ts';
import type { Log } from '../log.ts';
import type { Calls } from './calls.ts';
import type { EndpointGate } from './endpoint-gate.ts';
import { outcomeTimer } from './outcome.ts';

/** What the queues of an outbox work with; their tenure provides it. */
export interface EndpointQueueMeans {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  newId(): string;
  readonly log: Log;
  readonly partition: PartitionId;
  readonly lanes: Pick<Lanes, 'warm' | 'writeTimer'>;
  readonly calls: Calls;
  /** The draft that takes what is decided now. */
  draft(): Draft;
  /** Something was drafted, or nothing is left to do. */
  drafted(): void;
  failed(error: unknown): void;
}

/** Due deliveries that are read from the store at once. */
const windowMax = 256;

/**
 * The deliveries of one endpoint in one partition. They stay in the store; memory knows which are due and wait for a free
 * place, which calls are under way, and when the next is due. A delivery is
 *
 * - *waiting*: read from the store, its call has not begun;
 * - *called*: its call is under way, or over and its outcome not on disk yet;
 * - *in hand*: one of both. From the hand it goes only when a commit has said what became of it, so it is never called twice.
 */
export class EndpointQueue {
  readonly #means: EndpointQueueMeans;
  readonly #name: string;
  readonly #endpoint: Endpoint;
  readonly #gate: EndpointGate;
  readonly #inHand = new Map<string, StoredDelivery>();
  readonly #waiting: StoredDelivery[] = [];
  /** Written by a commit since the present look began: what it reads of them is old. */
  readonly #touched = new Set<string>();
  /** Outcomes that are on their way to their keys: the name of the timer that brings them, and the key. */
  readonly #untold = new Map<string, string>();
  #mayBeMore = true;
  #looking: Promise<void> | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  /** Nothing begins any more. */
  #isResting = false;
  #isClosed = false;

  constructor(means: EndpointQueueMeans, name: string, endpoint: Endpoint, gate: EndpointGate) {
    this.#means = means;
    this.#name = name;
    this.#endpoint = endpoint;
    this.#gate = gate;
  }

  /** Whether nothing is under way and nothing can begin by itself now. */
  get isIdle(): boolean {
    if (this.#inHand.size > this.#waiting.length) return false;
    if (this.#isResting || this.#isClosed) return true;
    return this.#looking === undefined && (this.#waiting.length === 0 ? !this.#mayBeMore : !this.#gate.isOpen);
  }

  /** Whether nothing is left to do for a key, as far as can be known: all it asked for has an outcome, and it has been told. */
  isQuiet(key: string): boolean {
    for (const toldKey of this.#untold.values()) if (toldKey === key) return false;
    // What its transport has put off goes on by itself later, like a retry, unless it is for the pipeline to begin.
    const isPutOff = this.#isResting || (this.#endpoint.retryBy === 'outbox' && this.#gate.isPostponed);
    const isWaiting = new Set(isPutOff ? this.#waiting : []);
    for (const delivery of this.#inHand.values()) if (delivery.key === key && !isWaiting.has(delivery)) return false;
    return isPutOff || (this.#looking === undefined && !this.#mayBeMore);
  }

  /** What was decided about deliveries of this endpoint is on disk. */
  committed(write: DeliveryWrite): void {
    const { id } = write.write === 'ask' ? write.delivery : write;
    if (this.#looking !== undefined) this.#touched.add(id);
    if (write.write === 'ask') this.#putDown(id);
    else {
      this.#inHand.delete(id);
      this.#means.calls.recorded({ endpoint: this.#name, id });
    }
    if (write.write === 'retry') {
      if (write.dueAt !== null) this.#arm(write.dueAt);
    } else if (write.write === 'ask' || this.#endpoint.isOrdered) this.#mayBeMore = true;
  }

  /** A turn that a timer brought about is on disk. */
  told(timerName: string): void {
    this.#untold.delete(timerName);
  }

  /** Lets go of what a key has waiting, as long as only the pipeline can start it again; its calls under way are aborted by `Calls`. */
  cancel(key: string): void {
    if (this.#endpoint.retryBy !== 'pipeline') return;
    for (const { id, attempts } of this.#waiting.filter((delivery) => delivery.key === key)) {
      this.#waiting.splice(
        this.#waiting.findIndex((delivery) => delivery.id === id),
        1,
      );
      this.#means.draft().deliveries.push({ write: 'retry', endpoint: this.#name, id, attempts, dueAt: null });
    }
    this.#means.drafted();
  }

  rest(): void {
    this.#isResting = true;
  }

  close(): void {
    this.#isClosed = true;
    this.#disarm?.();
  }

  /** Begins as many calls as may begin, then sees to it that this goes on. */
  readonly pump = (): void => {
    if (this.#isResting || this.#isClosed) return;
    while (this.#waiting.length > 0 && this.#gate.isOpen) void this.#call(this.#waiting.shift() as StoredDelivery);
    if (this.#waiting.length > 0) this.#gate.whenOpen(this.pump);
    if (this.#mayBeMore && this.#waiting.length < windowMax / 2) this.#look();
  };

  #look(): void {
    if (this.#looking !== undefined) return;
    this.#mayBeMore = false;
    this.#looking = this.#takeDue()
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#means.failed(error);
      })
      .finally(() => {
        this.#looking = undefined;
        this.#touched.clear();
        this.pump();
        this.#means.drafted();
      });
  }

  async #takeDue(): Promise<void> {
    const { store, clock, partition, calls } = this.#means;
    const now = clock.now();
    const limit = windowMax + this.#inHand.size;
    const due = await store.dueDeliveries(partition, this.#name, now, limit);
    for (const delivery of due) {
      if (this.#isClosed || this.#inHand.has(delivery.id) || this.#touched.has(delivery.id)) continue;
      this.#inHand.set(delivery.id, delivery);
      // The tenure before this one has called already.
      if (calls.has(delivery)) void this.#call(delivery);
      else this.#waiting.push(delivery);
    }
    if (due.length === limit) this.#mayBeMore = true;
    const next = await store.nextDeliveryDue(partition, this.#name, now);
    if (next !== null) this.#arm(next);
  }

  #arm(at: number): void {
    if (this.#isClosed || at >= this.#alarmAt) return;
    this.#disarm?.();
    this.#alarmAt = at;
    this.#disarm = this.#means.clock.alarm(at, () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#mayBeMore = true;
      this.pump();
    });
  }

  /** One that waits was asked for anew: it is read again. */
  #putDown(id: string): void {
    const at = this.#waiting.findIndex((delivery) => delivery.id === id);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    this.#inHand.delete(id);
  }

  async #call(delivery: StoredDelivery): Promise<void> {
    const answer = await this.#means.calls.make(delivery, this.#endpoint, this.#gate);
    if (this.#isClosed) return;
    if (answer.result === 'postponed') this.#postpone(delivery, answer);
    else await this.#conclude(delivery, answer);
  }

  #postpone(delivery: StoredDelivery, { reason, retryAfterMs }: Answer & { readonly result: 'postponed' }): void {
    this.#means.log.debug({ ...this.#fields(delivery), reason, retryAfterMs }, 'delivery postponed');
    this.#waiting.unshift(delivery);
    this.pump();
    this.#means.drafted();
  }

  /** Drafts what the answer means, for the delivery and for its key. */
  async #conclude(delivery: StoredDelivery, answer: Exclude<Answer, { readonly result: 'postponed' }>): Promise<void> {
    try {
      // The key must learn of it before an event that was accepted later has its turn.
      if (this.#endpoint.outcome !== undefined) await this.#means.lanes.warm([delivery.key]);
    } catch (error) {
      if (!this.#isClosed) this.#means.failed(error);
      return;
    }
    if (this.#isClosed) return;
    const { counts } = this.#means.draft();
    const attempts = delivery.attempts + 1;
    if (answer.result === 'delivered') {
      counts.delivered += 1;
      this.#remove(delivery);
      this.#tell(delivery, { status: 'delivered', attempts, answer: answer.answer ?? null });
    } else if (answer.result === 'failed' && attempts < this.#endpoint.retry.attempts) {
      this.#retry(delivery, attempts, answer);
    } else {
      this.#giveUp(delivery, attempts, answer);
    }
    this.#means.drafted();
  }

  #retry(delivery: StoredDelivery, attempts: number, { reason, retryAfterMs = 0, answer }: Answer & { readonly result: 'failed' }): void {
    const { clock, random, draft, log } = this.#means;
    const retryAt = clock.now() + Math.max(retryAfterMs, pauseMs(this.#endpoint.retry, attempts, random()));
    const byOutbox = this.#endpoint.retryBy === 'outbox';
    draft().counts.deliveryRetries += 1;
    draft().deliveries.push({ write: 'retry', endpoint: this.#name, id: delivery.id, attempts, dueAt: byOutbox ? retryAt : null });
    log.warn({ ...this.#fields(delivery), attempt: attempts, reason }, 'delivery failed');
    if (!byOutbox) this.#tell(delivery, { status: 'failed', attempts, reason, answer: answer ?? null, retryAt });
  }

  #giveUp(
    delivery: StoredDelivery,
    attempts: number,
    { reason, answer }: Exclude<Answer, { readonly result: 'delivered' | 'postponed' }>,
  ): void {
    const { clock, newId, draft, log } = this.#means;
    const { id, key, endpoint, body, url, ordered, askedAt, traceparent } = delivery;
    draft().counts.deliveriesFailed += 1;
    this.#remove(delivery);
    draft().bury({
      id: newId(),
      key,
      reason: `delivery to ${endpoint}: ${reason}`,
      failedAt: clock.now(),
      attempts,
      event: null,
      timer: null,
      delivery: { id, endpoint, body, url, ordered, askedAt, traceparent },
      numbers: null,
      parked: false,
    });
    log.error({ ...this.#fields(delivery), attempt: attempts, reason }, 'gave up a delivery');
    this.#tell(delivery, { status: 'given up', attempts, reason, answer: answer ?? null });
  }

  #remove({ id }: StoredDelivery): void {
    this.#means.draft().deliveries.push({ write: 'remove', endpoint: this.#name, id });
  }

  #tell(delivery: StoredDelivery, said: OutcomeSaid): void {
    if (this.#endpoint.outcome === undefined) return;
    const write = outcomeTimer(delivery, { id: delivery.id, at: this.#means.clock.now(), ...said });
    this.#untold.set(write.name, delivery.key);
    this.#means.lanes.writeTimer(write);
  }

  #fields({ id, key }: StoredDelivery): object {
    return { pipeline: this.#means.partition.pipeline, key, endpoint: this.#name, delivery: id };
  }
}

type WithoutFacts<T> = T extends unknown ? Omit<T, 'id' | 'at'> : never;
type OutcomeSaid = WithoutFacts<DeliveryOutcome>;
