/**
 * Lets lanes read their held events back: any number of them at once while there is room in memory, otherwise one at a time, and that
 * only when no lane waits in memory for a free place.
 */
export class ReloadGate {
  readonly #hasRoom: () => boolean;
  readonly #isQuiet: () => boolean;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param hasRoom whether memory has room for more than one
   * @param isQuiet whether no lane waits for a free place with events that were read back
   */
  constructor(hasRoom: () => boolean, isQuiet: () => boolean) {
    this.#hasRoom = hasRoom;
    this.#isQuiet = isQuiet;
  }

  /** Resolves when the caller may read; it must call {@link leave} when it has. */
  async enter(): Promise<void> {
    if (this.#waiting.length > 0 || !this.#isOpen) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#underWay += 1;
  }

  leave(): void {
    this.#underWay -= 1;
    this.look();
  }

  /** Lets in whoever may enter by now; to be called when a lane has got its place. */
  look(): void {
    while (this.#waiting.length > 0 && this.#isOpen) {
      this.#underWay += 1;
      this.#waiting.shift()?.();
    }
  }

  /** Lets everybody in: nothing is kept in memory any more. */
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
