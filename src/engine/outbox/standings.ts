import type { Endpoint } from '../../pipeline/endpoint.ts';
import { addressOf } from '../../store/flow.ts';
import type { StoredDelivery } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import { Tally } from './tally.ts';

/** Consecutive unanswered calls after which an address rests. */
const restAfter = 5;
/** The first rest of an address. It doubles with every failed trial call. In milliseconds. */
const restMsMin = 1_000;
const restMsMax = 30_000;
/** Maximum addresses whose behaviour is remembered, even if somebody keeps inventing addresses. */
const knownMax = 10_000;
/** Maximum characters kept of why an address does not answer. */
const reasonLengthMax = 200;

/** The record of an address that does not answer. */
interface Silence {
  /** The start of the silence, in elapsed time. */
  readonly since: number;
  /** Consecutive unanswered calls. */
  calls: number;
  reason: string;
  restMs: number;
  /** In elapsed time. */
  restsUntil: number;
}

type Standing = 'prompt' | 'slow' | 'new' | 'silent';

/** A slot taken by a call. */
export interface Place {
  readonly flow: string;
  readonly key: string;
  /** In elapsed time. */
  readonly begunAt: number;
  /** The standing of its address at that time; undefined if the transport names no address. */
  readonly standing: Standing | undefined;
}

/** An unresponsive address, for operators. */
export interface SilentAddress {
  readonly address: string;
  readonly reason: string;
  /** Time without an answer, in milliseconds. */
  readonly silentMs: number;
  /** True if no call is made now. */
  readonly isResting: boolean;
}

/**
 * The standings of one endpoint's addresses, and the share of its slots that each may take. An address is:
 *
 * - `prompt` when its last call was answered quickly: it may take half of the slots;
 * - `slow` when it was answered, but not quickly: a quarter;
 * - `silent` when it was not answered: one slot, and all silent ones together a quarter;
 * - `new` when none of its calls is over: one slot.
 *
 * All addresses that are not prompt may together take three quarters of the slots, and a key may take half of them. So receivers do not
 * starve each other, those that never answer take at most a quarter, and however many addresses somebody invents, some slots remain for
 * prompt ones.
 *
 * After five consecutive unanswered calls a silent address *rests*: no call is made for a second. Then one is tried; if it is not answered
 * either, the next rest lasts twice as long, up to 30 s. Any answer ends the silence. A delivery whose transport names no address may take
 * any slot: its transport has only one address.
 */
export class Standings {
  readonly #shareOf: Readonly<Record<Standing, number>>;
  readonly #shareOfKey: number;
  readonly #shareOfSilent: number;
  /** The share of all that are not prompt. */
  readonly #shareOfOthers: number;
  readonly #promptMsMax: number;
  readonly #mayRest: boolean;
  readonly #clock: Clock;
  /** Addresses that have answered, the most recent last. */
  readonly #answering = new Map<string, 'prompt' | 'slow'>();
  /** Silent addresses, the most recently tried last. */
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
    // If the pipeline begins each attempt, waiting is up to the pipeline.
    this.#mayRest = retryBy === 'outbox';
    this.#clock = clock;
  }

  /** Returns whether a call's address and key may take a slot. */
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

  /** Returns whether no call to the flow's address may be made now: it rests, or its trial call is under way. */
  isResting(flow: string): boolean {
    const silence = this.#silent.get(flow);
    if (!this.#mayRest || silence === undefined || silence.calls < restAfter) return false;
    return silence.restsUntil > this.#clock.elapsedMs() || this.#underWayOfFlow.of(flow) > 0;
  }

  /** Returns how long the flow's resting address has not answered, in milliseconds; undefined if it does not rest. */
  silentMsOf(flow: string): number | undefined {
    const silence = this.#silent.get(flow);
    return silence === undefined || !this.isResting(flow) ? undefined : this.#clock.elapsedMs() - silence.since;
  }

  reasonOf(flow: string): string | undefined {
    return this.#silent.get(flow)?.reason;
  }

  /** The end of the next rest, in elapsed time; infinite if there is none. */
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

  /** Returns how many addresses rest, and those silent for longest, at most `limit`. */
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

  /** Notes that its address has answered. Returns whether it had rested. */
  answered({ flow, begunAt, standing }: Place): boolean {
    if (standing === undefined) return false;
    const hadRested = this.#mayRest && (this.#silent.get(flow)?.calls ?? 0) >= restAfter;
    this.#silent.delete(flow);
    this.#answering.delete(flow);
    this.#answering.set(flow, this.#clock.elapsedMs() - begunAt <= this.#promptMsMax ? 'prompt' : 'slow');
    forgetFirst(this.#answering);
    return hadRested;
  }

  /** Notes that its address has not answered. Returns whether that begins a rest. */
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
    // Calls already under way when the rest began say nothing new.
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

/** Limits what is remembered: drops the entry updated longest ago. */
function forgetFirst(known: Map<string, unknown>): void {
  const [first] = known.size > knownMax ? known.keys() : [];
  if (first !== undefined) known.delete(first);
}
