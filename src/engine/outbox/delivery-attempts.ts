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
 * The attempts at deliveries of a partition: the calls that are under way, and the answers that no commit has recorded yet. They outlive a
 * tenure: when the store fails between an answer and its commit, the next tenure takes the answer from here, and nobody is
 * called twice (promise 6). So only the death of the process can repeat a call, and a stop that has run out of its time.
 */
export class DeliveryAttempts {
  readonly #pipeline: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #attempts = new Map<string, DeliveryAttempt>();
  readonly #times = new Map<string, DeliveryTime>();
  /** Keys whose run has run out of its time, and which have not ended what they were at. */
  readonly #cancelled = new Set<string>();

  constructor(pipeline: string, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#pipeline = pipeline;
    this.#clock = clock;
    this.#log = log;
  }

  /** The time of an endpoint's deliveries. It outlives a tenure too: moments that one has stored are read by the next. */
  timeOf(endpoint: string): DeliveryTime {
    const present = this.#times.get(endpoint);
    if (present !== undefined) return present;
    const time = new DeliveryTime(this.#clock);
    this.#times.set(endpoint, time);
    return time;
  }

  /** Another process works on the partition: the time by which it stores moments is not the one that is known here. */
  handedOver(): void {
    this.#times.clear();
  }

  /** Makes the call that the delivery is due for, unless it has been made: then its answer. Never rejects. */
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

  /** Whether there is a call of this attempt, under way or over, that no commit is known to have recorded. */
  has(delivery: DeliveryName & Pick<StoredDelivery, 'attempts' | 'askedAt'>): boolean {
    const made = this.#attempts.get(nameOf(delivery))?.delivery;
    return made !== undefined && made.attempts === delivery.attempts && made.askedAt === delivery.askedAt;
  }

  /** What came of it is on disk. */
  recorded(delivery: DeliveryName): void {
    this.#attempts.delete(nameOf(delivery));
  }

  /** Forgets the answers of an endpoint for deliveries that are not due: commits that seemed to fail have recorded them after all. */
  forget(endpoint: string, due: ReadonlyMap<string, StoredDelivery>): void {
    for (const [name, { delivery, isOver }] of this.#attempts) {
      if (isOver && delivery.endpoint === endpoint && !due.has(name)) this.#attempts.delete(name);
    }
  }

  /** Aborts the calls of a key that are under way: they have failed. Until it is restored it is cancelled: what it has not begun the pipeline starts again. */
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
    // A call that throws at once leaves nobody to wait for it.
    aborted.catch(() => undefined);
    // A transport that ends at once may know more than that its time is over: that the other side has answered already.
    abort.signal.addEventListener('abort', () => setImmediate(() => reject(abort.signal.reason)));
    const timeOut = new Error(`timed out after ${timeoutMs} ms`);
    const disarm = this.#clock.after(timeoutMs, () => abort.abort(timeOut));
    /** A call that the engine has ended says nothing of the other side. */
    const isEnded = () => abort.signal.aborted && abort.signal.reason !== timeOut;
    const { id, endpoint, key, body, url, attempts, askedAt, traceparent } = delivery;
    const call = { id, pipeline: this.#pipeline, endpoint, key, body, askedAt, attempt: attempts + 1 };
    try {
      const called = to.call({ ...call, url: url ?? undefined, traceparent: traceparent ?? undefined }, abort.signal);
      const kept = keptAnswer(await Promise.race([called, aborted]), (fault) =>
        this.#log.warn({ pipeline: this.#pipeline, key, endpoint, delivery: id, fault }, 'an answer is not kept'),
      );
      return kept.result === 'failed' && isEnded() ? { ...kept, isUnanswered: undefined } : kept;
    } catch (error) {
      const { reason, stack } = faultOf(error);
      // A time-out is no fault of the transport, and its stack shows nothing of it.
      return { result: 'failed', reason, stack: error === abort.signal.reason ? null : stack, isUnanswered: isEnded() ? undefined : true };
    } finally {
      disarm();
    }
  }
}

/** What a delivery is called in memory. */
export function nameOf({ endpoint, key, id }: DeliveryName): string {
  return JSON.stringify([endpoint, key, id]);
}
