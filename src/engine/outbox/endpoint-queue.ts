import type { Endpoint } from '../../pipeline/endpoint.ts';
import { addressOf } from '../../store/flow.ts';
import type { DeliveryName, DeliveryWrite, ListedDelivery, StoredDelivery } from '../../store/store.ts';
import type { TenureContext } from '../engine-context.ts';
import { Conclusions, type KeyParts } from './conclusions.ts';
import { nameOf } from './delivery-attempts.ts';
import type { DeliveryTime } from './delivery-time.ts';
import { DueReader } from './due-reader.ts';
import type { EndpointGate } from './endpoint-gate.ts';
import { Hand } from './hand.ts';

/** Due deliveries read from the store at once, unless more calls may be under way. */
const windowMin = 64;
/** Multiple of the window that may wait in all, while commits request deliveries of further flows. */
const windowsMax = 4;
/** Deliveries of one flow that may be in hand beyond those that may be under way, if no address has all slots. */
const flowMore = 16;
/** Minimum deliveries to one address in hand. */
const addressMin = 8;

/**
 * The deliveries of one endpoint in one partition. They stay in the store; memory knows which are due and wait for a free slot, which calls
 * are under way, and when the next one is due.
 */
export class EndpointQueue {
  readonly #context: TenureContext;
  readonly #endpoint: Endpoint;
  readonly #gate: EndpointGate;
  readonly #conclusions: Conclusions;
  readonly #time: DeliveryTime;
  readonly #windowMax: number;
  readonly #flowMax: number;
  readonly #hand = new Hand();
  readonly #reader: DueReader;
  /** Not in hand, and not to be taken in hand until a commit has decided their fate. */
  readonly #aside = new Set<string>();
  /** True if nothing begins any more. */
  #isResting = false;
  #isClosed = false;

  /** @param name the name of the endpoint, which the pipeline declares */
  constructor(context: TenureContext, keys: KeyParts, name: string) {
    const { pipeline, partition } = context;
    const endpoint = pipeline.declaration.deliver[name] as Endpoint;
    const gate = pipeline.gates.get(name) as EndpointGate;
    this.#context = context;
    this.#endpoint = endpoint;
    this.#gate = gate;
    this.#time = partition.deliveryAttempts.timeOf(name);
    this.#conclusions = new Conclusions(context, { ...keys, endpoint, time: this.#time });
    this.#windowMax = Math.max(windowMin, 2 * endpoint.concurrency);
    const { concurrency } = endpoint;
    this.#flowMax = endpoint.to.address === undefined ? concurrency + flowMore : Math.max(addressMin, concurrency);
    this.#reader = new DueReader(context, {
      name,
      gate,
      time: this.#time,
      hand: this.#hand,
      windowMax: this.#windowMax,
      flowMax: this.#flowMax,
      isAskedAbout: pipeline.declaration.schedule !== undefined,
      takeUp: (delivery, deliveryName) => this.#takeUp(delivery, deliveryName),
      begin: () => this.#begin(),
      changed: () => {
        this.pump();
        context.drafted();
      },
    });
  }

  /** True if nothing is under way and nothing can begin by itself now. */
  get isIdle(): boolean {
    const { size, waiting } = this.#hand;
    if (size > waiting) return false;
    if (this.#isClosed) return true;
    if (this.#reader.isLooking) return false;
    if (waiting > 0 && (this.#isResting || !this.#gate.isOpen)) return true;
    return this.#reader.isDone && !this.#hand.someWaits(this.#mayBegin);
  }

  /** Returns whether a key has nothing left to do now: everything it requested has an outcome or is put off. */
  isQuiet(key: string): boolean {
    // Work left by an earlier tenure is on disk only, until it has been read.
    if (this.#endpoint.retryBy === 'pipeline' && !this.#reader.hasReadAll) return false;
    if (this.#reader.isUnread(key, this.#isPutOff)) return false;
    for (const delivery of this.#hand.deliveries.values()) {
      if (delivery.key === key && !(this.#isPutOff(delivery) && this.#hand.isWaiting(delivery))) return false;
    }
    return true;
  }

  /** Notes that decisions about this endpoint's deliveries are on disk. */
  committed(write: DeliveryWrite): void {
    const delivery = 'delivery' in write ? write.delivery : write;
    const name = nameOf(delivery);
    if (!this.#reader.isLooking && this.#hand.size === 0 && this.#reader.isEmpty) this.#time.rest();
    this.#reader.touch(name);
    if ('delivery' in write) {
      this.#time.reach(write.delivery.askedAt);
      this.#putDown(name);
      this.#reader.asked(name, write.delivery);
    } else {
      const dropped = this.#hand.drop(name);
      if (dropped !== undefined) this.#reader.dropped(dropped);
      this.#context.partition.deliveryAttempts.recorded(delivery);
      this.#aside.delete(name);
    }
    if (write.write === 'retry') {
      // An operator has it sent now.
      if (write.dueAt !== null && write.dueAt <= this.#time.now()) this.#reader.another();
      else if (write.dueAt !== null) this.#reader.arm(write.dueAt);
    } else if (write.write === 'remove' && this.#endpoint.isOrdered) this.#reader.another();
  }

  /** Releases a cancelled key's deliveries that have not begun, since only the pipeline can restart them. */
  letGo(key: string): void {
    if (this.#endpoint.retryBy !== 'pipeline') return;
    for (const delivery of this.#hand.waitNoMore((waiting) => waiting.key === key)) this.#letGo(delivery);
  }

  /**
   * Prevents a delivery's call from beginning until a commit has changed or removed it. Returns false if its call is under way, or has
   * ended without a commit recording it, or if it is already set aside.
   */
  setAside(delivery: ListedDelivery): boolean {
    const name = nameOf(delivery);
    if (this.#aside.has(name) || this.#context.partition.deliveryAttempts.has(delivery)) return false;
    const inHand = this.#hand.deliveries.get(name);
    if (inHand === undefined) this.#aside.add(name);
    else return this.#hand.waitNoMore((waiting) => waiting === inHand).length > 0;
    return true;
  }

  /** Drafts that a delivery set aside is due now. */
  sendNow({ endpoint, key, id, attempts, dueAt }: ListedDelivery): void {
    const now = this.#time.now();
    const due = { dueAt: Math.min(dueAt ?? now, now), pauseMs: 0 };
    this.#context.draft().deliveries.push({ write: 'retry', endpoint, key, id, attempts, ...due });
  }

  /** Drafts that a delivery set aside is gone, and that its key is notified. */
  async withdraw(delivery: ListedDelivery, reason: string): Promise<void> {
    await this.#conclusions.prepare(delivery);
    if (!this.#isClosed) this.#conclusions.withdraw(delivery, reason);
  }

  rest(): void {
    this.#isResting = true;
  }

  close(): void {
    this.#isClosed = true;
    this.#reader.close();
  }

  /** Begins as many calls as possible, and ensures that this continues. */
  readonly pump = (): void => {
    if (this.#isClosed) return;
    this.#begin();
    // Also at rest: calls of an earlier tenure may have answers.
    if (!this.#reader.mayLook) return;
    if (!this.#hasRoom(this.#windowMax / 2) && this.#gate.isOpen && !this.#isResting) this.#reader.putBack();
    // Deliveries requested by a commit may wait in addition to a window of others.
    if (this.#hasRoom(this.#reader.hasNamed ? windowsMax * this.#windowMax : this.#windowMax / 2)) this.#reader.look();
  };

  /** Returns whether fewer deliveries than that wait in memory, and those in hand are small enough. */
  #hasRoom(waitingMax: number): boolean {
    return this.#hand.waiting < waitingMax && this.#reader.hasRoom;
  }

  readonly #mayBegin = (delivery: StoredDelivery): boolean => this.#gate.mayBegin(delivery);

  /** Returns whether a waiting delivery proceeds by itself later, like a retry, unless the pipeline must begin it. */
  readonly #isPutOff = ({ flow }: Pick<StoredDelivery, 'flow'>): boolean =>
    this.#isResting || (this.#endpoint.retryBy === 'outbox' && this.#gate.isPostponed(flow));

  /** Called when the gate, or a share of it, has opened. */
  readonly #opened = (): void => {
    if (this.#gate.someRest) this.#reader.putBack(({ flow }) => this.#gate.isResting(flow));
    this.#reader.freed();
    this.pump();
  };

  #begin(): void {
    if (this.#isResting || !this.#context.isHeld()) return;
    while (this.#hand.waiting > 0 && this.#gate.isOpen) {
      const next = this.#hand.next(this.#mayBegin);
      if (next === undefined) break;
      void this.#call(next);
    }
    if (this.#hand.waiting > 0 || this.#reader.isCrowded) this.#gate.whenOpen(this.#opened);
  }

  #takeUp(delivery: StoredDelivery, name: string): boolean {
    if (this.#hand.deliveries.has(name) || this.#aside.has(name)) return true;
    // The previous tenure has already made the call.
    const isCalled = this.#context.partition.deliveryAttempts.has(delivery);
    const hopeless = isCalled ? undefined : this.#whyHopeless(delivery);
    if (!isCalled && hopeless === undefined && !this.#hasRoomFor(delivery)) return false;
    this.#hand.take(name, delivery);
    this.#reader.taken(name);
    if (isCalled) void this.#call(delivery);
    else if (hopeless !== undefined) void this.#conclude(delivery, () => this.#conclusions.giveUp(delivery, hopeless));
    else this.#wait(delivery);
    return true;
  }

  #whyHopeless({ flow, askedAt }: StoredDelivery): string | undefined {
    return this.#isResting ? undefined : this.#gate.whyHopeless(flow, this.#time.now() - askedAt);
  }

  #hasRoomFor(delivery: StoredDelivery): boolean {
    const { flow, key } = delivery;
    if (this.#isCancelled(delivery)) return true;
    if (this.#hand.ofFlow(flow) >= this.#flowMax) return false;
    return addressOf(flow) === undefined || (this.#hand.ofKey(key) < this.#flowMax && !this.#gate.isResting(flow));
  }

  #isCancelled({ key }: StoredDelivery): boolean {
    return this.#endpoint.retryBy === 'pipeline' && this.#context.partition.deliveryAttempts.isCancelled(key);
  }

  #wait(delivery: StoredDelivery): void {
    if (this.#isCancelled(delivery)) this.#letGo(delivery);
    else this.#hand.wait(delivery);
  }

  /** Only the pipeline can restart it. */
  #letGo({ endpoint, key, id, attempts }: StoredDelivery): void {
    this.#context.draft().deliveries.push({ write: 'retry', endpoint, key, id, attempts, dueAt: null, pauseMs: 0 });
    this.#context.drafted();
  }

  /** A waiting delivery was requested anew: it is read again. */
  #putDown(name: string): void {
    const delivery = this.#hand.deliveries.get(name);
    if (delivery === undefined) return;
    if (this.#hand.waitNoMore((waiting) => waiting === delivery).length > 0) this.#hand.drop(name);
  }

  async #call(delivery: StoredDelivery): Promise<void> {
    const answer = await this.#context.partition.deliveryAttempts.make(delivery, this.#endpoint, this.#gate);
    if (this.#isClosed) return;
    if (answer.result === 'postponed') {
      const { reason, retryAfterMs } = answer;
      this.#context.engine.log.debug({ ...logged(delivery), reason, retryAfterMs }, 'delivery postponed');
      this.#wait(delivery);
      this.pump();
      this.#context.drafted();
    } else await this.#conclude(delivery, () => this.#conclusions.draft(delivery, answer));
  }

  /** Drafts the fate of a delivery, once its key is in memory if it will be notified. */
  async #conclude(delivery: StoredDelivery, draft: () => void): Promise<void> {
    this.#hand.end(nameOf(delivery));
    try {
      await this.#conclusions.prepare(delivery);
    } catch (error) {
      if (!this.#isClosed) this.#context.failed(error);
    }
    if (this.#isClosed) return;
    draft();
    this.#context.drafted();
  }
}

function logged({ endpoint, key, id }: DeliveryName): object {
  return { endpoint, key, delivery: id };
}
