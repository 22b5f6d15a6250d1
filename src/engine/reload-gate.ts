/**
 * Lets lanes read their held events back: any number of them at once while there is room in memory, otherwise one at a time, and only when
 * no lane in memory waits for a free slot.
 */
export class ReloadGate {
  readonly #hasRoom: () => boolean;
  readonly #isQuiet: () => boolean;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param hasRoom returns true if memory has room for more than one
   * @param isQuiet returns true if no lane waits for a free slot with events that were read back
   */
  constructor(hasRoom: () => boolean, isQuiet: () => boolean) {
    this.#hasRoom = hasRoom;
    this.#isQuiet = isQuiet;
  }

  /** Resolves when the caller may read; it must call {@link leave} afterwards. */
  async enter(): Promise<void> {
    if (this.#waiting.length > 0 || !this.#isOpen) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#underWay += 1;
  }

  leave(): void {
    this.#underWay -= 1;
    this.look();
  }

  /** Admits everyone who may enter by now; call it when a lane has got its slot. */
  look(): void {
    while (this.#waiting.length > 0 && this.#isOpen) {
      this.#underWay += 1;
      this.#waiting.shift()?.();
    }
  }

  /** Admits everyone: nothing is kept in memory any more. */
  open(): void {
    for (const enter of this.#waiting.splice(0)) {
      this.#underWay += 1;
      enter();
    }
  }

  get #isOpen(): boolean {
    return this.#hasRoom() || (this.#underWay === 0 && this.#isQuiet());
  }
}
