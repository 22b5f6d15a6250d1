import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Logger } from 'pino';

/** How often an address is told that its secret is none, once it has been told so `freeTries` times. */
const everyMs = 100;
const freeTries = 10;
/** The longest that an answer is kept back; an address whose next one would come later gets none. */
const waitMaxMs = 10_000;
const addressesMax = 10_000;
/** Answers kept back at once. Each holds a connection. */
const waitingMax = 1_000;
const logEveryMs = 60_000;

/** When a wrong secret may be answered: at once, once this resolves, or never, and then its connection is to be closed. */
type Answered = 'now' | 'never' | Promise<void>;

/**
 * Those who come with a secret that is none. After some tries the refusals of an address come one after the other, so that they are few
 * however many connections it has. Where too many wait for theirs, further ones get none. It slows nobody down who has a right one, from
 * the same address either.
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

  /** Notes a wrong secret of an address. */
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
    this.#log.warn({ address, requests: this.#unsaid }, 'refused requests with an unknown token; said once a minute at most');
    this.#unsaid = 0;
    this.#saidAt = now;
  }
}

/** One who has an IPv6 address has as many as 64 bits can say: all of them count as one. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
}
