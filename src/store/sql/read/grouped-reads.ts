import type { StatementResult } from '../connection/flight.ts';
import type { Statement } from '../connection/statement.ts';
import type { Read } from './bounded.ts';

/** Statements per transaction, unless a single caller has more. */
const statementsMax = 32;

interface Waiting {
  readonly statements: readonly Statement[];
  readonly resolve: (results: readonly StatementResult[]) => void;
  readonly reject: (thrown: unknown) => void;
}

/**
 * Combines the engine's reads of one turn of the event loop into one transaction: a batch of events taken in by another process gives many
 * partitions something to read at once, and a transaction costs more than most of these reads. A refused group is retried one by one.
 */
export class GroupedReads {
  readonly #read: Read;
  readonly #isRefusal: (thrown: unknown) => boolean;
  #waiting: Waiting[] = [];

  /** @param isRefusal returns true if one of a group was at fault */
  constructor(read: Read, isRefusal: (thrown: unknown) => boolean) {
    this.#read = read;
    this.#isRefusal = isRefusal;
  }

  read(...statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly StatementResult[]>();
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push({ statements, resolve, reject });
    return promise;
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let group: Waiting[] = [];
    let count = 0;
    for (const one of waiting) {
      if (count > 0 && count + one.statements.length > statementsMax) {
        void this.#run(group);
        group = [];
        count = 0;
      }
      group.push(one);
      count += one.statements.length;
    }
    void this.#run(group);
  }

  async #run(group: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#read(...group.flatMap(({ statements }) => statements));
      let from = 0;
      for (const { statements, resolve } of group) {
        resolve(results.slice(from, from + statements.length));
        from += statements.length;
      }
    } catch (error) {
      if (group.length > 1 && this.#isRefusal(error)) for (const one of group) void this.#run([one]);
      else for (const { reject } of group) reject(error);
    }
  }
}
