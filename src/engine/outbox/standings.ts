import type { Endpoint } from '../../pipeline/endpoint.ts';
import { addressOf } from '../../store/flow.ts';
import type { StoredDelivery } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import { Tally } from './tally.ts';

/** Calls in a row without an answer, after which an address rests. */
const restAfter = 5;
/** The first rest of an address. It doubles with every call that is tried in vain. In milliseconds. */
const restMsMin = 1_000;
const restMsMax = 30_000;
/** Addresses of which it is known how they answer. Whoever picks addresses can make no more of them than that. */
const knownMax = 10_000;
/** Characters that are kept of why an address gives no answer. */
const reasonLengthMax = 200;

/** What is known of an address that gives no answers. */
interface Silence {
  /** Since when, in elapsed time. */
  readonly since: number;
  /** Calls in a row without an answer. */
  calls: number;
  reason: string;
  restMs: number;
  /** In elapsed time. */
  restsUntil: number;
}

type Standing = 'prompt' | 'slow' | 'new' | 'silent';

/** A place that a call has taken. */
export interface Place {
  readonly flow: string;
  readonly key: string;
  /** In elapsed time. */
  readonly begunAt: number;
  /** How its address stood then; undefined where the transport names no address. */
  readonly standing: Standing | undefined;
}

/** An address that gives no answers, for who operates the engine. */
export interface SilentAddress {
  readonly address: string;
  readonly reason: string;
  /** How long it has given none. In milliseconds. */
  readonly silentMs: number;
  /** Whether no call is made now. */
  readonly isResting: boolean;
}

/**
 * How the addresses of one endpoint stand, and what share of its places each may take. An address is:
 *
 * - `prompt` when its last call was answered soon: it may take half of the places;
 * - `slow` when it was answered, but not soon: a quarter;
 * - `silent` when it had no answer: one, and all silent ones together a quarter;
 * - `new` when none of its calls is over: one.
 *
 * All that are not prompt may take three quarters of the places together, and a key may take half of them. So one receiver takes none
 * from another, many that never answer take no more than a quarter, and however many addresses somebody makes up, some places
 * stay for those that answer soon.
 *
 * After five calls in a row without an answer a silent address *rests*: no call is made for a second. Then one is tried; if it has no
 * answer either, the next rest lasts twice as long, up to 30 s. Any answer ends the silence. A delivery whose transport names no
 * address may take any place: its transport knows one address only.
 */
export class Standings {
  readonly #shareOf: Readonly<Record<Standing, number>>;
  readonly #shareOfKey: number;
  readonly #shareOfSilent: number;
  /** Of all that are not prompt. */
  readonly #shareOfOthers: number;
  readonly #promptMsMax: number;
  readonly #mayRest: boolean;
  readonly #clock: Clock;
  /** Those that have answered. The one that did so last comes last. */
  readonly #answering = new Map<string, 'prompt' | 'slow'>();
  /** The one that was tried last comes last. */
  readonly #silent = new Map<string, Silence>();
  readonly #underWayOfFlow = new Tally();
  readonly #underWayOfKey = new Tally();
  readonly #underWay = { prompt: 0, slow: 0, new: 0, silent: 0 };
  #nextRestEnd = Number.POSITIVE_INFINITY;

  constructor({ concurrency, timeoutMs, retryBy }: Pick<Endpoint, 'concurrency' | 'timeoutMs' | 'retryBy'>, clock: Clock) {
    const share = (part: number) => Math.ceil(concurrency * part);
    const [half, quarter] = [share(1 / 2), share(1 / 4)];
    this.#shareOf = { prompt: half, slow: quarter, new: 1, silent: 1 };
    this.#shareOfKey = half;
    this.#shareOfSilent = quarter;
    this.#shareOfOthers = share(3 / 4);
    this.#promptMsMax = Math.max(timeoutMs / 10, Math.min(1_000, timeoutMs / 2));
    // Where the pipeline begins each attempt, it is for the pipeline to wait.
    this.#mayRest = retryBy === 'outbox';
    this.#clock = clock;
  }

  /** Whether a call may take a place, as far as its address and key are concerned. */
  mayBegin({ flow, key }: Pick<StoredDelivery, 'flow' | 'key'>): boolean {
    if (addressOf(flow) === undefined) return true;
    const standing = this.#standingOf(flow);
    if (this.#underWayOfKey.of(key) >= this.#shareOfKey || this.#underWayOfFlow.of(flow) >= this.#shareOf[standing]) return false;
    if (standing === 'prompt') return true;
    const { slow, new: unheard, silent } = this.#underWay;
    if (slow + unheard + silent >= this.#shareOfOthers) return false;
    return standing !== 'silent' || (silent < this.#shareOfSilent && !this.isResting(flow));
  }

  get someAreSilent(): boolean {
    return this.#silent.size > 0;
  }

  /** Whether no call to the address of a flow is to be made now: it rests, or the one that is tried after a rest is under way. */
  isResting(flow: string): boolean {
    const silence = this.#silent.get(flow);
    if (!this.#mayRest || silence === undefined || silence.calls < restAfter) return false;
    return silence.restsUntil > this.#clock.elapsedMs() || this.#underWayOfFlow.of(flow) > 0;
  }

  /** For how long the address of a flow that rests has given no answer, in milliseconds; undefined when it does not rest. */
  silentMsOf(flow: string): number | undefined {
    const silence = this.#silent.get(flow);
    return silence === undefined || !this.isResting(flow) ? undefined : this.#clock.elapsedMs() - silence.since;
  }

  reasonOf(flow: string): string | undefined {
    return this.#silent.get(flow)?.reason;
  }

  /** When the next rest ends, in elapsed time; infinite when there is none. */
  get nextRestEnd(): number {
    const now = this.#clock.elapsedMs();
    if (this.#nextRestEnd <= now) {
      this.#nextRestEnd = Number.POSITIVE_INFINITY;
      for (const { restsUntil } of this.#silent.values()) {
        if (restsUntil > now) this.#nextRestEnd = Math.min(this.#nextRestEnd, restsUntil);
      }
    }
    return this.#nextRestEnd;
  }

  /** How many addresses rest, and the ones that have been silent for longest, at most `limit`. */
  silent(limit: number): { readonly resting: number; readonly addresses: readonly SilentAddress[] } {
    const now = this.#clock.elapsedMs();
    const all = Array.from(this.#silent, ([flow, { since, reason }]) => {
      return { address: addressOf(flow) ?? flow, reason, silentMs: now - since, isResting: this.isResting(flow) };
    });
    const resting = all.filter(({ isResting }) => isResting);
    return { resting: resting.length, addresses: resting.toSorted((a, b) => b.silentMs - a.silentMs).slice(0, limit) };
  }

  begin({ flow, key }: Pick<StoredDelivery, 'flow' | 'key'>): Place {
    const standing = addressOf(flow) === undefined ? undefined : this.#standingOf(flow);
    if (standing !== undefined) {
      this.#underWayOfFlow.add(flow);
      this.#underWayOfKey.add(key);
      this.#underWay[standing] += 1;
    }
    return { flow, key, begunAt: this.#clock.elapsedMs(), standing };
  }

  end({ flow, key, standing }: Place): void {
    if (standing === undefined) return;
    this.#underWayOfFlow.take(flow);
    this.#underWayOfKey.take(key);
    this.#underWay[standing] -= 1;
  }

  /** Its address has answered. Returns whether it had rested. */
  answered({ flow, begunAt, standing }: Place): boolean {
    if (standing === undefined) return false;
    const hadRested = this.#mayRest && (this.#silent.get(flow)?.calls ?? 0) >= restAfter;
    this.#silent.delete(flow);
    this.#answering.delete(flow);
    this.#answering.set(flow, this.#clock.elapsedMs() - begunAt <= this.#promptMsMax ? 'prompt' : 'slow');
    forgetFirst(this.#answering);
    return hadRested;
  }

  /** Its address has not answered. Returns whether it rests from now on, and did not before. */
  unanswered({ flow, standing }: Place, reason: string): boolean {
    if (standing === undefined) return false;
    const now = this.#clock.elapsedMs();
    const silence = this.#silent.get(flow) ?? { since: now, calls: 0, reason, restMs: restMsMin / 2, restsUntil: 0 };
    silence.calls += 1;
    silence.reason = reason.slice(0, reasonLengthMax);
    this.#answering.delete(flow);
    this.#silent.delete(flow);
    this.#silent.set(flow, silence);
    forgetFirst(this.#silent);
    // Calls that were under way when the rest began say nothing new.
    if (this.#mayRest && silence.calls >= restAfter && silence.restsUntil <= now) {
      silence.restMs = Math.min(silence.restMs * 2, restMsMax);
      silence.restsUntil = now + silence.restMs;
      this.#nextRestEnd = Math.min(this.#nextRestEnd, silence.restsUntil);
    }
    return this.#mayRest && silence.calls === restAfter;
  }

  #standingOf(flow: string): Standing {
    return this.#silent.has(flow) ? 'silent' : (this.#answering.get(flow) ?? 'new');
  }
}

/** Keeps what is known bounded: the one that was heard of longest ago goes. */
function forgetFirst(known: Map<string, unknown>): void {
  const [first] = known.size > knownMax ? known.keys() : [];
  if (first !== undefined) known.delete(first);
}
