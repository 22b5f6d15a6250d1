import type { Endpoint } from '../../pipeline/endpoint.ts';
import { addressOf, describeFlow } from '../../store/flow.ts';
import type { StoredDelivery } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { KeptAnswer } from './kept-answer.ts';
import { type Place, type SilentAddress, Standings } from './standings.ts';

/** The dependencies of a gate. */
export interface EndpointGateMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly pipeline: string;
  readonly name: string;
}

/** The reason an endpoint's deliveries wait, for operators. */
export interface EndpointWaits {
  readonly pipeline: string;
  readonly endpoint: string;
  /** The reason its transport makes no calls at present; null while it does. */
  readonly postponed: string | null;
  /** Number of addresses resting because they do not answer. */
  readonly restingAddresses: number;
  /** Up to five of them, silent for longest. */
  readonly silentAddresses: readonly SilentAddress[];
  /** Addresses, or keys for endpoints without addresses, that have more deliveries due than the engine reads at once; at most five. */
  readonly crowding: readonly string[];
}

const shownMax = 5;

/**
 * Limits when an endpoint's calls may begin: its concurrency and rate limit over all partitions, pauses requested by its transport, and the
 * shares of addresses and keys. All in elapsed time. Concurrency and rate limit apply to the whole fleet; each engine gets its share.
 */
export class EndpointGate {
  readonly #endpoint: Endpoint;
  readonly #means: EndpointGateMeans;
  readonly #standings: Standings;
  readonly #triedMs: number;
  #bounds: Bounds;
  #underWay = 0;
  /** Start times of the latest calls, oldest first; no more of them than the rate limit counts. */
  readonly #begun: number[] = [];
  #postponedUntil = 0;
  #postponedFor: string | undefined;
  readonly #waiting = new Set<() => void>();
  /** Keyed by the reader that found them. */
  readonly #crowds = new Map<object, readonly string[]>();
  #alarmAt = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;

  constructor(endpoint: Endpoint, means: EndpointGateMeans) {
    this.#endpoint = endpoint;
    this.#bounds = boundsOf(endpoint, 1);
    this.#means = means;
    this.#standings = new Standings(endpoint, means.clock);
    this.#triedMs = triedMs(endpoint);
  }

  /** Sets this engine's share of the pipeline, from 0 to 1; the rest belongs to others. */
  shareChanged(share: number): void {
    this.#bounds = boundsOf(this.#endpoint, share);
    const { calls } = this.#bounds;
    if (this.#begun.length > calls) this.#begun.splice(0, this.#begun.length - calls);
    this.#wake();
  }

  /** True if a call may begin now. */
  get isOpen(): boolean {
    return this.#underWay < this.#bounds.concurrency && this.#opensAt() <= this.#now;
  }

  /** Returns whether a delivery's call may begin now. */
  mayBegin(delivery: StoredDelivery): boolean {
    return this.isOpen && this.#standings.mayBegin(delivery);
  }

  /** Returns whether its transport has said that no call makes sense now, or the flow's address rests. */
  isPostponed(flow: string): boolean {
    return this.#postponedUntil > this.#now || this.#standings.isResting(flow);
  }

  /** True if addresses may be resting: some do not answer. */
  get someRest(): boolean {
    return this.#standings.someAreSilent;
  }

  /** Returns whether the flow's address rests. */
  isResting(flow: string): boolean {
    return this.#standings.isResting(flow);
  }

  /**
   * Returns why a flow's delivery that has waited this long is not called again: both its wait and its address's silence have outlasted the
   * time that all its attempts would have taken. Undefined otherwise, and while the address does not rest.
   */
  whyHopeless(flow: string, waitedMs: number): string | undefined {
    const silentMs = this.#standings.silentMsOf(flow);
    if (silentMs === undefined || Math.min(silentMs, waitedMs) < this.#triedMs) return undefined;
    return `not called again: ${addressOf(flow)} has given no answer for ${Math.round(silentMs / 1_000)} s (${this.#standings.reasonOf(flow)})`;
  }

  /** Undefined if nothing waits for more than its turn. */
  get waits(): EndpointWaits | undefined {
    const { resting: restingAddresses, addresses: silentAddresses } = this.#standings.silent(shownMax);
    const postponed = this.#postponedUntil > this.#now ? (this.#postponedFor ?? null) : null;
    const crowding = [...new Set([...this.#crowds.values()].flat())].slice(0, shownMax);
    if (postponed === null && restingAddresses === 0 && crowding.length === 0) return undefined;
    const { pipeline, name: endpoint } = this.#means;
    return { pipeline, endpoint, postponed, restingAddresses, silentAddresses, crowding };
  }

  /** Records which flows crowd a reader's partition. */
  crowdedBy(reader: object, flows: readonly string[]): void {
    if (flows.length === 0) this.#crowds.delete(reader);
    else this.#crowds.set(reader, flows.slice(0, shownMax).map(describeFlow));
  }

  /** Takes a slot for a call that begins. */
  begin(delivery: StoredDelivery): Place {
    const place = this.#standings.begin(delivery);
    this.#underWay += 1;
    const { calls } = this.#bounds;
    if (calls === Number.POSITIVE_INFINITY) return place;
    this.#begun.push(place.begunAt);
    if (this.#begun.length > calls) this.#begun.shift();
    return place;
  }

  /** Frees the slot of a call that is over. */
  end(place: Place, answer: KeptAnswer): void {
    this.#standings.end(place);
    // Comes before the slot is freed: it must not be taken again at once.
    if (answer.result === 'postponed') this.#postpone(place, answer);
    else this.#learn(place, answer);
    this.#underWay -= 1;
    this.#wake();
  }

  /** Calls back once, when a call may perhaps begin. */
  whenOpen(call: () => void): void {
    this.#waiting.add(call);
    this.#arm();
  }

  get #now(): number {
    return this.#means.clock.elapsedMs();
  }

  /** The call did not happen after all, and none makes sense for a while. */
  #postpone({ begunAt }: Place, { reason, retryAfterMs }: KeptAnswer & { readonly result: 'postponed' }): void {
    const at = this.#begun.lastIndexOf(begunAt);
    if (at !== -1) this.#begun.splice(at, 1);
    this.#postponedUntil = Math.max(this.#postponedUntil, this.#now + Math.max(postponeMsMin, retryAfterMs));
    this.#postponedFor = reason;
  }

  #learn(place: Place, answer: Exclude<KeptAnswer, { readonly result: 'postponed' }>): void {
    const { log, pipeline, name: endpoint } = this.#means;
    const fields = { pipeline, endpoint, address: addressOf(place.flow) };
    if (answer.result !== 'failed' || answer.isUnanswered === false) {
      if (this.#standings.answered(place)) log.info(fields, 'an address answers again');
    } else if (answer.isUnanswered === true && this.#standings.unanswered(place, answer.reason)) {
      log.warn({ ...fields, reason: answer.reason }, 'an address does not answer: calls to it are rare until it does');
    }
  }

  /** Returns when the gate opens, if time alone keeps it closed. */
  #opensAt(): number {
    const { calls, perMs } = this.#bounds;
    const oldest = this.#begun[0];
    const isSpent = oldest !== undefined && this.#begun.length >= calls;
    return isSpent ? Math.max(this.#postponedUntil, oldest + perMs) : this.#postponedUntil;
  }

  #arm(): void {
    const now = this.#now;
    const opensAt = this.#opensAt();
    const at = opensAt > now ? opensAt : this.#standings.nextRestEnd;
    if (at >= this.#alarmAt || at <= now || at === Number.POSITIVE_INFINITY) return;
    this.#disarm?.();
    this.#alarmAt = at;
    this.#disarm = this.#means.clock.after(at - now, () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#wake();
    });
  }

  /** A queue that finds no slot stays ahead of those that had one, so that no partition starves another. */
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

/** One engine's share of an endpoint's limits; `calls` is infinite without a rate limit. */
interface Bounds {
  readonly concurrency: number;
  readonly calls: number;
  readonly perMs: number;
}

function boundsOf({ concurrency, rateLimit }: Endpoint, share: number): Bounds {
  const places = Math.max(1, Math.floor(concurrency * share));
  if (rateLimit === undefined) return { concurrency: places, calls: Number.POSITIVE_INFINITY, perMs: 0 };
  const exact = Math.max(rateLimit.calls * share, Number.EPSILON);
  const calls = Math.max(1, Math.floor(exact));
  // Whole calls in a longer or shorter window, so that the rate is exactly the share of the limit.
  return { concurrency: places, calls, perMs: (rateLimit.perMs * calls) / exact };
}

/** The shortest pause before asking a transport that postpones again. In milliseconds. */
const postponeMsMin = 10;

/** Returns the total time of a delivery's attempts if each one fails, in milliseconds: its pauses and its calls. */
function triedMs({ retry: { attempts, backoffMs, backoffMsMax }, timeoutMs }: Endpoint): number {
  let total = attempts * timeoutMs;
  let pauseMs = backoffMs;
  for (let attempt = 1; attempt < attempts; attempt += 1) {
    total += Math.min(pauseMs, backoffMsMax);
    if (pauseMs >= backoffMsMax) return total + (attempts - 1 - attempt) * backoffMsMax;
    pauseMs *= 2;
  }
  return total;
}
