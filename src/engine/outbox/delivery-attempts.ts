import { faultOf } from '../../fault.ts';
import type { Endpoint } from '../../pipeline/endpoint.ts';
import type { DeliveryName, StoredDelivery } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { DeliveryTime } from './delivery-time.ts';
import type { EndpointGate } from './endpoint-gate.ts';
import { type KeptAnswer, keptAnswer, type MadeCall } from './kept-answer.ts';

interface DeliveryAttempt {
  readonly delivery: StoredDelivery;
  readonly abort: AbortController;
  readonly answer: Promise<MadeCall>;
  isOver: boolean;
}

/**
 * The delivery attempts of a partition: calls under way, and answers that no commit has recorded yet. They outlive a tenure: if the store
 * fails between an answer and its commit, the next tenure takes the answer from here, and nobody is called twice (promise 6). So a call can
 * be repeated only if the process dies, or a stop runs out of time.
 */
export class DeliveryAttempts {
  readonly #pipeline: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #attempts = new Map<string, DeliveryAttempt>();
  readonly #times = new Map<string, DeliveryTime>();
  /** Keys whose run has timed out but whose work has not ended. */
  readonly #cancelled = new Set<string>();

  constructor(pipeline: string, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#pipeline = pipeline;
    this.#clock = clock;
    this.#log = log;
  }

  /** Returns the time of an endpoint's deliveries. It outlives a tenure too: the next tenure reads moments that this one stored. */
  timeOf(endpoint: string): DeliveryTime {
    const present = this.#times.get(endpoint);
    if (present !== undefined) return present;
    const time = new DeliveryTime(this.#clock);
    this.#times.set(endpoint, time);
    return time;
  }

  /** Notes that another process works on the partition: it stores moments by a time unknown here. */
  handedOver(): void {
    this.#times.clear();
  }

  /** Makes the call of a due delivery, or returns its answer if it was already made. Never rejects. */
  make(delivery: StoredDelivery, endpoint: Endpoint, gate: EndpointGate): Promise<MadeCall> {
    const name = nameOf(delivery);
    const made = this.#attempts.get(name);
    if (made !== undefined && this.has(delivery)) return made.answer;
    const abort = new AbortController();
    const place = gate.begin(delivery);
    const beganAt = this.#clock.elapsedMs();
    const answer = this.#answerOf(delivery, endpoint, abort).then((kept): MadeCall => {
      const answer = { ...kept, durationMs: this.#clock.elapsedMs() - beganAt };
      attempt.isOver = true;
      if (answer.result === 'postponed') this.#attempts.delete(name);
      gate.end(place, answer);
      return answer;
    });
    const attempt: DeliveryAttempt = { delivery, abort, answer, isOver: false };
    this.#attempts.set(name, attempt);
    return answer;
  }

  /** Returns whether this attempt has a call, under way or over, that no commit is known to have recorded. */
  has(delivery: DeliveryName & Pick<StoredDelivery, 'attempts' | 'askedAt'>): boolean {
    const made = this.#attempts.get(nameOf(delivery))?.delivery;
    return made !== undefined && made.attempts === delivery.attempts && made.askedAt === delivery.askedAt;
  }

  /** Notes that its result is on disk. */
  recorded(delivery: DeliveryName): void {
    this.#attempts.delete(nameOf(delivery));
  }

  /** Forgets an endpoint's answers for deliveries that are not due: commits that seemed to fail have recorded them after all. */
  forget(endpoint: string, due: ReadonlyMap<string, StoredDelivery>): void {
    for (const [name, { delivery, isOver }] of this.#attempts) {
      if (isOver && delivery.endpoint === endpoint && !due.has(name)) this.#attempts.delete(name);
    }
  }

  /**
   * Aborts a key's calls under way, which count as failed. The key stays cancelled until it is restored: the pipeline restarts whatever had
   * not begun.
   */
  cancel(key: string, reason: Error): void {
    this.#cancelled.add(key);
    for (const { delivery, abort } of this.#attempts.values()) if (delivery.key === key) abort.abort(reason);
  }

  isCancelled(key: string): boolean {
    return this.#cancelled.has(key);
  }

  restore(key: string): void {
    this.#cancelled.delete(key);
  }

  /** Aborts all calls and resolves when none is under way any more. */
  async close(reason: Error): Promise<void> {
    for (const { abort } of this.#attempts.values()) abort.abort(reason);
    await Promise.all(Array.from(this.#attempts.values(), ({ answer }) => answer));
  }

  async #answerOf(delivery: StoredDelivery, { to, timeoutMs }: Endpoint, abort: AbortController): Promise<KeptAnswer> {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    // If a call throws at once, nobody waits for this promise.
    aborted.catch(() => undefined);
    // A transport that ends at once may know more than that its time is over: the other side may already have answered.
    abort.signal.addEventListener('abort', () => setImmediate(() => reject(abort.signal.reason)));
    const timeOut = new Error(`timed out after ${timeoutMs} ms`);
    const disarm = this.#clock.after(timeoutMs, () => abort.abort(timeOut));
    /** A call ended by the engine says nothing about the other side. */
    const isEnded = () => abort.signal.aborted && abort.signal.reason !== timeOut;
    const { id, endpoint, key, body, url, attempts, askedAt, traceparent } = delivery;
    const call = { id, pipeline: this.#pipeline, endpoint, key, body, askedAt, attempt: attempts + 1 };
    try {
      const called = to.call({ ...call, url: url ?? undefined, traceparent: traceparent ?? undefined }, abort.signal);
      const kept = keptAnswer(await Promise.race([called, aborted]), (fault) =>
        this.#log.warn({ pipeline: this.#pipeline, key, endpoint, delivery: id, fault }, 'an answer was dropped'),
      );
      return kept.result === 'failed' && isEnded() ? { ...kept, isUnanswered: undefined } : kept;
    } catch (error) {
      const { reason, stack } = faultOf(error);
      // A time-out is not the transport's fault, and its stack shows nothing of it.
      return { result: 'failed', reason, stack: error === abort.signal.reason ? null : stack, isUnanswered: isEnded() ? undefined : true };
    } finally {
      disarm();
    }
  }
}

/** Returns the name of a delivery in memory. */
export function nameOf({ endpoint, key, id }: DeliveryName): string {
  return JSON.stringify([endpoint, key, id]);
}
