import type { Store } from '../../store/store.ts';

/** Ids that are asked for at once. */
const idsMax = 500;

/** Tells which dead letters are still there. The store is asked for those together that somebody wants to know of at the same moment. */
export class LetterPresence {
  readonly #store: Pick<Store, 'deadLetters'>;
  #asked: string[] = [];
  #answer: Promise<ReadonlySet<string>> | undefined;

  constructor(store: Pick<Store, 'deadLetters'>) {
    this.#store = store;
  }

  /** Whether nobody has resolved a letter. Throws what the store throws. */
  async has(id: string): Promise<boolean> {
    if (this.#asked.length >= idsMax) this.#answer = undefined;
    if (this.#answer === undefined) this.#asked = [];
    this.#asked.push(id);
    this.#answer ??= this.#ask(this.#asked);
    return (await this.#answer).has(id);
  }

  /** @param ids grows until the present work is done */
  async #ask(ids: readonly string[]): Promise<ReadonlySet<string>> {
    await Promise.resolve();
    if (this.#asked === ids) this.#answer = undefined;
    const letters = await this.#store.deadLetters({ ids, limit: ids.length });
    return new Set(letters.map((letter) => letter.id));
  }
}
