import { type Logger, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';

/** The values of `LOG_LEVEL`, from the fewest lines to the most, and none at all. */
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const stderr = 2;

/**
 * The log of a process, on stderr: stdout belongs to what a command prints. Readable lines on a terminal, JSON lines
 * anywhere else. Lines are written before the call returns, so that the last words of a crash are not lost.
 */
export function createLogger(level: LogLevel): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, process.stderr.isTTY ? prettyLines(stderr) : pino.destination({ fd: stderr, sync: true }));
}

/** Writes readable lines; a `stack` takes several. */
export function prettyLines(destination: number | NodeJS.WritableStream): ReturnType<typeof PinoPretty> {
  return PinoPretty({ destination, sync: true, customPrettifiers: { stack: (stack) => String(stack) } });
}
