import type { Endpoint } from '../../pipeline/endpoint.ts';
import { isFullList, sizeOfDelivery } from '../../store/list-size.ts';
import type { DeliveryName, DeliveryWrite, PartitionId, Store, StoredDelivery } from '../../store/store.ts';
import type { Memory } from '../memory.ts';
import { type Calls, nameOf } from './calls.ts';
import { Conclusions, type ConclusionsMeans } from './conclusions.ts';
import type { DeliveryTime } from './delivery-time.ts';
import type { EndpointGate } from './endpoint-gate.ts';
import { retryAfterMsMax } from './kept-answer.ts';

/** What the queues of an outbox work with; their tenure provides it. */
export interface EndpointQueueMeans extends ConclusionsMeans {
  readonly store: Store;
  readonly memory: Pick<Memory, 'readMax'>;
  readonly partition: PartitionId;
  readonly calls: Calls;
  /** Something was drafted, or nothing is left to do. */
  drafted(): void;
  failed(error: unknown): void;
}

/** Due deliveries that are read from the store at once, if no more calls than that may be under way. */
const windowMin = 64;

/**
 * The deliveries of one endpoint in one partition. They stay in the store; memory knows which are due and wait for a free
 * place, which calls are under way, and when the next is due. A delivery is in *hand* from when it is read until a commit has
 * said what became of it, so it is never called twice. Of those in hand some *wait*: their call has not begun.
 */
export class EndpointQueue {
  readonly #means: EndpointQueueMeans;
  readonly #name: string;
  readonly #endpoint: Endpoint;
  readonly #gate: EndpointGate;
  readonly #conclusions: Conclusions;
  readonly #time: DeliveryTime;
  readonly #windowMax: number;
  readonly #inHand = new Map<string, StoredDelivery>();
  #waiting: StoredDelivery[] = [];
  /** Written by a commit since the present look began: what it reads of them is old. */
  readonly #touched = new Set<string>();
  /** Asked for by a commit and not looked for yet, and by which key. Only kept where somebody asks what a key has to do. */
  readonly #unread = new Map<string, string>();
  #mayBeMore = true;
  /** Whether a look has come to the end of what is due. */
  #hasReadAll = false;
  #looking: Promise<void> | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  /** Nothing begins any more. */
  #isResting = false;
  #isClosed = false;

  constructor(means: EndpointQueueMeans, name: string, endpoint: Endpoint, gate: EndpointGate) {
    this.#means = means;
    this.#name = name;
    this.#endpoint = endpoint;
    this.#gate = gate;
    this.#time = means.calls.timeOf(name);
    this.#conclusions = new Conclusions(means, endpoint, this.#time);
    this.#windowMax = Math.max(windowMin, 2 * endpoint.concurrency);
  }

  /** Whether nothing is under way and nothing can begin by itself now. */
  get isIdle(): boolean {
    if (this.#inHand.size > this.#waiting.length) return false;
    if (this.#isClosed) return true;
    if (this.#looking !== undefined) return false;
    return this.#waiting.length === 0 ? !this.#mayBeMore : this.#isResting || !this.#gate.isOpen;
  }

  /** Whether nothing is left to do for a key now: all it asked for has an outcome or is put off. */
  isQuiet(key: string): boolean {
    // What its transport has put off goes on by itself later, like a retry, unless it is for the pipeline to begin.
    const isPutOff = this.#isResting || (this.#endpoint.retryBy === 'outbox' && this.#gate.isPostponed);
    // What an earlier tenure left is on disk only, until it has been read.
    if (this.#endpoint.retryBy === 'pipeline' && !this.#hasReadAll) return false;
    if (!isPutOff) for (const asking of this.#unread.values()) if (asking === key) return false;
    const waiting = new Set(isPutOff ? this.#waiting : []);
    for (const delivery of this.#inHand.values()) if (delivery.key === key && !waiting.has(delivery)) return false;
    return true;
  }

  /** What was decided about deliveries of this endpoint is on disk. */
  committed(write: DeliveryWrite): void {
    const delivery = 'delivery' in write ? write.delivery : write;
    const name = nameOf(delivery);
    if (this.#looking !== undefined) this.#touched.add(name);
    else if (this.#isEmpty) this.#time.rest();
    if ('delivery' in write) {
      this.#time.reach(write.delivery.askedAt);
      this.#putDown(name);
      if (this.#means.pipeline.schedule !== undefined) this.#unread.set(name, delivery.key);
    } else {
      this.#inHand.delete(name);
      this.#means.calls.recorded(delivery);
    }
    if (write.write === 'retry') {
      if (write.dueAt !== null) this.#arm(write.dueAt);
    } else if (write.write !== 'remove' || this.#endpoint.isOrdered) this.#mayBeMore = true;
  }

  /** Whether no delivery is in hand and none is known to come due. */
  get #isEmpty(): boolean {
    return this.#hasReadAll && !this.#mayBeMore && this.#inHand.size === 0 && this.#alarmAt === Number.POSITIVE_INFINITY;
  }

  /** Lets go of what a cancelled key has not begun, as long as only the pipeline can start it again. */
  letGo(key: string): void {
    if (this.#endpoint.retryBy !== 'pipeline') return;
    for (const delivery of this.#waiting) if (delivery.key === key) this.#letGo(delivery);
    this.#waiting = this.#waiting.filter((delivery) => delivery.key !== key);
  }

  rest(): void {
    this.#isResting = true;
  }

  close(): void {
    this.#isClosed = true;
    this.#disarm?.();
  }

  /** Begins as many calls as may begin, then sees to it that this goes on. */
  readonly pump = (): void => {
    if (this.#isClosed) return;
    if (!this.#isResting) {
      while (this.#waiting.length > 0 && this.#gate.isOpen) void this.#call(this.#waiting.shift() as StoredDelivery);
      if (this.#waiting.length > 0) this.#gate.whenOpen(this.pump);
    }
    // At rest too: there may be answers of calls that an earlier tenure made.
    if (this.#mayBeMore && this.#hasRoom) this.#look();
  };

  /** Whether few enough deliveries wait in memory, and small enough ones. */
  get #hasRoom(): boolean {
    return this.#waiting.length < this.#windowMax / 2 && sizeOf(this.#waiting) < this.#means.memory.readMax;
  }

  #look(): void {
    if (this.#looking !== undefined) return;
    this.#mayBeMore = false;
    this.#looking = this.#takeDue()
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#means.failed(error);
      })
      .finally(() => {
        this.#looking = undefined;
        this.#touched.clear();
        this.pump();
        this.#means.drafted();
      });
  }

  async #takeDue(): Promise<void> {
    const { store, partition, calls, memory } = this.#means;
    const now = this.#time.now();
    const limit = this.#windowMax + this.#inHand.size;
    const asked = Array.from(this.#unread.keys());
    const sizeMax = memory.readMax + sizeOf(this.#inHand.values());
    const due = await store.dueDeliveries(partition, this.#name, now, limit, sizeMax);
    if (this.#isClosed) return;
    for (const delivery of due) this.#takeUp(delivery);
    if (isFullList(due, sizeOfDelivery, { limit, sizeMax })) this.#mayBeMore = true;
    else {
      if (!this.#hasReadAll) this.#hasReadAll = !(await this.#isLater(now, due));
      // The next tenure may have made calls by now.
      if (this.#isClosed) return;
      // Those that it did not find are not due.
      for (const name of asked) if (!this.#touched.has(name)) this.#unread.delete(name);
      calls.forget(this.#name, this.#inHand);
    }
    const next = await store.nextDeliveryDue(partition, this.#name, now);
    if (next !== null) this.#arm(next);
  }

  /**
   * The wall clock may have been set back since deliveries were stored. One that was asked for later than now proves that it is
   * later, and how much at least.
   */
  async #isLater(now: number, due: readonly StoredDelivery[]): Promise<boolean> {
    const { store, partition, memory } = this.#means;
    const sizeMax = memory.readMax + sizeOf(due);
    const stored = await store.dueDeliveries(partition, this.#name, Number.MAX_SAFE_INTEGER, due.length + this.#windowMax, sizeMax);
    const latest = Math.max(now, ...stored.map(({ attempts, dueAt, askedAt }) => (attempts === 0 ? (dueAt ?? askedAt) : askedAt)));
    if (latest === now) return false;
    this.#time.reach(latest);
    this.#mayBeMore = true;
    return true;
  }

  #takeUp(delivery: StoredDelivery): void {
    const name = nameOf(delivery);
    if (this.#inHand.has(name) || this.#touched.has(name)) return;
    this.#inHand.set(name, delivery);
    this.#unread.delete(name);
    // The tenure before this one has called already.
    if (this.#means.calls.has(delivery)) void this.#call(delivery);
    else this.#wait(delivery);
  }

  #wait(delivery: StoredDelivery): void {
    if (this.#endpoint.retryBy === 'pipeline' && this.#means.calls.isCancelled(delivery.key)) this.#letGo(delivery);
    else this.#waiting.push(delivery);
  }

  /** Only the pipeline can start it again. */
  #letGo({ endpoint, key, id, attempts }: StoredDelivery): void {
    this.#means.draft().deliveries.push({ write: 'retry', endpoint, key, id, attempts, dueAt: null });
    this.#means.drafted();
  }

  #arm(at: number): void {
    if (this.#isClosed || at >= this.#alarmAt) return;
    this.#disarm?.();
    this.#alarmAt = at;
    const ring = () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#time.reach(at);
      this.#mayBeMore = true;
      this.pump();
    };
    // No pause is longer: what lies farther ahead was stored by a clock that has been set back since.
    const pauseMsMax = Math.max(this.#endpoint.retry.backoffMsMax, retryAfterMsMax);
    this.#disarm = this.#means.clock.alarm(at, ring, Math.min(at - this.#time.now(), pauseMsMax));
  }

  /** One that waits was asked for anew: it is read again. */
  #putDown(name: string): void {
    const at = this.#waiting.findIndex((delivery) => nameOf(delivery) === name);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    this.#inHand.delete(name);
  }

  async #call(delivery: StoredDelivery): Promise<void> {
    const answer = await this.#means.calls.make(delivery, this.#endpoint, this.#gate);
    if (this.#isClosed) return;
    if (answer.result === 'postponed') {
      const { reason, retryAfterMs } = answer;
      this.#means.log.debug({ ...logged(delivery), reason, retryAfterMs }, 'delivery postponed');
      this.#wait(delivery);
      this.pump();
    } else {
      try {
        await this.#conclusions.prepare(delivery);
      } catch (error) {
        if (!this.#isClosed) this.#means.failed(error);
      }
      if (this.#isClosed) return;
      this.#conclusions.draft(delivery, answer);
    }
    this.#means.drafted();
  }
}

/** UTF-16 units of their payloads. */
function sizeOf(deliveries: Iterable<StoredDelivery>): number {
  let size = 0;
  for (const delivery of deliveries) size += sizeOfDelivery(delivery);
  return size;
}

function logged({ endpoint, key, id }: DeliveryName): object {
  return { endpoint, key, delivery: id };
}
