import type { Endpoint } from '../../pipeline/endpoint.ts';
import { isFullList, sizeOfAll, sizeOfDelivery } from '../../store/list-size.ts';
import type { PartitionId, Store, StoredDelivery } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import type { Memory } from '../memory.ts';
import { type Calls, nameOf } from './calls.ts';
import type { DeliveryTime } from './delivery-time.ts';
import type { EndpointGate } from './endpoint-gate.ts';
import type { Hand } from './hand.ts';
import { retryAfterMsMax } from './kept-answer.ts';

/** What a reader works with; its queue provides it. */
export interface DueReaderMeans {
  readonly store: Store;
  readonly partition: PartitionId;
  readonly clock: Clock;
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly gate: EndpointGate;
  readonly time: DeliveryTime;
  readonly calls: Calls;
  readonly hand: Hand;
  readonly memory: Pick<Memory, 'readMax'>;
  /** Deliveries that wait, at most. */
  readonly windowMax: number;
  /** Deliveries of one flow in hand, at most. */
  readonly flowMax: number;
  /** Whether somebody asks what a key has to do. */
  readonly isAskedAbout: boolean;
  /** Takes a due delivery in hand, unless its flow has enough in hand. Returns whether it is. */
  takeUp(delivery: StoredDelivery, name: string): boolean;
  /** Begins the calls that may begin. */
  begin(): void;
  /** A look is over, or there is something to look for. */
  changed(): void;
  failed(error: unknown): void;
}

/** Flows that are looked at with one call of the store. */
const flowsMax = 32;
/** Flows with something new that are read by name; beyond that all are looked through. */
const namedMax = 64;
/** A round is followed by a pause that is so many times as long, up to a second. */
const pauseFactor = 10;
const pauseMsMax = 1_000;

/** A look through all flows. */
interface Round {
  /** The flow to go on from. */
  from: string | null;
  /** Flows of which more is due than is in hand. */
  readonly crowded: Set<string>;
  /** Some that were read had to be left. */
  isCrowded: boolean;
  /** How long the store took, in elapsed milliseconds. */
  tookMs: number;
}

/**
 * Finds the deliveries of one endpoint in one partition that are due: at the start, when a commit says so, and when an alarm rings.
 *
 * It reads them **in order**, those due first in front, as long as no flow is crowded. A flow is *crowded* when more is due of it than
 * may be in hand. What is due first would then be more and more of the same, so it reads **by flow**: all flows, each with the first
 * of what is due of it, in rounds, so that none stays hidden behind another. A round follows each call that has ended, after a
 * pause that keeps the store free for others; what commits have asked for is read at once. After a round that finds no crowded flow
 * it reads in order again.
 */
export class DueReader {
  readonly #means: DueReaderMeans;
  /** Written by a commit since the present look began: what it reads of them is old. */
  readonly #touched = new Set<string>();
  /** Asked for by a commit, or read without being taken in hand. Only kept where somebody asks what a key has to do. */
  readonly #unread = new Map<string, Pick<StoredDelivery, 'key' | 'flow'>>();
  #mayBeMore = true;
  /** Whether a look has come to the end of what is due. */
  #hasReadAll = false;
  #isCrowded = false;
  /** Flows to read beside the round. */
  readonly #named = new Set<string>();
  #round: Round | undefined;
  #isPausing = false;
  #looking: Promise<void> | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  #endPause: (() => void) | undefined;
  #isClosed = false;

  constructor(means: DueReaderMeans) {
    this.#means = means;
  }

  /** Whether it has found all that is due, and looks for no more. */
  get isDone(): boolean {
    return this.#looking === undefined && !this.#mayBeMore && this.#named.size === 0;
  }

  get isLooking(): boolean {
    return this.#looking !== undefined;
  }

  /** Whether a look would find something now. */
  get mayLook(): boolean {
    return this.#looking === undefined && ((this.#mayBeMore && !this.#isPausing) || this.#named.size > 0);
  }

  /** Whether a commit has asked for deliveries of flows that others would hide. */
  get hasNamed(): boolean {
    return this.#named.size > 0;
  }

  get hasReadAll(): boolean {
    return this.#hasReadAll;
  }

  /** Whether more may be due in the store than is in hand. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** Whether none is known to be due, now or later. */
  get isEmpty(): boolean {
    return this.#hasReadAll && this.isDone && !this.#isCrowded && this.#alarmAt === Number.POSITIVE_INFINITY;
  }

  /** Whether a key has asked for something that has not been read, other than what is put off. */
  isUnread(key: string, isPutOff: (delivery: Pick<StoredDelivery, 'flow'>) => boolean): boolean {
    for (const unread of this.#unread.values()) if (unread.key === key && !isPutOff(unread)) return true;
    return false;
  }

  /** A commit has written it. */
  touch(name: string): void {
    if (this.#looking !== undefined) this.#touched.add(name);
  }

  /** A commit has asked for it. */
  asked(name: string, delivery: StoredDelivery): void {
    if (this.#means.isAskedAbout) this.#unread.set(name, delivery);
    this.#news(delivery.flow);
  }

  /** One is in hand no more. */
  dropped({ flow }: StoredDelivery): void {
    if (!this.#isCrowded) return;
    this.#news(flow);
    this.#mayBeMore = true;
  }

  /** Another may have come due, of any flow. */
  another(): void {
    this.#mayBeMore = true;
  }

  /** Puts those back that wait and may not begin, for others that may. */
  putBack(mayNotBegin: (delivery: StoredDelivery) => boolean = () => true): void {
    const { hand } = this.#means;
    for (const delivery of hand.waitNoMore(mayNotBegin)) {
      hand.drop(nameOf(delivery));
      this.#leave(nameOf(delivery), delivery);
      this.#isCrowded = true;
    }
  }

  /** A place has become free, or a rest is over. */
  freed(): void {
    if (this.#isCrowded) this.#mayBeMore = true;
  }

  taken(name: string): void {
    this.#unread.delete(name);
  }

  look(): void {
    if (!this.mayLook) return;
    this.#looking = (this.#isCrowded ? this.#readByFlow() : this.#readInOrder())
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#means.failed(error);
      })
      .finally(() => {
        this.#looking = undefined;
        this.#touched.clear();
        this.#means.changed();
      });
  }

  /** Looks again at a moment. */
  arm(at: number): void {
    if (this.#isClosed || at >= this.#alarmAt) return;
    const { clock, time, endpoint } = this.#means;
    this.#disarm?.();
    this.#alarmAt = at;
    const ring = () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      time.reach(at);
      this.#mayBeMore = true;
      this.#means.changed();
    };
    // No pause is longer: what lies farther ahead was stored by a clock that has been set back since.
    const pauseMsMax = Math.max(endpoint.retry.backoffMsMax, retryAfterMsMax);
    this.#disarm = clock.alarm(at, ring, Math.min(at - time.now(), pauseMsMax));
  }

  close(): void {
    this.#isClosed = true;
    this.#means.gate.crowdedBy(this, []);
    this.#disarm?.();
    this.#endPause?.();
  }

  #news(flow: string): void {
    if (this.#isCrowded && this.#named.size < namedMax) this.#named.add(flow);
    else this.#mayBeMore = true;
  }

  async #readInOrder(): Promise<void> {
    const { store, partition, name, time, hand, calls, windowMax } = this.#means;
    const charactersMax = this.#sizeMax;
    this.#mayBeMore = false;
    this.#named.clear();
    const now = time.now();
    const limit = windowMax + hand.size;
    const asked = Array.from(this.#unread.keys());
    const due = await store.dueDeliveries(partition, name, now, limit, { charactersMax });
    if (this.#isClosed) return;
    const left = this.#take(due);
    const isFull = isFullList(due, sizeOfDelivery, { limit, sizeMax: charactersMax });
    if (left.size > 0 || isFull) this.#mayBeMore = true;
    if (!isFull) {
      if (!this.#hasReadAll) this.#hasReadAll = !(await this.#isLater(now, due));
      // The next tenure may have made calls by now.
      if (this.#isClosed) return;
      // Those that it did not find are not due.
      for (const one of asked) if (!this.#touched.has(one) && !left.has(one)) this.#unread.delete(one);
      calls.forget(name, hand.deliveries);
    }
    await this.#armNext(now);
  }

  async #readByFlow(): Promise<void> {
    const now = this.#means.time.now();
    for (const from of [...this.#named]) {
      // Those that are left are read once those that wait have gone.
      if (this.#isFullOfTexts) return;
      this.#named.delete(from);
      await this.#readPage({ from, flows: 1, dueBy: now });
      if (this.#isClosed) return;
    }
    if (!this.#mayBeMore || this.#isPausing || this.#isFullOfTexts || this.#means.hand.waiting >= this.#means.windowMax / 2) return;
    this.#mayBeMore = false;
    this.#round ??= { from: null, crowded: new Set(), isCrowded: false, tookMs: 0 };
    await this.#goRound(this.#round, now);
    if (!this.#isClosed) await this.#armNext(now);
  }

  /** Goes on with a round, up to its end or until as many wait as may. */
  async #goRound(round: Round, now: number): Promise<void> {
    const { clock, hand, gate, windowMax, begin } = this.#means;
    for (;;) {
      const from = clock.elapsedMs();
      const { next, isCrowded, full } = await this.#readPage({ from: round.from, flows: flowsMax, dueBy: now });
      if (this.#isClosed) return;
      round.tookMs += clock.elapsedMs() - from;
      round.from = next;
      round.isCrowded ||= isCrowded;
      for (const flow of full) if (round.crowded.size < namedMax) round.crowded.add(flow);
      begin();
      if (next === null) return this.#endRound(round);
      if (hand.waiting < windowMax && !this.#isFullOfTexts) continue;
      // Places are taken: who comes next is known. The round goes on when they have gone.
      if (!gate.isOpen) {
        this.#mayBeMore = true;
        return;
      }
      // There are places, but not for any of these.
      round.isCrowded = true;
      this.putBack();
    }
  }

  #endRound({ crowded, isCrowded, tookMs }: Round): void {
    const { hand, windowMax, gate } = this.#means;
    gate.crowdedBy(this, [...crowded]);
    this.#round = undefined;
    // With so many that wait, a look in order would put them back, and a round follow it, and so on.
    if (!isCrowded && hand.waiting < windowMax / 2 && !this.#isFullOfTexts) {
      this.#isCrowded = false;
      this.#mayBeMore = true;
    } else if (tookMs > 0) this.#pause(Math.min(tookMs * pauseFactor, pauseMsMax));
  }

  #pause(ms: number): void {
    this.#isPausing = true;
    this.#endPause = this.#means.clock.after(ms, () => {
      this.#isPausing = false;
      this.#means.changed();
    });
  }

  async #readPage(page: { readonly from: string | null; readonly flows: number; readonly dueBy: number }) {
    const { store, partition, name: endpoint, flowMax: each } = this.#means;
    const charactersMax = this.#sizeMax;
    const { deliveries, next } = await store.dueByFlow(partition, { endpoint, ...page, each, charactersMax });
    if (this.#isClosed) return { next, isCrowded: false, full: [] };
    const flows = Array.from(Map.groupBy(deliveries, ({ flow }) => flow));
    const full = flows.filter(([, { length }]) => length === each).map(([flow]) => flow);
    // Then more may be due of the last flow.
    const isCut = isFullList(deliveries, sizeOfDelivery, { sizeMax: charactersMax });
    return { next, isCrowded: this.#take(deliveries).size > 0 || full.length > 0 || isCut, full };
  }

  /** UTF-16 units of the payloads of one read: those in hand may be among them, and as much as may be read at once comes on top. */
  get #sizeMax(): number {
    const { hand, memory } = this.#means;
    return memory.readMax + hand.sizeOfAll;
  }

  /** Whether the payloads that wait are as large as they may be together. */
  get #isFullOfTexts(): boolean {
    const { hand, memory } = this.#means;
    return hand.sizeOfWaiting >= memory.readMax;
  }

  /** Takes up what was read. Returns the names of what was left in the store. */
  #take(deliveries: readonly StoredDelivery[]): ReadonlySet<string> {
    const left = new Set<string>();
    for (const delivery of deliveries) {
      const name = nameOf(delivery);
      if (this.#touched.has(name) || this.#means.takeUp(delivery, name)) continue;
      left.add(name);
      this.#leave(name, delivery);
    }
    if (left.size > 0) this.#isCrowded = true;
    return left;
  }

  #leave(name: string, delivery: StoredDelivery): void {
    if (this.#means.isAskedAbout) this.#unread.set(name, delivery);
  }

  async #armNext(now: number): Promise<void> {
    const { store, partition, name } = this.#means;
    const next = await store.nextDeliveryDue(partition, name, now);
    if (next !== null) this.arm(next);
  }

  /**
   * The wall clock may have been set back since deliveries were stored. One that was asked for later than now proves that it is
   * later, and how much at least.
   */
  async #isLater(now: number, due: readonly StoredDelivery[]): Promise<boolean> {
    const { store, partition, name, time, windowMax, memory } = this.#means;
    const charactersMax = memory.readMax + sizeOfAll(due, sizeOfDelivery);
    const stored = await store.dueDeliveries(partition, name, Number.MAX_SAFE_INTEGER, due.length + windowMax, { charactersMax });
    const latest = Math.max(now, ...stored.map(({ attempts, dueAt, askedAt }) => (attempts === 0 ? (dueAt ?? askedAt) : askedAt)));
    if (latest === now) return false;
    time.reach(latest);
    this.#mayBeMore = true;
    return true;
  }
}
