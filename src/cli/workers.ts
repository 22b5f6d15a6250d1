import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { workersMax } from '../../systems/workers/speech.ts';
import type { Environment } from '../configuration/setting.ts';
import { integerBetween, readValue } from '../configuration/values.ts';
import { createLogger } from '../telemetry/log.ts';
import { readLogLevel } from './configuration.ts';
import type { Database } from './database.ts';
import { type StopOrders, stopRequested } from './stop-orders.ts';
import { UsageError } from './usage-error.ts';
import { MessagesFile } from './workers/messages-file.ts';
import { blockNarrator, jsonNarrator, type Narrator, verboseNarrator } from './workers/narrate.ts';
import { playWorkers } from './workers/play.ts';

const usage = 'millrace workers --database PATH [--verbose] [--json] [--workers N] [--state PATH]';

/** Adds `millrace workers`. */
export function addWorkers(program: Command, environment: Environment, orders: StopOrders): void {
  program
    .command('workers')
    .summary('play a database of messages that workers say to each other')
    .description(
      'Plays the messages of a SQLite file, in the order of their ids: waits for the interval of each, prints who speaks, whom and ' +
        'what that worker heard last, and lets the other worker hear it. The file is checked before the first message, and is ' +
        'never changed. A signal stops it, and with --state the same command goes on from there.',
    )
    .option(
      '--database <path>',
      'the file: messages_table(id, data), data being JSON with worker, message, interval and destination_worker',
    )
    .option('--verbose', 'print the table, a row of it, and the intervals, too')
    .option('--json', 'print a line of JSON for each message, with all that is known of it')
    .option('--workers <n>', 'how many workers there are, numbered from 1', '5')
    .option('--state <path>', 'keep in this SQLite file what the workers remember, and the place; without it nothing is kept')
    .action(async (options: Options) => {
      const stop = stopRequested(orders);
      const workers = readValue(integerBetween(1, workersMax), options.workers, (message) => new UsageError(`--workers: ${message}`));
      if (!options.database) throw new UsageError(`expected --database PATH; usage: ${usage}`);
      const log = createLogger(readLogLevel(environment));
      const file = MessagesFile.open(options.database, workers);
      try {
        await playWorkers({ file, database: readState(options.state, options.database), narrator: narratorOf(options), log, stop });
      } finally {
        file.close();
      }
    });
}

/** As typed. */
interface Options {
  readonly database?: string;
  readonly verbose?: true;
  readonly json?: true;
  readonly workers: string;
  readonly state?: string;
}

function narratorOf({ json, verbose }: Options): Narrator {
  if (json) return jsonNarrator;
  return verbose ? verboseNarrator : blockNarrator;
}

/** Throws `UsageError` when the state would be kept in the file that is played, under whatever name. */
function readState(path: string | undefined, played: string): Database {
  if (path === undefined) return { kind: 'memory' };
  if (path === '') throw new UsageError('--state: expected a path, found none');
  const state = statSync(path, { throwIfNoEntry: false });
  const file = statSync(played);
  if (state?.dev === file.dev && state.ino === file.ino) throw new UsageError(`--state: expected another file than the one that is played`);
  return { kind: 'sqlite', path };
}
