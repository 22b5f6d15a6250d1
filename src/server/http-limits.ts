import { defaultLimits } from '../engine/limits.ts';

/** The bounds of promise 7 that the HTTP server keeps; those of the engine are in `engine/limits.ts`. Each is a whole number. */
export interface HttpLimits {
  /** Bytes of a request's body; more is answered 413. */
  readonly bodyBytes: number;
  /** Levels of arrays and objects in a body. Code that walks a value recurses, and far deeper ones would exhaust its stack. */
  readonly bodyDepth: number;
  /** Characters of one parameter in a path. */
  readonly pathParameterLength: number;
  /** Bytes of all bodies that have begun to come in; beyond that some are answered 503. */
  readonly bodiesBytes: number;
  /** Bytes of all answers that wait to be read; beyond that those are closed that wait longest, or further ones are 503. */
  readonly answersBytes: number;
  /** How long a client may read nothing of an answer. */
  readonly answerTimeoutMs: number;
  /** Open connections; more are closed at once. */
  readonly connections: number;
  /** Until the headers of a request are there, a connection's first silence included. */
  readonly headersTimeoutMs: number;
  /** Until the whole request is there. */
  readonly requestTimeoutMs: number;
  /** How often the two above, and that of answers, are checked. */
  readonly timeoutCheckMs: number;
  /** How long a connection may idle between requests. */
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

/** The longest key, each character written as three percent-encoded bytes. */
export function pathParameterLengthFor(keyLength: number): number {
  return keyLength * 9;
}
