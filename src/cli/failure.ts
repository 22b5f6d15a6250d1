import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { isInstance, MillraceError, messageOf } from '../errors.ts';
import { furtherPlaces } from '../modules/load-failure.ts';
import { UsageError } from './usage-error.ts';

/** The output and exit code of a failed command: 2 for an invalid command line, otherwise 1. */
export interface Failure {
  readonly text: string;
  readonly exitCode: number;
}

/**
 * Returns one line that starts with `millrace:`; below it, for an error in a user's program, the places it came from. `verbose` adds the
 * whole stack instead, with its causes. `help` is the command to look up in the help.
 */
export function describeFailure(error: unknown, help: string, verbose: boolean): Failure {
  if (isInstance(error, CommanderError) || isInstance(error, UsageError)) {
    return { text: `millrace: ${oneLine(error.message.replace(/^error: /, ''))} (see ${help} --help)\n`, exitCode: 2 };
  }
  // The error's own inspection method may throw.
  const below = verbose ? [inspect(error, { customInspect: false })] : placesOf(error);
  const line = `millrace: ${oneLine(messageOf(error)) || 'failed without giving a reason'}`;
  return { text: `${[line, ...below].join('\n')}\n`, exitCode: 1 };
}

/**
 * The message of one of our errors with a cause includes the cause's message, and the cause has the place. A database error points to no
 * place in a program.
 */
function placesOf(error: unknown): readonly string[] {
  if (!isInstance(error, MillraceError) || error.cause === undefined || error.code === 'MILL_STORE_UNAVAILABLE') return [];
  return furtherPlaces(error.cause);
}

/** Returns whether to show stacks. */
export function isVerbose(logLevel: string | undefined): boolean {
  return logLevel !== undefined && /^(debug|trace)$/i.test(logLevel);
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, ' ');
}
