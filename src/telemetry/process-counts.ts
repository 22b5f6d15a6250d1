/** What a process counts of itself, for its metrics. */
export class ProcessCounts {
  /** Lines of the log that nobody took in time, or that could not be written. */
  logLinesDropped = 0;
  /** Failures of the served program for which nobody waited, and its calls of `process.exit()`. */
  readonly strayFailures = { uncaughtException: 0, unhandledRejection: 0, exit: 0 };
}
