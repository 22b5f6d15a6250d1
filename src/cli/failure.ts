import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { isInstance, MillraceError, messageOf } from '../errors.ts';
import { furtherPlaces } from '../modules/load-failure.ts';
import { UsageError } from './usage-error.ts';

/** What is told when a command fails, and the exit code: 2 for a command line that cannot be meant, otherwise 1. */
export interface Failure {
  readonly text: string;
  readonly exitCode: number;
}

/**
 * One line that starts with `millrace:`; below it the places in a user's program that it came from, if it is its failure.
 * `verbose` adds the whole stack instead, and what caused it. `help` is the command whose help to look at.
 */
export function describeFailure(error: unknown, help: string, verbose: boolean): Failure {
  if (isInstance(error, CommanderError) || isInstance(error, UsageError)) {
    return { text: `millrace: ${oneLine(error.message.replace(/^error: /, ''))} (see ${help} --help)\n`, exitCode: 2 };
  }
  // A method of the error's own for this may throw.
  const below = verbose ? [inspect(error, { customInspect: false })] : placesOf(error);
  const line = `millrace: ${oneLine(messageOf(error)) || 'failed for no stated reason'}`;
  return { text: `${[line, ...below].join('\n')}\n`, exitCode: 1 };
}

/** An error of ours that has a cause says in its message what it came of, and the cause where. What a database says has no place in a program. */
function placesOf(error: unknown): readonly string[] {
  if (!isInstance(error, MillraceError) || error.cause === undefined || error.code === 'MILL_STORE_UNAVAILABLE') return [];
  return furtherPlaces(error.cause);
}

/** Whether stacks are shown. */
export function isVerbose(logLevel: string | undefined): boolean {
  return logLevel !== undefined && /^(debug|trace)$/i.test(logLevel);
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, ' ');
}
