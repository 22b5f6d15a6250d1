import { createRequire } from 'node:module';
import { type Logger, pino } from 'pino';
import { LogLines, ownDescriptor } from './log-lines.ts';
import { ProcessCounts } from './process-counts.ts';

/** The values of `LOG_LEVEL`, from fewest lines to most, and none at all. */
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const require = createRequire(import.meta.url);

const stderr = 2;
/** Time that the end of a process waits for a reader of its last lines, in milliseconds. */
const lastWordsMs = 500;

/**
 * Creates a process's log on stderr: stdout belongs to a command's output. Writes readable lines on a terminal, JSON lines anywhere else.
 * Lines are written before the call returns, so that the last words of a crash are not lost. A reader that stops reading does not block the
 * process: see {@link LogLines}.
 *
 * @param counts counts the dropped lines
 */
export function createLogger(level: LogLevel, counts: ProcessCounts = new ProcessCounts()): Logger {
  // Creates the stream, which makes a socket non-blocking.
  const { isTTY } = process.stderr;
  const lines = new LogLines(ownDescriptor(stderr), {
    dropped: () => {
      counts.logLinesDropped += 1;
    },
    flowing: (dropped) => log.warn({ lines: dropped }, 'log lines were dropped: they could not be written, or nobody read them'),
  });
  process.on('exit', () => lines.flush(lastWordsMs));
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const log = pino(options, isTTY ? readableLines(lines) : lines);
  return log;
}

/** Writes readable lines; a `stack` takes several. */
export function readableLines(lines: Pick<LogLines, 'write'>): Pick<LogLines, 'write'> {
  // Loaded only for readers on a terminal.
  const { prettyFactory }: typeof import('pino-pretty') = require('pino-pretty');
  const pretty = prettyFactory({ customPrettifiers: { stack: (stack) => String(stack) } });
  return { write: (line) => lines.write(pretty(line) ?? '') };
}
