/** The statements sent to a database so far, or between two moments. */
export interface StatementCount {
  /** Without the values. */
  readonly text: string;
  readonly calls: number;
  /** The database's execution time, in milliseconds. */
  readonly ms: number;
}

export interface Statements {
  readonly statements: readonly StatementCount[];
  /** Transactions, including those rolled back. */
  readonly transactions: number;
}

/** Returns the statements between two moments. */
export function statementsBetween(before: Statements, after: Statements): Statements {
  const known = new Map(before.statements.map((one) => [one.text, one]));
  const statements = after.statements.map(({ text, calls, ms }) => ({
    text,
    calls: calls - (known.get(text)?.calls ?? 0),
    ms: ms - (known.get(text)?.ms ?? 0),
  }));
  return { statements: statements.filter(({ calls }) => calls > 0), transactions: after.transactions - before.transactions };
}

export function callsOf({ statements }: Statements): number {
  return statements.reduce((sum, { calls }) => sum + calls, 0);
}

export function millisecondsOf({ statements }: Statements): number {
  return statements.reduce((sum, { ms }) => sum + ms, 0);
}
