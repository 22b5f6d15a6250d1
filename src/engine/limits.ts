import { MillraceError } from '../errors.ts';

/** The single place for the limits of promise 7. Each is a whole number; times are in milliseconds. */
export interface Limits {
  /** Accepted, unsettled events of one pipeline, not counting those that wait for their key. */
  readonly backlog: number;
  /**
   * Accepted, unsettled events of one pipeline beyond which turns that send to it wait. Turns that it does not reach through its own sends
   * wait at half of that. At least twice the larger of `backlog` and `effects`; by default five times that.
   */
  readonly sends: number;
  /** Effects of one turn: sends, rows, timers and deliveries together. */
  readonly effects: number;
  /** Deliveries of one pipeline without an outcome; beyond that it accepts no events. */
  readonly deliveries: number;
  /** Events that wait for one key: for a missing number, a retry, or an operator. */
  readonly pendingPerKey: number;
  /** Accepted, unsettled events of one pipeline, whatever they wait for; beyond that it accepts none that would wait for its key. */
  readonly held: number;
  /** Events in one call of `ingestBatch`. */
  readonly batch: number;
  /** Bytes of one event as JSON. */
  readonly eventBytes: number;
  /** Characters of a key or an id. */
  readonly keyLength: number;
  /** Maximum time for the asynchronous schema of an event. */
  readonly validationMs: number;
  /** Idle keys of a partition whose state is kept in memory. */
  readonly warmKeys: number;
  /** Events of a partition kept in memory between acceptance and their turn; the rest is read from the log. */
  readonly feed: number;
  /** Turns in one commit. */
  readonly commit: number;
  /** Concurrent reads from outside, including those waiting for their turn. */
  readonly reads: number;
  /** Maximum milliseconds for one read from outside, including its wait. */
  readonly readTimeoutMs: number;
  /** Maximum milliseconds for another engine on the database to carry out a command, including the time until it is available again. */
  readonly commandTimeoutMs: number;
  /** Bytes of memory for events and states of all pipelines, estimated from their JSON. */
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

/** Returns the defaults with some replaced; undefined ones stay as they are. Throws `MILL_INVALID_CONFIGURATION` if `sends` is too low. */
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

/** Returns the minimum for `sends`: half of them must fit everything that comes from outside at once. */
export function leastSends(limits: Pick<Limits, 'backlog' | 'effects'>): number {
  return 2 * atOnce(limits);
}

/** Returns how many events may reach a pipeline before its load is checked: from callers, or from one turn. */
function atOnce({ backlog, effects }: Pick<Limits, 'backlog' | 'effects'>): number {
  return Math.max(backlog, effects);
}
