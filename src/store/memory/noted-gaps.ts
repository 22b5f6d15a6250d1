import type { Gap, GapQuery, GapWrite, StoredGap } from '../store.ts';
import { compareText } from '../text-order.ts';
import { SortedList } from './sorted-list.ts';

type Place = Pick<StoredGap, 'since' | 'key'>;

/** The keys of one partition that wait for a number, longest wait first. */
export class NotedGaps {
  readonly #inOrder = new SortedList<Place, StoredGap>(comparePlaces);
  readonly #byKey = new Map<string, StoredGap>();

  get size(): number {
    return this.#byKey.size;
  }

  of(key: string): Gap | null {
    const noted = this.#byKey.get(key);
    return noted === undefined ? null : { next: noted.next, first: noted.first, since: noted.since };
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }

  read({ until = Number.POSITIVE_INFINITY, after, limit }: GapQuery): StoredGap[] {
    const isBehind = (gap: StoredGap) => after === undefined || comparePlaces(gap, after) > 0;
    return this.#inOrder.from(isBehind, limit).filter(({ since }) => since <= until);
  }

  write({ key, gap }: GapWrite): void {
    const former = this.#byKey.get(key);
    if (former !== undefined) this.#inOrder.remove(former, former);
    this.#byKey.delete(key);
    if (gap === null) return;
    const noted = { key, ...gap };
    this.#inOrder.put(noted);
    this.#byKey.set(key, noted);
  }
}

function comparePlaces(a: Place, b: Place): number {
  return a.since - b.since || compareText(a.key, b.key);
}
