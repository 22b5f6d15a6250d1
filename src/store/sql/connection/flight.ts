import type { Row, Statement } from './statement.ts';

/** The answer to one statement of a flight. */
export interface StatementResult {
  readonly rows: readonly Row[];
  /** The names of the columns. */
  readonly columns: readonly string[];
  /** Number of rows written or found. */
  readonly count: number;
}

type Take = (result: StatementResult) => void;

/**
 * Statements of one transaction that are sent together, without waiting for answers, and the actions on these answers once it has
 * committed. If a database needs a follow-up to an answer in another statement, such statements go after the others in a second batch.
 */
export class Flight {
  readonly statements: Statement[] = [];
  readonly #takes: (Take | undefined)[] = [];
  readonly #later: ((answers: readonly StatementResult[]) => readonly Statement[])[] = [];

  add(statement: Statement, take?: Take): void {
    this.statements.push(statement);
    this.#takes.push(take);
  }

  /** Adds statements built from the answers so far, in the same transaction. */
  addLater(make: (answers: readonly StatementResult[]) => readonly Statement[]): void {
    this.#later.push(make);
  }

  get hasLater(): boolean {
    return this.#later.length > 0;
  }

  /** Returns the statements of the second batch, given the answers to the first. */
  later(answers: readonly StatementResult[]): readonly Statement[] {
    return this.#later.flatMap((make) => make(answers));
  }

  committed(results: readonly StatementResult[]): void {
    for (const [at, take] of this.#takes.entries()) {
      const result = results[at];
      if (result !== undefined) take?.(result);
    }
  }
}
