/** A process's counts about itself, for its metrics. */
export class ProcessCounts {
  /** Log lines dropped because nobody read them in time, or they could not be written. */
  logLinesDropped = 0;
  /** Unhandled failures of the served program, and its calls of `process.exit()`. */
  readonly strayFailures = { uncaughtException: 0, unhandledRejection: 0, exit: 0 };
}
