import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { type Item, ServerCalls, type ServerOptions } from './server-calls.ts';

/** The options of every operator command, as typed. */
export interface OperatorOptions extends ServerOptions {
  readonly json?: true;
}

/** The options of commands that change something. */
export interface ActOptions extends OperatorOptions {
  readonly reason?: string;
}

/** Adds an operator command, with the common options. */
export function operatorCommand(program: Command, name: string, summary: string): Command {
  return program
    .command(name)
    .summary(summary)
    .option('--url <url>', 'URL of the server; by default MILLRACE_URL, or http://127.0.0.1:8080')
    .option('--token <token>', 'access token for the server; by default MILLRACE_TOKEN')
    .option('--json', "print the server's answer as JSON");
}

/** Adds the option for a reason, for the audit. */
export function withReason(command: Command): Command {
  return command.option('--reason <text>', 'reason, for the audit and for other operators');
}

/** Returns a client for the server that a command addresses. */
export function callsFor(options: ServerOptions, environment: Environment): ServerCalls {
  return new ServerCalls(options, environment);
}

/** Prints an answer: as JSON if requested, otherwise as text for people. */
export function print(answer: Item | readonly Item[], { json }: OperatorOptions, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : text());
}

/** Returns the path of a key. */
export function pathOfKey(pipeline: string, key: string): string {
  return `/pipelines/${encodeURIComponent(pipeline)}/keys/${encodeURIComponent(key)}`;
}
