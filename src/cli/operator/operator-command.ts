import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { UsageError } from '../usage-error.ts';
import { type Desk, ServerDesk } from './desk.ts';
import { type Item, ServerCalls, type ServerOptions } from './server-calls.ts';

/** The options of every operator command, as typed. */
export interface OperatorOptions extends ServerOptions {
  readonly json?: true;
}

/** The options of commands that work without a server too. */
export interface DeskOptions extends OperatorOptions {
  readonly file?: string;
}

/** The options of commands that change something. */
export interface ActOptions extends DeskOptions {
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
  return command.option('--reason <text>', 'reason, for the audit trail');
}

/** Adds the option that names a file in place of a server. */
export function withFile(command: Command, does: 'looks' | 'acts'): Command {
  const when = does === 'looks' ? 'a server may be running on it' : 'no server may be running on it';
  return command.option('--file <path>', `database file to use instead of a server; ${when}`);
}

/** Returns the server or file that a command works on. Throws `UsageError` for a server and a file at once. */
export async function deskFor(options: DeskOptions, environment: Environment): Promise<Desk> {
  const { file, url, token } = options;
  if (file === undefined) return new ServerDesk(callsFor(options, environment));
  if ((url ?? token) !== undefined) throw new UsageError('expected either --file, or --url and --token');
  const { FileDesk } = await import('./file-desk.ts');
  return new FileDesk(file, environment.USER ?? environment.USERNAME ?? null);
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
