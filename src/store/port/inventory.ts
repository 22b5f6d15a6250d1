/** How many of a name there are. */
export interface NamedCount {
  readonly name: string;
  readonly count: number;
}

export interface InventoryQuery {
  /** Pipelines whose states need not be counted, which takes a look at every key. */
  readonly uncounted: readonly string[];
  /** Pipelines of few keys, whose names are told. */
  readonly named: readonly string[];
}

/** What lies in the store of one pipeline, declared or not. Lists are in the order of their names. */
export interface StoredPipeline {
  readonly pipeline: string;
  /** Events that are accepted and not settled. */
  readonly waiting: number;
  /** Keys with a state; null where they need not be counted. */
  readonly states: number | null;
  /** The keys with a state, where their names are asked for. */
  readonly keys: readonly string[];
  /** Pending timers by name. */
  readonly timers: readonly NamedCount[];
  /** Outcomes by endpoint. */
  readonly outcomes: readonly NamedCount[];
  /** Deliveries by endpoint. */
  readonly deliveries: readonly NamedCount[];
  /** Dead letters that nobody has resolved. */
  readonly deadLetters: number;
  /** Rows of the inbox; 0 where the store has none. */
  readonly inbox: number;
}
