/**
 * A commit's record of what happened to its keys, kept as one row: a *block*. Its text, which `blockText` makes, has a line for each key
 * that leads to the previous block of the key. So a key's blocks form a chain that starts at its record.
 */
export interface NewBlock {
  /** Higher than every earlier block of the partition. */
  readonly block: number;
  readonly lines: BlockLines;
  /** Keys in the block whose record does not name it: they are found through a separate index. */
  readonly keys: readonly string[];
}

/** The contents of a block, in a form that costs little to make and to send to a thread. */
export interface BlockLines {
  /** In milliseconds since 1970; the other times in the block are relative to it. */
  readonly moment: number;
  /** The key of each line. */
  readonly keys: readonly string[];
  /** For each line the distance from the moment down to the key's previous block; NaN if it has none. */
  readonly before: Float64Array;
  /**
   * Four numbers for each item, in the order of each line's items: its line and, for an event handled on its first attempt, its position in
   * the log, the milliseconds from the moment to its turn, and the duration of the turn in tenths of a millisecond. Any other item is a
   * text: the second number is -1 for the first one, -2 for the next, and so on, and the last two are 0.
   */
  readonly items: Float64Array;
  /** The other items, as JSON. */
  readonly texts: readonly string[];
}

/** Selects blocks of a key to name. */
export interface BlocksQuery {
  /** Only blocks below this one. */
  readonly before: number;
  readonly limit: number;
}
