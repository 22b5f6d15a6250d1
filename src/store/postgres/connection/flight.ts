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

/** Statements of one transaction that are sent together, without waiting for answers, and what is done with these once it has committed. */
export class Flight {
  readonly statements: Statement[] = [];
  readonly #takes: (Take | undefined)[] = [];

  add(statement: Statement, take?: Take): void {
    this.statements.push(statement);
    this.#takes.push(take);
  }

  committed(results: readonly StatementResult[]): void {
    for (const [at, result] of results.entries()) this.#takes[at]?.(result);
  }
}
