/** A list is for those databases whose driver writes it into the text of a statement. */
export type Parameter = string | number | Buffer | null | readonly string[] | readonly number[];

/** A row as the database answers it, in the order of the columns. */
export type Row = readonly unknown[];

/** A statement with its parameters, which stand in its text as `$1`, `$2`, …. */
export interface Statement {
  readonly text: string;
  readonly values: readonly Parameter[];
  /** Whether anything may stand in the rows, as in those of somebody's query. Otherwise they are of our own tables. */
  readonly isForeign?: boolean;
  /** The declared table that it writes, for messages. */
  readonly table?: string;
  /** Whether it must be one statement, also where it has no parameters. */
  readonly isSingle?: boolean;
}
