/** Lists are for databases whose driver writes them into the text of a statement. */
export type Parameter = string | number | Buffer | null | readonly string[] | readonly number[];

/** A row as the database returns it, in column order. */
export type Row = readonly unknown[];

/** A statement with its parameters, which appear in its text as `$1`, `$2`, …. */
export interface Statement {
  readonly text: string;
  readonly values: readonly Parameter[];
  /** True if the rows may hold anything, as in a user's query. Otherwise they are from our own tables. */
  readonly isForeign?: boolean;
  /** The declared table that it writes, for messages. */
  readonly table?: string;
  /** True if it must be a single statement, even without parameters. */
  readonly isSingle?: boolean;
}
