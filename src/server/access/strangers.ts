import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Logger } from 'pino';

/** Interval of refusals to an address after `freeTries` wrong secrets. */
const everyMs = 100;
const freeTries = 10;
/** The longest delay of an answer; an address whose next one would come later gets none. */
const waitMaxMs = 10_000;
const addressesMax = 10_000;
/** Maximum delayed answers at once. Each holds a connection. */
const waitingMax = 1_000;
const logEveryMs = 60_000;

/** The time to answer a wrong secret: at once, once this resolves, or never, in which case close the connection. */
type Answered = 'now' | 'never' | Promise<void>;

/**
 * Clients with wrong secrets. After some tries an address gets its refusals one after another, so that they are few however many
 * connections it has. If too many are delayed, further ones get none. Clients with a valid secret are never slowed down, even from the same
 * address.
 */
export class Strangers {
  readonly #log: Logger;
  /**
   * The time at which the next refusal of an address would be due if they were evenly spaced; the address that tried last is at the end.
   */
  readonly #dueAt = new Map<string, number>();
  #waiting = 0;
  #unsaid = 0;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Notes a wrong secret from an address. */
  noted(address: string): Answered {
    const now = performance.now();
    this.#say(address, now);
    const network = networkOf(address);
    const dueAt = Math.max(now, this.#dueAt.get(network) ?? now) + everyMs;
    const waitMs = dueAt - now - freeTries * everyMs;
    if (waitMs > 0 && (waitMs > waitMaxMs || this.#waiting >= waitingMax)) return 'never';
    this.#keep(network, dueAt);
    return waitMs > 0 ? this.#wait(waitMs) : 'now';
  }

  #keep(network: string, dueAt: number): void {
    this.#dueAt.delete(network);
    this.#dueAt.set(network, dueAt);
    const [oldest] = this.#dueAt.keys();
    if (this.#dueAt.size > addressesMax && oldest !== undefined) this.#dueAt.delete(oldest);
  }

  #wait(waitMs: number): Promise<void> {
    this.#waiting += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(() => {
      this.#waiting -= 1;
      resolve();
    }, waitMs);
    return promise;
  }

  #say(address: string, now: number): void {
    this.#unsaid += 1;
    if (now - this.#saidAt < logEveryMs) return;
    this.#log.warn({ address, requests: this.#unsaid }, 'refused requests with an unknown token; logged at most once a minute');
    this.#unsaid = 0;
    this.#saidAt = now;
  }
}

/** The holder of an IPv6 address has 2⁶⁴ of them: all count as one. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
}
