import { sizeOfAll, sizeOfDelivery, upTo } from '../list-size.ts';
import type {
  DeliveriesQuery,
  DeliveryFailure,
  DeliveryName,
  DeliveryOfKey,
  DeliveryWrite,
  DueByFlow,
  DueMoment,
  FlowQuery,
  ListedDelivery,
  StoredDelivery,
} from '../store.ts';
import { compareText } from '../text-order.ts';
import { SortedList } from './sorted-list.ts';

interface PlacedDelivery extends StoredDelivery {
  /** Its place among all deliveries of its partition, in the order requested. */
  readonly place: number;
  /** Its wait until `dueAt`, in milliseconds. */
  readonly pauseMs: number;
  readonly lastFailure: DeliveryFailure | null;
}

type Place = Pick<PlacedDelivery, 'place'>;
type Due = Pick<PlacedDelivery, 'dueAt' | 'place'>;

/** The place of a delivery that is not due until requested again: after all others. */
const never = Number.MAX_VALUE;

/**
 * The deliveries of one partition and endpoint. Each belongs to a line: an ordered one shares the line of its key, any other has its own.
 * Only the first of each line can be due.
 */
class EndpointDeliveries implements Iterable<PlacedDelivery> {
  readonly #byName = new Map<string, PlacedDelivery>();
  readonly #lines = new Map<string, SortedList<Place, PlacedDelivery>>();
  readonly #firsts = firstsOf();
  /** The same per flow, and the names of the flows. */
  readonly #firstsByFlow = new Map<string, SortedList<Due, PlacedDelivery>>();
  readonly #flows = new SortedList<Pick<StoredDelivery, 'flow'>, Pick<StoredDelivery, 'flow'>>((a, b) => compareText(a.flow, b.flow));

  get size(): number {
    return this.#byName.size;
  }

  [Symbol.iterator](): Iterator<PlacedDelivery> {
    return this.#byName.values();
  }

  ofKey(only: string): PlacedDelivery[] {
    const own = Array.from(this.#byName.values()).filter(({ key }) => key === only);
    return own.sort((a, b) => compareText(a.id, b.id));
  }

  due(dueBy: number, limit: number): StoredDelivery[] {
    return dueOf(this.#firsts, dueBy, limit);
  }

  dueByFlow({ dueBy, from, flows, each, charactersMax = Number.POSITIVE_INFINITY }: FlowQuery): DueByFlow {
    const found = this.#flows.from(({ flow }) => from === null || compareText(flow, from) >= 0, flows + 1);
    const deliveries: StoredDelivery[] = [];
    let left = charactersMax;
    let looked = 0;
    for (const { flow } of found.slice(0, flows)) {
      if (left <= 0) break;
      const due = upTo(dueOf(this.#firstsOf(flow), dueBy, each), sizeOfDelivery, left);
      deliveries.push(...due);
      left -= sizeOfAll(due, sizeOfDelivery);
      looked += 1;
    }
    return { deliveries, next: found[looked]?.flow ?? null };
  }

  nextDue(after: number): number | null {
    return this.#firsts.from((delivery) => momentOf(delivery) > after, 1)[0]?.dueAt ?? null;
  }

  dueMoments(after: number, limit: number): DueMoment[] {
    const moments: DueMoment[] = [];
    for (const { dueAt, pauseMs } of this.#firsts.from((delivery) => momentOf(delivery) > after, Number.POSITIVE_INFINITY)) {
      const last = moments.at(-1);
      if (dueAt === null) break;
      if (last?.dueAt === dueAt) moments.splice(-1, 1, { dueAt, pauseMs: Math.min(last.pauseMs, pauseMs) });
      else if (moments.length === limit) break;
      else moments.push({ dueAt, pauseMs });
    }
    return moments;
  }

  ask(delivery: StoredDelivery, place: number): void {
    const there = this.#take(delivery) ?? { ...delivery, place, pauseMs: 0, lastFailure: null };
    const { place: kept, pauseMs, attempts, askedAt, dueAt, lastFailure } = there;
    this.#put({ ...delivery, place: kept, pauseMs, attempts, askedAt, dueAt: dueAt ?? delivery.dueAt, lastFailure });
  }

  restore(delivery: StoredDelivery, place: number): void {
    if (!this.#byName.has(nameOf(delivery))) this.#put({ ...delivery, place, pauseMs: 0, lastFailure: null });
  }

  retry({ attempts, dueAt, pauseMs, failure, ...name }: DeliveryWrite & { readonly write: 'retry' }): void {
    const delivery = this.#take(name);
    if (delivery !== undefined) this.#put({ ...delivery, attempts, dueAt, pauseMs, lastFailure: failure ?? delivery.lastFailure });
  }

  remove(name: DeliveryName): void {
    this.#take(name);
  }

  #put(delivery: PlacedDelivery): void {
    this.#byName.set(nameOf(delivery), delivery);
    this.#change(delivery, (line) => line.put(delivery));
  }

  /** Removes and returns a delivery; undefined if there is none. */
  #take(name: DeliveryName): PlacedDelivery | undefined {
    const delivery = this.#byName.get(nameOf(name));
    if (delivery === undefined) return undefined;
    this.#byName.delete(nameOf(name));
    this.#change(delivery, (line) => line.remove(delivery, delivery));
    return delivery;
  }

  /** Changes the line of a delivery, and keeps exactly its first one among the firsts. */
  #change({ id, key, ordered }: PlacedDelivery, change: (line: SortedList<Place, PlacedDelivery>) => void): void {
    const name = ordered ? `key ${key}` : `id ${nameOf({ key, id })}`;
    const line = this.#lines.get(name) ?? new SortedList<Place, PlacedDelivery>((a, b) => a.place - b.place);
    if (line.first !== undefined) this.#step(line.first, (firsts, first) => firsts.remove(first, first));
    change(line);
    if (line.first === undefined) this.#lines.delete(name);
    else {
      this.#step(line.first, (firsts, first) => firsts.put(first));
      this.#lines.set(name, line);
    }
  }

  /** Adds a delivery to the firsts, or removes it. */
  #step(first: PlacedDelivery, step: (firsts: SortedList<Due, PlacedDelivery>, first: PlacedDelivery) => void): void {
    step(this.#firsts, first);
    const firsts = this.#firstsOf(first.flow);
    step(firsts, first);
    if (firsts.size === 0) {
      this.#firstsByFlow.delete(first.flow);
      this.#flows.remove(first, first);
    } else if (!this.#firstsByFlow.has(first.flow)) {
      this.#firstsByFlow.set(first.flow, firsts);
      this.#flows.put({ flow: first.flow });
    }
  }

  #firstsOf(flow: string): SortedList<Due, PlacedDelivery> {
    return this.#firstsByFlow.get(flow) ?? firstsOf();
  }
}

/** The first delivery of each line, by moment. */
function firstsOf(): SortedList<Due, PlacedDelivery> {
  return new SortedList((a, b) => momentOf(a) - momentOf(b) || a.place - b.place);
}

function dueOf(firsts: SortedList<Due, PlacedDelivery>, dueBy: number, limit: number): StoredDelivery[] {
  const due = firsts.from(() => true, limit).filter((delivery) => momentOf(delivery) <= dueBy);
  return due.map(({ place: _, pauseMs: __, lastFailure: ___, ...delivery }) => delivery);
}

/** The deliveries of one partition without an outcome, at most one per endpoint, key and id. */
export class PendingDeliveries implements Iterable<StoredDelivery> {
  readonly #byEndpoint = new Map<string, EndpointDeliveries>();
  #asked = 0;

  get size(): number {
    let size = 0;
    for (const deliveries of this.#byEndpoint.values()) size += deliveries.size;
    return size;
  }

  *[Symbol.iterator](): Iterator<StoredDelivery> {
    for (const deliveries of this.#byEndpoint.values()) yield* deliveries;
  }

  names(endpoint: string, limit: number, only?: string): DeliveryName[] {
    const all = Array.from(this.#byEndpoint.get(endpoint) ?? [], ({ key, id }) => ({ endpoint, key, id }));
    const names = only === undefined ? all : all.filter(({ key }) => key === only);
    return names.sort((a, b) => compareText(a.key, b.key) || compareText(a.id, b.id)).slice(0, limit);
  }

  ofKey(endpoint: string, only: string, limit: number): DeliveryOfKey[] {
    const inOrder = (this.#byEndpoint.get(endpoint)?.ofKey(only) ?? []).slice(0, limit);
    return inOrder.map(withoutPayload);
  }

  list({ endpoint, key: only, id: own, after, limit }: DeliveriesQuery): ListedDelivery[] {
    const byName = (a: Pick<DeliveryName, 'key' | 'id'>, b: Pick<DeliveryName, 'key' | 'id'>) =>
      compareText(a.key, b.key) || compareText(a.id, b.id);
    return Array.from(this.#byEndpoint.get(endpoint) ?? [])
      .filter((one) => (only ?? one.key) === one.key && (own ?? one.id) === one.id && (after === undefined || byName(one, after) > 0))
      .sort(byName)
      .slice(0, limit)
      .map((one) => ({ key: one.key, ...withoutPayload(one) }));
  }

  due(endpoint: string, dueBy: number, limit: number): StoredDelivery[] {
    return this.#byEndpoint.get(endpoint)?.due(dueBy, limit) ?? [];
  }

  dueByFlow(query: FlowQuery): DueByFlow {
    return this.#byEndpoint.get(query.endpoint)?.dueByFlow(query) ?? { deliveries: [], next: null };
  }

  nextDue(endpoint: string, after: number): number | null {
    return this.#byEndpoint.get(endpoint)?.nextDue(after) ?? null;
  }

  dueMoments(endpoint: string, after: number, limit: number): readonly DueMoment[] {
    return this.#byEndpoint.get(endpoint)?.dueMoments(after, limit) ?? [];
  }

  write(write: DeliveryWrite): void {
    if (write.write === 'retry') this.#of(write.endpoint).retry(write);
    else if (write.write === 'remove') this.#of(write.endpoint).remove(write);
    else {
      this.#asked += 1;
      this.#of(write.delivery.endpoint)[write.write](write.delivery, this.#asked);
    }
  }

  #of(endpoint: string): EndpointDeliveries {
    const deliveries = this.#byEndpoint.get(endpoint) ?? new EndpointDeliveries();
    this.#byEndpoint.set(endpoint, deliveries);
    return deliveries;
  }
}

function momentOf({ dueAt }: Due): number {
  return dueAt ?? never;
}

function withoutPayload({ id, endpoint, url, askedAt, attempts, dueAt, lastFailure }: PlacedDelivery): DeliveryOfKey {
  return { id, endpoint, url, askedAt, attempts, dueAt, lastFailure };
}

/** Returns its name within its endpoint. */
function nameOf({ key, id }: Pick<DeliveryName, 'key' | 'id'>): string {
  return JSON.stringify([key, id]);
}
