/** Items in ascending order of place, one per place. Lookups bisect; appending costs nothing extra. */
export class SortedList<Place, Item extends Place> implements Iterable<Item> {
  readonly #compare: (a: Place, b: Place) => number;
  #items: Item[] = [];

  constructor(compare: (a: Place, b: Place) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.#items.values();
  }

  at(place: Place): Item | undefined {
    const item = this.#items[this.#indexOf(place)];
    return item !== undefined && this.#compare(item, place) === 0 ? item : undefined;
  }

  /** Inserts an item in order, replacing an existing one at its place. */
  put(item: Item): void {
    const last = this.#items.at(-1);
    if (last === undefined || this.#compare(last, item) < 0) this.#items.push(item);
    else this.#items.splice(this.#indexOf(item), this.at(item) === undefined ? 0 : 1, item);
  }

  /** Removes the items between two places, inclusive. */
  remove(from: Place, to: Place): void {
    const start = this.#indexOf(from);
    const end = this.#firstIndex((item) => this.#compare(item, to) > 0);
    if (end > start) this.#items.splice(start, end - start);
  }

  /** Keeps the items for which `isKept` holds. It is called once for each, in order. */
  retain(isKept: (item: Item) => boolean): void {
    this.#items = this.#items.filter(isKept);
  }

  /** Returns at most `limit` items from the first for which `isReached` holds; it must then hold for all later ones too. */
  from(isReached: (item: Item) => boolean, limit: number): Item[] {
    const start = this.#firstIndex(isReached);
    return this.#items.slice(start, start + limit);
  }

  #indexOf(place: Place): number {
    return this.#firstIndex((item) => this.#compare(item, place) >= 0);
  }

  #firstIndex(isReached: (item: Item) => boolean): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isReached(this.#items[middle] as Item)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
