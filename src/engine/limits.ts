import { MillraceError } from '../errors.ts';

/** The one place where the bounds of promise 7 stand. Each is a whole number, and a time is in milliseconds. */
export interface Limits {
  /** Events of one pipeline that are accepted and not settled, those that wait for their key left out. */
  readonly backlog: number;
  /**
   * Events of one pipeline that are accepted and not settled, beyond which turns that send to it wait. Turns that it does not reach by
   * its own sends wait beyond half of it. At least twice the larger of `backlog` and `effects`; five times that where nothing else is said.
   */
  readonly sends: number;
  /** What one turn may decide: sends, rows, timers and deliveries together. */
  readonly effects: number;
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
  /** Milliseconds that another engine on the database may take over what it is told to do, the time until it is there again included. */
  readonly commandTimeoutMs: number;
  /** Bytes of memory for events and states of all pipelines, as they are estimated from their JSON. */
  readonly memoryBytes: number;
}

export const defaultLimits: Limits = {
  backlog: 100_000,
  sends: 500_000,
  effects: 100_000,
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
  commandTimeoutMs: 10_000,
  memoryBytes: 256 * 1024 * 1024,
};

/** The defaults with some replaced; one that is undefined stays as it is. Throws `MILL_INVALID_CONFIGURATION` for `sends` that are too few. */
export function limitsWith(changes: { readonly [Name in keyof Limits]?: number | undefined }): Limits {
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  const limits = { ...defaultLimits, ...Object.fromEntries(changed) };
  if (changes.sends === undefined) return { ...limits, sends: 5 * atOnce(limits) };
  const least = leastSends(limits);
  if (limits.sends >= least) return limits;
  throw new MillraceError(
    'MILL_INVALID_CONFIGURATION',
    `millrace: limits.sends: expected at least ${least}, twice the larger of backlog and effects, found ${limits.sends}`,
  );
}

/** Returns how many `sends` there must be at least: half of them must have room for whatever comes in from outside at once. */
export function leastSends(limits: Pick<Limits, 'backlog' | 'effects'>): number {
  return 2 * atOnce(limits);
}

/** Returns how many events may come to a pipeline before anybody looks how many it has: from callers, or from one turn. */
function atOnce({ backlog, effects }: Pick<Limits, 'backlog' | 'effects'>): number {
  return Math.max(backlog, effects);
}
