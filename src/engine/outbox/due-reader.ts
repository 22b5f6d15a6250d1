import type { StoredDelivery } from '../../store/store.ts';
import type { TenureContext } from '../engine-context.ts';
import { nameOf } from './delivery-attempts.ts';
import type { DeliveryTime } from './delivery-time.ts';
import { DuePages } from './due-pages.ts';
import type { EndpointGate } from './endpoint-gate.ts';
import { FlowRound, type FlowsSeen } from './flow-round.ts';
import type { Hand } from './hand.ts';
import { Unread } from './unread.ts';

/** What a reader works with beside the context; its queue provides it. */
export interface DueReaderMeans {
  readonly name: string;
  readonly gate: EndpointGate;
  readonly time: DeliveryTime;
  readonly hand: Hand;
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
}

/** Flows that are looked at with one call of the store. */
const flowsMax = 32;
/** Flows with something new that are read by name; beyond that all are looked through. */
const namedMax = 64;

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
  readonly #context: TenureContext;
  readonly #means: DueReaderMeans;
  readonly #pages: DuePages;
  /** Written by a commit since the present look began: what it reads of them is old. */
  readonly #touched = new Set<string>();
  readonly #unread: Unread;
  #mayBeMore = true;
  /** Whether the time of the deliveries is known from what is stored of them. */
  #hasTime = false;
  /** Whether a look has come to the end of what is due. */
  #hasReadAll = false;
  #isCrowded = false;
  /** Flows to read beside the round. */
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

  /** Whether the payloads in hand are small enough for others to be read. */
  get hasRoom(): boolean {
    return !this.#pages.isFullOfTexts && !this.#pages.isFullOfAnswers;
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
    return this.#unread.has(key, isPutOff);
  }

  /** A commit has written it. */
  touch(name: string): void {
    if (this.#looking !== undefined) this.#touched.add(name);
  }

  /** A commit has asked for it. */
  asked(name: string, delivery: StoredDelivery): void {
    this.#unread.add(name, delivery);
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
      this.#unread.add(nameOf(delivery), delivery);
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
      // Those that it did not find are not due.
      for (const one of asked) if (!this.#touched.has(one) && !left.has(one)) this.#unread.delete(one);
      this.#context.partition.deliveryAttempts.forget(name, hand.deliveries);
    }
    await this.#armNext(now);
  }

  async #readByFlow(): Promise<void> {
    const now = this.#means.time.now();
    for (const from of [...this.#named]) {
      // Those that are left are read once those that wait have gone.
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

  /** Goes on with a round, up to its end or until as many wait as may. */
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
      // Places are taken: who comes next is known. The round goes on when they have gone, or once a commit has recorded those that have.
      if (!gate.isOpen || this.#pages.isFullOfAnswers) {
        this.#mayBeMore = true;
        return;
      }
      // There are places, but not for any of these.
      round.left();
      this.putBack();
    }
  }

  #endRound({ crowded, isCrowded, pauseMs }: FlowRound): void {
    const { hand, windowMax, gate } = this.#means;
    gate.crowdedBy(this, crowded);
    this.#round = undefined;
    // With so many that wait, a look in order would put them back, and a round follow it, and so on.
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

  /** Takes up what was read. Returns the names of what was left in the store. */
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
   * The wall clock may have been set back since deliveries were stored, by this process or another. A moment that lies ahead proves that it
   * was so much earlier when its pause began, so no delivery waits longer than its pause. Returns whether it is later than `now` by that.
   */
  async #isLater(now: number): Promise<boolean> {
    const latest = await this.#pages.latestBeginning(now, () => this.#isClosed);
    this.#means.time.reach(latest);
    return latest > now;
  }
}
