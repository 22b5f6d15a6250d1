import { defaultLimits } from '../engine/limits.ts';

/** The limits of promise 7 that the HTTP server enforces; the engine's are in `engine/limits.ts`. Each is a whole number. */
export interface HttpLimits {
  /** Bytes of a request's body; more is answered 413. */
  readonly bodyBytes: number;
  /** Maximum nesting of arrays and objects in a body. Code that walks a value recurses, and much deeper ones would exhaust its stack. */
  readonly bodyDepth: number;
  /** Characters of one parameter in a path. */
  readonly pathParameterLength: number;
  /** Bytes of all unfinished bodies; beyond that some are answered 503. */
  readonly bodiesBytes: number;
  /** Bytes of all unread answers; beyond that those waiting longest are closed, or further requests get 503. */
  readonly answersBytes: number;
  /** Maximum time for which a client may read nothing of an answer. */
  readonly answerTimeoutMs: number;
  /** Open connections; more are closed at once. */
  readonly connections: number;
  /** Time limit for the headers of a request, including a connection's first silence. */
  readonly headersTimeoutMs: number;
  /** Time limit for the whole request. */
  readonly requestTimeoutMs: number;
  /** Interval at which the two limits above, and that of answers, are checked. */
  readonly timeoutCheckMs: number;
  /** Time limit for an idle connection between requests. */
  readonly keepAliveTimeoutMs: number;
}

/** The defaults. */
export const httpLimits: HttpLimits = {
  bodyBytes: 1024 * 1024,
  bodyDepth: 500,
  pathParameterLength: pathParameterLengthFor(defaultLimits.keyLength),
  bodiesBytes: 64 * 1024 * 1024,
  answersBytes: 64 * 1024 * 1024,
  answerTimeoutMs: 30_000,
  connections: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  timeoutCheckMs: 2_000,
  // Longer than the usual minute of a load balancer, which must be the one to close.
  keepAliveTimeoutMs: 75_000,
};

/** Returns the length of the longest key, with each character written as three percent-encoded bytes. */
export function pathParameterLengthFor(keyLength: number): number {
  return keyLength * 9;
}
