import type { Endpoint } from '../../pipeline/endpoint.ts';
import type { Clock } from '../clock.ts';

/**
 * How many calls of an endpoint may begin now: its concurrency and rate limit, over all partitions, and pauses that its transport
 * asks for. All of it in elapsed time.
 */
export class EndpointGate {
  readonly #endpoint: Pick<Endpoint, 'concurrency' | 'rateLimit'>;
  readonly #clock: Clock;
  #underWay = 0;
  /** When the last calls began, the oldest first; no more of them than the rate limit counts. */
  readonly #begun: number[] = [];
  #postponedUntil = 0;
  readonly #waiting = new Set<() => void>();
  #alarmAt = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;

  constructor(endpoint: Pick<Endpoint, 'concurrency' | 'rateLimit'>, clock: Clock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
  }

  /** Whether a call may begin now. */
  get isOpen(): boolean {
    return this.#underWay < this.#endpoint.concurrency && this.#opensAt() <= this.#clock.elapsedMs();
  }

  /** Whether its transport has said that no call makes sense now. */
  get isPostponed(): boolean {
    return this.#postponedUntil > this.#clock.elapsedMs();
  }

  /** Answers the moment, by which `postpone` knows the call. */
  begin(): number {
    const now = this.#clock.elapsedMs();
    this.#underWay += 1;
    const { rateLimit } = this.#endpoint;
    if (rateLimit === undefined) return now;
    this.#begun.push(now);
    if (this.#begun.length > rateLimit.calls) this.#begun.shift();
    return now;
  }

  end(): void {
    this.#underWay -= 1;
    this.#wake();
  }

  /** The call that began at a moment was none after all, and none makes sense for a while. */
  postpone(begunAt: number, pauseMs: number): void {
    const at = this.#begun.lastIndexOf(begunAt);
    if (at !== -1) this.#begun.splice(at, 1);
    this.#postponedUntil = Math.max(this.#postponedUntil, this.#clock.elapsedMs() + pauseMs);
  }

  /** Calls back once, when a call may perhaps begin. */
  whenOpen(call: () => void): void {
    this.#waiting.add(call);
    this.#arm();
  }

  /** When time alone stands in the way no more. */
  #opensAt(): number {
    const { rateLimit } = this.#endpoint;
    const oldest = this.#begun[0];
    const isSpent = rateLimit !== undefined && oldest !== undefined && this.#begun.length === rateLimit.calls;
    return isSpent ? Math.max(this.#postponedUntil, oldest + rateLimit.perMs) : this.#postponedUntil;
  }

  #arm(): void {
    const at = this.#opensAt();
    const now = this.#clock.elapsedMs();
    if (at >= this.#alarmAt || at <= now) return;
    this.#disarm?.();
    this.#alarmAt = at;
    this.#disarm = this.#clock.after(at - now, () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#wake();
    });
  }

  /** Who finds no place stays in front of those that had one, so that no partition starves another. */
  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    while (waiting.length > 0 && this.isOpen) waiting.shift()?.();
    const again = [...waiting, ...this.#waiting];
    this.#waiting.clear();
    for (const call of again) this.#waiting.add(call);
    if (again.length > 0) this.#arm();
  }
}
