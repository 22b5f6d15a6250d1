/** The one place where the bounds of promise 7 stand. Each is a whole number, and a time is in milliseconds. */
export interface Limits {
  /** Events of one pipeline that are accepted and not settled, those that wait for their key left out. */
  readonly backlog: number;
  /** Deliveries of one pipeline that have no outcome yet; beyond that it takes no events in. */
  readonly deliveries: number;
  /** Events that wait for one key: for a missing number, a retry, or an operator. */
  readonly pendingPerKey: number;
  /** Events of one pipeline that are accepted and not settled, whatever they wait for; beyond that it takes none in that would wait for its key. */
  readonly held: number;
  /** Events in one call of `ingestBatch`. */
  readonly batch: number;
  /** Bytes of one event as JSON. */
  readonly eventBytes: number;
  /** Characters of a key or an id. */
  readonly keyLength: number;
  /** Time that the asynchronous schema of an event may take. */
  readonly validationMs: number;
  /** Keys of a partition whose state is kept in memory while nothing happens to them. */
  readonly warmKeys: number;
  /** Events of a partition kept in memory between acceptance and their turn; the rest is read from the log. */
  readonly feed: number;
  /** Turns in one commit. */
  readonly commit: number;
  /** Reads from outside that are under way at once, those that wait for their turn among them. */
  readonly reads: number;
  /** Milliseconds that the store may take over one read from outside, its wait included. */
  readonly readTimeoutMs: number;
  /** Bytes of memory for events and states of all pipelines, as they are estimated from their JSON. */
  readonly memoryBytes: number;
}

export const defaultLimits: Limits = {
  backlog: 100_000,
  deliveries: 1_000_000,
  pendingPerKey: 10_000,
  held: 1_000_000,
  batch: 1_000,
  eventBytes: 1024 * 1024,
  keyLength: 512,
  validationMs: 5_000,
  warmKeys: 50_000,
  feed: 10_000,
  commit: 2_000,
  reads: 1_000,
  readTimeoutMs: 5_000,
  memoryBytes: 256 * 1024 * 1024,
};

/** The defaults with some replaced; one that is undefined stays as it is. */
export function limitsWith(changes: Partial<Limits>): Limits {
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(changed) };
}
