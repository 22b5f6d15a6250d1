import { inspect } from 'node:util';
import { CommanderError } from 'commander';
import { messageOf } from '../errors.ts';
import { UsageError } from './usage-error.ts';

/** What is told when a command fails, and the exit code: 2 for a command line that cannot be meant, otherwise 1. */
export interface Failure {
  readonly text: string;
  readonly exitCode: number;
}

/** One line that starts with `millrace:`; `verbose` adds the stack, and what caused it. `help` is the command whose help to look at. */
export function describeFailure(error: unknown, help: string, verbose: boolean): Failure {
  if (error instanceof CommanderError || error instanceof UsageError) {
    return { text: `millrace: ${oneLine(error.message.replace(/^error: /, ''))} (see ${help} --help)\n`, exitCode: 2 };
  }
  const stack = verbose ? `${inspect(error)}\n` : '';
  return { text: `millrace: ${oneLine(messageOf(error)) || 'failed for no stated reason'}\n${stack}`, exitCode: 1 };
}

/** Whether stacks are shown. */
export function isVerbose(logLevel: string | undefined): boolean {
  return logLevel !== undefined && /^(debug|trace)$/i.test(logLevel);
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, ' ');
}
