/**
 * What a commit tells of its keys, kept as one row: a *block*. Its text has a line for each key, `[key, block, …]` as JSON, whose second item is the
 * block that told of the key before, or null. So a key's blocks make a chain, which its record begins.
 */
export interface NewBlock {
  /** Higher than that of every block of the partition before. */
  readonly block: number;
  readonly text: string;
  /** Keys that are told of and whose record does not name the block: they are found by an index of their own. */
  readonly keys: readonly string[];
}

/** Which blocks of a key to name. */
export interface BlocksQuery {
  /** Only blocks below this one. */
  readonly before: number;
  readonly limit: number;
}
