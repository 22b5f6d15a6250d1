/** Random choices made with a seeded die. */
export class Chance {
  /** Returns a number from 1 to `sides`. */
  readonly upTo: (sides: number) => number;

  constructor(upTo: (sides: number) => number) {
    this.upTo = upTo;
  }

  one<const Item>(items: readonly Item[]): Item {
    const item = items[this.upTo(items.length) - 1];
    if (item === undefined) throw new Error('expected something to choose from, found nothing');
    return item;
  }

  maybe<Item>(make: () => Item): Item | undefined {
    return this.upTo(2) === 1 ? make() : undefined;
  }

  /** Makes none to two. */
  many<Item>(make: () => Item): Item[] {
    return Array.from({ length: this.upTo(3) - 1 }, make);
  }

  /** Applies a function to one of the items in half of the calls; otherwise returns nothing. */
  some<Item, Made>(items: readonly Item[], make: (item: Item) => Made): Made[] {
    return items.length > 0 && this.upTo(2) === 1 ? [make(this.one(items))] : [];
  }
}
