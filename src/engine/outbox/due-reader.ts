import type { StoredDelivery } from '../../store/store.ts';
import type { TenureContext } from '../engine-context.ts';
import { nameOf } from './delivery-attempts.ts';
import type { DeliveryTime } from './delivery-time.ts';
import { DuePages } from './due-pages.ts';
import type { EndpointGate } from './endpoint-gate.ts';
import { FlowRound, type FlowsSeen } from './flow-round.ts';
import type { Hand } from './hand.ts';
import { Unread } from './unread.ts';

/** The dependencies of a reader other than the context, provided by its queue. */
export interface DueReaderMeans {
  readonly name: string;
  readonly gate: EndpointGate;
  readonly time: DeliveryTime;
  readonly hand: Hand;
  /** Maximum waiting deliveries. */
  readonly windowMax: number;
  /** Maximum deliveries of one flow in hand. */
  readonly flowMax: number;
  /** True if somebody asks what a key has to do. */
  readonly isAskedAbout: boolean;
  /** Takes a due delivery in hand, unless its flow has enough in hand. Returns whether it did. */
  takeUp(delivery: StoredDelivery, name: string): boolean;
  /** Begins the calls that may begin. */
  begin(): void;
  /** Called when a look is over, or there is something to look for. */
  changed(): void;
}

/** Flows examined per store call. */
const flowsMax = 32;
/** Maximum flows with something new that are read by name; beyond that all are searched. */
const namedMax = 64;

/**
 * Finds the due deliveries of one endpoint in one partition: at the start, when a commit announces some, and when an alarm rings.
 *
 * It reads them **in order**, earliest first, while no flow is crowded. A flow is *crowded* when more of it is due than may be in hand.
 * Reading in order would then return more and more of the same flow, so it reads **by flow**: in rounds over all flows, taking the first
 * due deliveries of each, so that none stays hidden behind another. A round follows each ended call, after a pause that leaves the store
 * free for others; deliveries requested by commits are read at once. After a round without crowded flows it reads in order again.
 */
export class DueReader {
  readonly #context: TenureContext;
  readonly #means: DueReaderMeans;
  readonly #pages: DuePages;
  /** Written by a commit since the current look began, so what it reads of them is stale. */
  readonly #touched = new Set<string>();
  readonly #unread: Unread;
  #mayBeMore = true;
  /** True once the time of the deliveries is known from what is stored. */
  #hasTime = false;
  /** True once a look has reached the end of the due deliveries. */
  #hasReadAll = false;
  #isCrowded = false;
  /** Flows to read in addition to the round. */
  readonly #named = new Set<string>();
  #round: FlowRound | undefined;
  #isPausing = false;
  #looking: Promise<void> | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  #endPause: (() => void) | undefined;
  #isClosed = false;

  constructor(context: TenureContext, means: DueReaderMeans) {
    this.#context = context;
    this.#means = means;
    this.#unread = new Unread(means.isAskedAbout);
    this.#pages = new DuePages(context, means.name, means.hand);
  }

  /** True if it has found everything due and looks no further. */
  get isDone(): boolean {
    return this.#looking === undefined && !this.#mayBeMore && this.#named.size === 0;
  }

  get isLooking(): boolean {
    return this.#looking !== undefined;
  }

  /** True if a look would find something now. */
  get mayLook(): boolean {
    return this.#looking === undefined && ((this.#mayBeMore && !this.#isPausing) || this.#named.size > 0);
  }

  /** True if a commit has requested deliveries of flows that others would hide. */
  get hasNamed(): boolean {
    return this.#named.size > 0;
  }

  /** True if the payloads in hand are small enough to read others. */
  get hasRoom(): boolean {
    return !this.#pages.isFullOfTexts && !this.#pages.isFullOfAnswers;
  }

  get hasReadAll(): boolean {
    return this.#hasReadAll;
  }

  /** True if the store may have more due deliveries than are in hand. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** True if no delivery is known to be due, now or later. */
  get isEmpty(): boolean {
    return this.#hasReadAll && this.isDone && !this.#isCrowded && this.#alarmAt === Number.POSITIVE_INFINITY;
  }

  /** Returns whether a key has requested something that has not been read, other than put-off deliveries. */
  isUnread(key: string, isPutOff: (delivery: Pick<StoredDelivery, 'flow'>) => boolean): boolean {
    return this.#unread.has(key, isPutOff);
  }

  /** Notes that a commit has written it. */
  touch(name: string): void {
    if (this.#looking !== undefined) this.#touched.add(name);
  }

  /** Notes that a commit has requested it. */
  asked(name: string, delivery: StoredDelivery): void {
    this.#unread.add(name, delivery);
    this.#news(delivery.flow);
  }

  /** Notes that a delivery is no longer in hand. */
  dropped({ flow }: StoredDelivery): void {
    if (!this.#isCrowded) return;
    this.#news(flow);
    this.#mayBeMore = true;
  }

  /** Notes that another delivery, of any flow, may have come due. */
  another(): void {
    this.#mayBeMore = true;
  }

  /** Puts back waiting deliveries that may not begin, in favour of others that may. */
  putBack(mayNotBegin: (delivery: StoredDelivery) => boolean = () => true): void {
    const { hand } = this.#means;
    for (const delivery of hand.waitNoMore(mayNotBegin)) {
      hand.drop(nameOf(delivery));
      this.#unread.add(nameOf(delivery), delivery);
      this.#isCrowded = true;
    }
  }

  /** Notes that a slot has become free, or a rest is over. */
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
        if (!this.#isClosed) this.#context.failed(error);
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
    const { time } = this.#means;
    this.#disarm?.();
    this.#alarmAt = at;
    const ring = () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      time.reach(at);
      this.#mayBeMore = true;
      this.#means.changed();
    };
    this.#disarm = this.#context.engine.clock.alarm(at, ring, at - time.now());
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
    const { name, time, hand, windowMax } = this.#means;
    this.#mayBeMore = false;
    this.#named.clear();
    const now = time.now();
    const limit = windowMax + hand.size;
    const asked = this.#unread.names;
    const { due, isFull } = await this.#pages.inOrder(now, limit);
    if (this.#isClosed) return;
    const left = this.#take(due);
    if (left.size > 0 || isFull) this.#mayBeMore = true;
    if (!this.#hasTime && (await this.#isLater(now))) this.#mayBeMore = true;
    else this.#hasTime = true;
    // The next tenure may have made calls by now.
    if (this.#isClosed) return;
    if (!isFull) {
      this.#hasReadAll ||= this.#hasTime;
      // Those it did not find are not due.
      for (const one of asked) if (!this.#touched.has(one) && !left.has(one)) this.#unread.delete(one);
      this.#context.partition.deliveryAttempts.forget(name, hand.deliveries);
    }
    await this.#armNext(now);
  }

  async #readByFlow(): Promise<void> {
    const now = this.#means.time.now();
    for (const from of [...this.#named]) {
      // Those left are read once the waiting ones have gone.
      if (this.#pages.isFullOfTexts) return;
      this.#named.delete(from);
      await this.#readPage({ from, flows: 1, dueBy: now });
      if (this.#isClosed) return;
    }
    if (!this.#mayBeMore || this.#isPausing || this.#pages.isFullOfTexts || this.#means.hand.waiting >= this.#means.windowMax / 2) return;
    this.#mayBeMore = false;
    this.#round ??= new FlowRound();
    await this.#goRound(this.#round, now);
    if (!this.#isClosed) await this.#armNext(now);
  }

  /** Continues a round, up to its end or until the maximum number of deliveries wait. */
  async #goRound(round: FlowRound, now: number): Promise<void> {
    const { clock } = this.#context.engine;
    const { hand, gate, windowMax, begin } = this.#means;
    for (;;) {
      const from = clock.elapsedMs();
      const seen = await this.#readPage({ from: round.from, flows: flowsMax, dueBy: now });
      if (this.#isClosed) return;
      round.saw(seen, clock.elapsedMs() - from);
      begin();
      if (seen.next === null) return this.#endRound(round);
      if (hand.waiting < windowMax && this.hasRoom) continue;
      // All slots are taken and the next deliveries known. The round continues when they have gone, or once a commit has recorded the
      // finished ones.
      if (!gate.isOpen || this.#pages.isFullOfAnswers) {
        this.#mayBeMore = true;
        return;
      }
      // There are slots, but for none of these.
      round.left();
      this.putBack();
    }
  }

  #endRound({ crowded, isCrowded, pauseMs }: FlowRound): void {
    const { hand, windowMax, gate } = this.#means;
    gate.crowdedBy(this, crowded);
    this.#round = undefined;
    // With so many waiting, a look in order would put them back, a round would follow, and so on.
    if (!isCrowded && hand.waiting < windowMax / 2 && !this.#pages.isFullOfTexts) {
      this.#isCrowded = false;
      this.#mayBeMore = true;
    } else if (pauseMs > 0) this.#pause(pauseMs);
  }

  #pause(ms: number): void {
    this.#isPausing = true;
    this.#endPause = this.#context.engine.clock.after(ms, () => {
      this.#isPausing = false;
      this.#means.changed();
    });
  }

  async #readPage(page: { readonly from: string | null; readonly flows: number; readonly dueBy: number }): Promise<FlowsSeen> {
    const { deliveries, next, full, isCut } = await this.#pages.byFlow({ ...page, each: this.#means.flowMax });
    if (this.#isClosed) return { next, isCrowded: false, full: [] };
    return { next, isCrowded: this.#take(deliveries).size > 0 || full.length > 0 || isCut, full };
  }

  /** Takes up the deliveries read. Returns the names of those left in the store. */
  #take(deliveries: readonly StoredDelivery[]): ReadonlySet<string> {
    const left = new Set<string>();
    for (const delivery of deliveries) {
      const name = nameOf(delivery);
      if (this.#touched.has(name) || this.#means.takeUp(delivery, name)) continue;
      left.add(name);
      this.#unread.add(name, delivery);
    }
    if (left.size > 0) this.#isCrowded = true;
    return left;
  }

  async #armNext(now: number): Promise<void> {
    const next = await this.#pages.nextDue(now);
    if (next !== null) this.arm(next);
  }

  /**
   * The wall clock may have been set back since deliveries were stored, by this or another process. A moment in the future proves how late
   * it was when its pause began, so no delivery waits longer than its pause. Returns whether that makes the time later than `now`.
   */
  async #isLater(now: number): Promise<boolean> {
    const latest = await this.#pages.latestBeginning(now, () => this.#isClosed);
    this.#means.time.reach(latest);
    return latest > now;
  }
}
