import type { Endpoint } from '../../pipeline/endpoint.ts';
import { addressOf, describeFlow } from '../../store/flow.ts';
import type { StoredDelivery } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { KeptAnswer } from './kept-answer.ts';
import { type Place, type SilentAddress, Standings } from './standings.ts';

/** What a gate works with. */
export interface EndpointGateMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly pipeline: string;
  readonly name: string;
}

/** Why deliveries of an endpoint wait, for who operates the engine. */
export interface EndpointWaits {
  readonly pipeline: string;
  readonly endpoint: string;
  /** Why its transport makes no calls at present; null while it does. */
  readonly postponed: string | null;
  /** How many addresses rest because they give no answers. */
  readonly restingAddresses: number;
  /** Those of them that have been silent for longest, at most five. */
  readonly silentAddresses: readonly SilentAddress[];
  /** Addresses, or keys where there are no addresses, that have more deliveries due than the engine reads at once; at most five. */
  readonly crowding: readonly string[];
}

const shownMax = 5;

/**
 * How many calls of an endpoint may begin now: its concurrency and rate limit, over all partitions, pauses that its transport
 * asks for, and the shares of addresses and keys. All of it in elapsed time. Of an engine of a fleet it is its share: concurrency and rate
 * limit are those of the fleet.
 */
export class EndpointGate {
  readonly #endpoint: Endpoint;
  readonly #means: EndpointGateMeans;
  readonly #standings: Standings;
  readonly #triedMs: number;
  #bounds: Bounds;
  #underWay = 0;
  /** When the last calls began, the oldest first; no more of them than the rate limit counts. */
  readonly #begun: number[] = [];
  #postponedUntil = 0;
  #postponedFor: string | undefined;
  readonly #waiting = new Set<() => void>();
  /** By the reader that found them. */
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

  /** This engine works on so much of the pipeline, from 0 to 1; the rest is for others. */
  shareChanged(share: number): void {
    this.#bounds = boundsOf(this.#endpoint, share);
    const { calls } = this.#bounds;
    if (this.#begun.length > calls) this.#begun.splice(0, this.#begun.length - calls);
    this.#wake();
  }

  /** Whether a call may begin now. */
  get isOpen(): boolean {
    return this.#underWay < this.#bounds.concurrency && this.#opensAt() <= this.#now;
  }

  /** Whether the call of a delivery may begin now. */
  mayBegin(delivery: StoredDelivery): boolean {
    return this.isOpen && this.#standings.mayBegin(delivery);
  }

  /** Whether its transport has said that no call makes sense now, or the address of a flow rests. */
  isPostponed(flow: string): boolean {
    return this.#postponedUntil > this.#now || this.#standings.isResting(flow);
  }

  /** Whether addresses may rest: some give no answers. */
  get someRest(): boolean {
    return this.#standings.someAreSilent;
  }

  /** Whether the address of a flow rests. */
  isResting(flow: string): boolean {
    return this.#standings.isResting(flow);
  }

  /**
   * Why no delivery of a flow that has waited for so long is called again: for longer than all its attempts would have taken, it
   * has waited and its address has given no answer. Undefined otherwise, and while the address does not rest.
   */
  whyHopeless(flow: string, waitedMs: number): string | undefined {
    const silentMs = this.#standings.silentMsOf(flow);
    if (silentMs === undefined || Math.min(silentMs, waitedMs) < this.#triedMs) return undefined;
    return `not called again: ${addressOf(flow)} has given no answer for ${Math.round(silentMs / 1_000)} s (${this.#standings.reasonOf(flow)})`;
  }

  /** Undefined when nothing waits longer than for its turn. */
  get waits(): EndpointWaits | undefined {
    const { resting: restingAddresses, addresses: silentAddresses } = this.#standings.silent(shownMax);
    const postponed = this.#postponedUntil > this.#now ? (this.#postponedFor ?? null) : null;
    const crowding = [...new Set([...this.#crowds.values()].flat())].slice(0, shownMax);
    if (postponed === null && restingAddresses === 0 && crowding.length === 0) return undefined;
    const { pipeline, name: endpoint } = this.#means;
    return { pipeline, endpoint, postponed, restingAddresses, silentAddresses, crowding };
  }

  /** A reader tells which flows crowd its partition. */
  crowdedBy(reader: object, flows: readonly string[]): void {
    if (flows.length === 0) this.#crowds.delete(reader);
    else this.#crowds.set(reader, flows.slice(0, shownMax).map(describeFlow));
  }

  /** Takes a place for a call that begins. */
  begin(delivery: StoredDelivery): Place {
    const place = this.#standings.begin(delivery);
    this.#underWay += 1;
    const { calls } = this.#bounds;
    if (calls === Number.POSITIVE_INFINITY) return place;
    this.#begun.push(place.begunAt);
    if (this.#begun.length > calls) this.#begun.shift();
    return place;
  }

  /** Frees the place of a call that is over. */
  end(place: Place, answer: KeptAnswer): void {
    this.#standings.end(place);
    // Before the place is free: it must not be taken again at once.
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

  /** The call was none after all, and none makes sense for a while. */
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
      log.warn({ ...fields, reason: answer.reason }, 'an address gives no answers: it is called seldom until it does');
    }
  }

  /** When time alone stands in the way no more. */
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

  /** A queue that finds no place stays in front of those that had one, so that no partition starves another. */
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

/** What one engine of a fleet may do of what an endpoint allows; `calls` is infinite where there is no rate limit. */
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
  // Whole calls in a window that is longer or shorter, so that the rate is the share of the rate to the call.
  return { concurrency: places, calls, perMs: (rateLimit.perMs * calls) / exact };
}

/** A transport that postpones is asked again no sooner. In milliseconds. */
const postponeMsMin = 10;

/** The time in which a delivery is tried that fails each time, in milliseconds: its pauses and its calls. */
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
