/** A first-in, first-out queue whose cost does not depend on its length: removing the first item of a long array moves all the others. */
export class Queue<T> {
  #front: (T | undefined)[] = [];
  #taken = 0;
  #back: T[] = [];

  get length(): number {
    return this.#front.length - this.#taken + this.#back.length;
  }

  push(item: T): void {
    this.#back.push(item);
  }

  shift(): T | undefined {
    if (this.#taken === this.#front.length) {
      this.#front = this.#back;
      this.#back = [];
      this.#taken = 0;
    }
    const item = this.#front[this.#taken];
    if (this.#taken === this.#front.length) return undefined;
    // Releases the item: the rest may wait long.
    this.#front[this.#taken] = undefined;
    this.#taken += 1;
    return item;
  }

  /** Returns the waiting items, first one in front. */
  toArray(): T[] {
    return [...(this.#front.slice(this.#taken) as T[]), ...this.#back];
  }
}
