import type { Row, Statement } from './statement.ts';

/** What one statement of a flight was answered with. */
export interface StatementResult {
  readonly rows: readonly Row[];
  /** The names of the columns. */
  readonly columns: readonly string[];
  /** How many rows it wrote, or found. */
  readonly count: number;
}

type Take = (result: StatementResult) => void;

/**
 * Statements of one transaction that are sent together, without waiting for answers, and what is done with these once it has committed. Where a
 * database cannot do in one statement what follows from an answer, such statements go behind the others in a second piece.
 */
export class Flight {
  readonly statements: Statement[] = [];
  readonly #takes: (Take | undefined)[] = [];
  readonly #later: ((answers: readonly StatementResult[]) => readonly Statement[])[] = [];

  add(statement: Statement, take?: Take): void {
    this.statements.push(statement);
    this.#takes.push(take);
  }

  /** Adds statements that are made of the answers to the statements so far, in the same transaction. */
  addLater(make: (answers: readonly StatementResult[]) => readonly Statement[]): void {
    this.#later.push(make);
  }

  get hasLater(): boolean {
    return this.#later.length > 0;
  }

  /** The statements of the second piece, once the answers to those of the first are there. */
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
