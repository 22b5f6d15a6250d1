import { Command, CommanderError } from 'commander';
import type { Environment } from '../configuration/setting.ts';
import { isInstance } from '../errors.ts';
import { version } from '../version.ts';
import { addBackup } from './backup/backup.ts';
import { addRestore } from './backup/restore.ts';
import { readEnvironment } from './configuration.ts';
import { addCopy } from './copy/copy.ts';
import { exit } from './exit.ts';
import { describeFailure, isVerbose } from './failure.ts';
import { environmentHelp, examples } from './help.ts';
import { addInit } from './init/init.ts';
import { addMigrate } from './migrate/migrate.ts';
import { addOperator } from './operator/operator.ts';
import { addServe } from './serve.ts';
import type { Shipped } from './shipped.ts';
import type { StopOrders } from './stop-orders.ts';
import { addStore } from './store.ts';
import { addSystemCommands, type Invocation } from './system-commands.ts';
import { addToken } from './token.ts';

/** The parts of the program other than its commands. */
interface Parts {
  readonly orders: StopOrders;
  readonly shipped: Shipped;
}

/** Runs one command to completion and exits with its exit code. */
export async function main(words: readonly string[], { orders, shipped }: Parts): Promise<void> {
  let environment: Environment = process.env;
  const program = new Command('millrace');
  const fail = (error: unknown) => {
    const { text, exitCode } = describeFailure(error, commandMeant(program, words), isVerbose(environment.LOG_LEVEL));
    process.stderr.write(text);
    exit(exitCode);
  };
  // The terminal was closed, or the reader has ended: a command does not fail just because nobody is left to read its output.
  process.stderr.on('error', () => undefined);
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  try {
    environment = readEnvironment(process.env);
    declare(program, { environment, orders }, shipped);
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!isInstance(error, CommanderError)) fail(error);
    else if (error.code === 'commander.help') exit(2);
    else if (error.exitCode !== 0) fail(error);
  }
  // Leftovers of a command (an idle connection, a timer) must not keep the program alive.
  exit();
}

function declare(program: Command, invocation: Invocation, { systems, commands }: Shipped): void {
  const { environment, orders } = invocation;
  program
    .description(
      'A durable, ordered event-processing engine: acknowledged events are on disk, each key is handled in order, ' +
        'and every event takes effect exactly once, even after kill -9.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help, also for a command')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: false })
    // Errors are reported in one place, by describeFailure.
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText('after', () => `\n${examples(commands)}\n\n${environmentHelp(systems)}`);
  addServe(program, invocation, systems);
  addInit(program, orders);
  addSystemCommands(program, commands, invocation);
  addStore(program, environment, orders);
  addBackup(program, invocation);
  addRestore(program, invocation);
  addMigrate(program, invocation, systems);
  addCopy(program, invocation, systems);
  addToken(program);
  addOperator(program, environment);
}

/** Returns the longest command that the words start with, for the hint: `millrace simulate rockets`. */
function commandMeant(program: Command, words: readonly string[]): string {
  let command = program;
  let name = program.name();
  for (const word of words) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) break;
    command = next;
    name += ` ${word}`;
  }
  return name;
}
