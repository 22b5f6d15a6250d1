import type { Command } from 'commander';
import type { Environment } from '../configuration/setting.ts';
import type { StopOrders } from './stop-orders.ts';

/** The context of a command, without its arguments. */
export interface Invocation {
  /** The variables of the process and of `.env`. */
  readonly environment: Environment;
  readonly orders: StopOrders;
}

/** A command that a system provides. */
export interface SystemCommand {
  /** `rockets` as in `millrace simulate rockets`. */
  readonly name: string;
  /** The verb in front of the name; a command without a verb is called by its name alone. */
  readonly verb?: Verb;
  /** An example command line and its effect, for the foot of the program's help. */
  readonly example: readonly [line: string, does: string];
  /** Gives the command its help, arguments, options and action. The action's dependencies are loaded when it runs. */
  define(command: Command, invocation: Invocation): void;
}

type Verb = keyof typeof verbs;

/** The verbs for systems, in the order of the help. */
const verbs = {
  replay: {
    summary: 'replay the contents of a file, to the end',
    description: 'Ingests the contents of a file as they would arrive, and reports what happens, to the end.',
  },
  simulate: {
    summary: 'put load on a system, and check the results',
    description: 'Puts load on a running system and checks the results.',
  },
} as const;

/** Adds the commands of systems, each under its verb. */
export function addSystemCommands(program: Command, commands: readonly SystemCommand[], invocation: Invocation): void {
  for (const [verb, { summary, description }] of Object.entries(verbs)) {
    const ofVerb = commands.filter((command) => command.verb === verb);
    if (ofVerb.length > 0) define(program.command(verb).summary(summary).description(description), ofVerb, invocation);
  }
  const byThemselves = commands.filter((command) => command.verb === undefined);
  define(program, byThemselves, invocation);
}

function define(parent: Command, commands: readonly SystemCommand[], invocation: Invocation): void {
  for (const command of commands) command.define(parent.command(command.name), invocation);
}
