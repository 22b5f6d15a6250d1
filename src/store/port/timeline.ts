/**
 * A commit's record of what happened to its keys, kept as one row: a *block*. Its text has a line for each key, `[key, block, …]` as JSON,
 * whose second item is the previous block that mentions the key, or null. So a key's blocks form a chain that starts at its record.
 */
export interface NewBlock {
  /** Higher than every earlier block of the partition. */
  readonly block: number;
  readonly text: string;
  /** Keys in the block whose record does not name it: they are found through a separate index. */
  readonly keys: readonly string[];
}

/** Selects blocks of a key to name. */
export interface BlocksQuery {
  /** Only blocks below this one. */
  readonly before: number;
  readonly limit: number;
}
