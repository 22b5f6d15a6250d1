import type { DeadLetter, DeadLetterFilter, Store, StoredOperation } from '../../store/store.ts';
import type { Clock } from '../clock.ts';

/** The dependencies for carrying out an operation. */
export interface OperationRunMeans {
  readonly store: Pick<Store, 'operations' | 'deadLetters' | 'countDeadLetters'>;
  readonly clock: Pick<Clock, 'now'>;
  /**
   * Resolves letters, each together with the operation's progress. Returns how many cannot be resolved. Throws for failures that may pass.
   */
  resolve(letters: readonly DeadLetter[], asked: Pick<StoredOperation, 'id' | 'action'>): Promise<number>;
}

/** Letters read and resolved at once, and the limit of their text, in UTF-16 units. */
const lettersMax = 500;
const charactersMax = 4 * 1024 * 1024;

/**
 * Carries out one operation. Its letters are those that exist when it begins, taken in id order, a chunk at a time.
 *
 * Each letter is resolved once, no matter which process is killed, or when: the commit that resolves a letter also removes it and counts it
 * as done. Unresolved letters are found again behind `reached`, which advances after a chunk, together with the count of those that cannot
 * be resolved. An event that fails again gets another letter, behind the last one of the set.
 */
export class OperationRun {
  readonly #means: OperationRunMeans;
  #isClosed = false;

  constructor(means: OperationRunMeans) {
    this.#means = means;
  }

  /** Resolves nothing more after the chunk under way. */
  close(): void {
    this.#isClosed = true;
  }

  /** Resolves once it is over or somebody else carries it out. If it throws the store's error, the operation continues later. */
  async run(operation: StoredOperation): Promise<void> {
    const { store } = this.#means;
    let running = operation.state === 'running' ? operation : await this.#begin(operation);
    while (running !== undefined && !this.#isClosed) {
      const { id, action, reached, refused } = running;
      const letters = await this.#next(running);
      const last = letters.at(-1);
      if (last === undefined) {
        await store.operations.change(id, { state: 'running', reached }, { state: 'ended', endedAt: this.#means.clock.now() });
        return;
      }
      const change = { reached: last.id, refused: refused + (await this.#means.resolve(letters, { id, action })) };
      running = (await store.operations.change(id, { state: 'running', reached }, change)) ? { ...running, ...change } : undefined;
    }
  }

  /** Fixes the set of letters. Returns undefined if the operation was undone, or begun by somebody else. */
  async #begin(operation: StoredOperation): Promise<StoredOperation | undefined> {
    const { store, clock } = this.#means;
    const { count, last } = await store.countDeadLetters(filterOf(operation));
    const change = { state: 'running', begunAt: clock.now(), matched: count, upTo: last } as const;
    const isBegun = await store.operations.change(operation.id, { state: 'starting', reached: '' }, change);
    return isBegun ? { ...operation, ...change } : undefined;
  }

  async #next(operation: StoredOperation): Promise<readonly DeadLetter[]> {
    const { upTo, reached } = operation;
    if (upTo === null) return [];
    const query = { ...filterOf(operation), upTo, limit: lettersMax, ...(reached !== '' && { after: reached }) };
    return this.#means.store.deadLetters(query, { charactersMax });
  }
}

/** Returns the filter of the letters of an operation. */
function filterOf({ pipeline, filter }: Pick<StoredOperation, 'pipeline' | 'filter'>): DeadLetterFilter {
  return { ...filter, pipeline };
}
