import { Client } from 'pg';

/** What was asked of a database so far, or between two moments. */
export interface StatementCount {
  /** Without the values. */
  readonly text: string;
  readonly calls: number;
  /** What the database took to carry them out, in milliseconds. */
  readonly ms: number;
}

export interface Statements {
  readonly statements: readonly StatementCount[];
  /** Transactions, those that were rolled back too. */
  readonly transactions: number;
}

/** Counts what is asked of a database, from a connection to another one, so that its own questions do not count. */
export class StatementCounts {
  readonly #client: Client;
  readonly #database: string;

  private constructor(client: Client, database: string) {
    this.#client = client;
    this.#database = database;
  }

  /** The server must have loaded `pg_stat_statements`. */
  static async open(url: string): Promise<StatementCounts> {
    const elsewhere = new URL(url);
    const database = elsewhere.pathname.slice(1);
    elsewhere.pathname = '/postgres';
    const client = new Client({ connectionString: elsewhere.href });
    // The server goes before it, in the end.
    client.on('error', () => undefined);
    await client.connect();
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    return new StatementCounts(client, database);
  }

  async soFar(): Promise<Statements> {
    const { rows } = await this.#client.query<StatementCount>(
      `SELECT query AS text, sum(calls)::float8 AS calls, sum(total_exec_time)::float8 AS ms
       FROM pg_stat_statements JOIN pg_database ON oid = dbid WHERE datname = $1 GROUP BY query`,
      [this.#database],
    );
    const { rows: transactions } = await this.#client.query<{ count: number }>(
      'SELECT (xact_commit + xact_rollback)::float8 AS count FROM pg_stat_database WHERE datname = $1',
      [this.#database],
    );
    return { statements: rows, transactions: transactions[0]?.count ?? Number.NaN };
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/** What was asked between two moments. */
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
