import type { Logger } from 'pino';

/** How often an address is told that its secret is none, once it has been told so `freeTries` times. */
const everyMs = 100;
const freeTries = 10;
const waitMaxMs = 1_000;
const addressesMax = 10_000;
/** Answers kept back at once. Each holds a connection. */
const waitingMax = 1_000;
const logEveryMs = 60_000;

/**
 * Those who come with a secret that is none. After some tries each of an address waits for its refusal, so that they become few. It
 * slows nobody down who has a right one, from the same address either.
 */
export class Strangers {
  readonly #log: Logger;
  /** When the next refusal of an address would be due if they came evenly; the address that tried last is at the end. */
  readonly #dueAt = new Map<string, number>();
  #waiting = 0;
  #unsaid = 0;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Notes a wrong secret, and resolves when it may be answered; undefined: at once. */
  noted(address: string): Promise<void> | undefined {
    const now = performance.now();
    this.#say(address, now);
    const waitMs = this.#waitMs(address, now);
    if (waitMs === 0 || this.#waiting >= waitingMax) return undefined;
    this.#waiting += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(() => {
      this.#waiting -= 1;
      resolve();
    }, waitMs);
    return promise;
  }

  #waitMs(address: string, now: number): number {
    const latest = now + freeTries * everyMs + waitMaxMs;
    const dueAt = Math.min(latest, Math.max(now, this.#dueAt.get(address) ?? now) + everyMs);
    this.#dueAt.delete(address);
    this.#dueAt.set(address, dueAt);
    const [oldest] = this.#dueAt.keys();
    if (this.#dueAt.size > addressesMax && oldest !== undefined) this.#dueAt.delete(oldest);
    return Math.max(0, dueAt - now - freeTries * everyMs);
  }

  #say(address: string, now: number): void {
    this.#unsaid += 1;
    if (now - this.#saidAt < logEveryMs) return;
    this.#log.warn({ address, requests: this.#unsaid }, 'refused requests with an unknown token; said once a minute at most');
    this.#unsaid = 0;
    this.#saidAt = now;
  }
}
