/** The number of things under one name. */
export interface NamedCount {
  readonly name: string;
  readonly count: number;
}

export interface InventoryQuery {
  /** Pipelines whose states need not be counted, since counting examines every key. */
  readonly uncounted: readonly string[];
  /** Pipelines with few keys, whose names are listed. */
  readonly named: readonly string[];
}

/** Everything the store holds for one pipeline, declared or not. Lists are in name order. */
export interface StoredPipeline {
  readonly pipeline: string;
  /** Events that are accepted and not settled. */
  readonly waiting: number;
  /** Keys with a state; null if not counted. */
  readonly states: number | null;
  /** The keys with a state, if their names were requested. */
  readonly keys: readonly string[];
  /** Pending timers by name. */
  readonly timers: readonly NamedCount[];
  /** Outcomes by endpoint. */
  readonly outcomes: readonly NamedCount[];
  /** Deliveries by endpoint. */
  readonly deliveries: readonly NamedCount[];
  /** Unresolved dead letters. */
  readonly deadLetters: number;
  /** Rows of the inbox; 0 if the store has none. */
  readonly inbox: number;
}
