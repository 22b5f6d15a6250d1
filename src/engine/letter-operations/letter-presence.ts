import type { Store } from '../../store/store.ts';

/** Maximum ids per query. */
const idsMax = 500;

/** Tells which dead letters still exist. Questions asked at the same moment share one query. */
export class LetterPresence {
  readonly #store: Pick<Store, 'deadLetters'>;
  #asked: string[] = [];
  #answer: Promise<ReadonlySet<string>> | undefined;

  constructor(store: Pick<Store, 'deadLetters'>) {
    this.#store = store;
  }

  /** Returns whether a letter is unresolved. Throws what the store throws. */
  async has(id: string): Promise<boolean> {
    if (this.#asked.length >= idsMax) this.#answer = undefined;
    if (this.#answer === undefined) this.#asked = [];
    this.#asked.push(id);
    this.#answer ??= this.#ask(this.#asked);
    return (await this.#answer).has(id);
  }

  /** @param ids grows until the current work is done */
  async #ask(ids: readonly string[]): Promise<ReadonlySet<string>> {
    await Promise.resolve();
    if (this.#asked === ids) this.#answer = undefined;
    const letters = await this.#store.deadLetters({ ids, limit: ids.length });
    return new Set(letters.map((letter) => letter.id));
  }
}
