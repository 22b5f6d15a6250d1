/** The bounds of promise 7 that the HTTP server keeps; those of the engine are in `engine/limits.ts`. */
export const httpLimits = {
  /** Bytes of a request's body; more is answered 413. */
  bodyBytes: 1024 * 1024,
  /** Levels of arrays and objects in a body. Code that walks a value recurses, and far deeper ones would exhaust its stack. */
  bodyDepth: 500,
  /** Characters of one parameter in a path: the longest key, each character written as three percent-encoded bytes. */
  pathParameterLength: 512 * 9,
  /** Open connections; more are closed at once. */
  connections: 10_000,
  /** Until the headers of a request are there, a connection's first silence included. */
  headersTimeoutMs: 10_000,
  /** Until the whole request is there. */
  requestTimeoutMs: 30_000,
  /** How often the two above are checked. */
  timeoutCheckMs: 2_000,
  /** How long a connection may idle between requests; longer than the usual minute of a load balancer, which must be the one to close. */
  keepAliveTimeoutMs: 75_000,
} as const;
