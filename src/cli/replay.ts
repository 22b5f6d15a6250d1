import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import type { Environment } from '../configuration/setting.ts';
import { integerBetween, readValue, type Values } from '../configuration/values.ts';
import { createLogger } from '../telemetry/log.ts';
import { readDatabaseFlag, readLogLevel } from './configuration.ts';
import { replayAccounts } from './replay/accounts.ts';
import { jsonNarrator, plainNarrator } from './replay/narrate.ts';
import { readUpdatesFile } from './replay/updates-file.ts';
import { type StopOrders, stopRequested } from './stop-orders.ts';
import { UsageError } from './usage-error.ts';

/** Adds `millrace replay` and what it can replay. */
export function addReplay(program: Command, environment: Environment, orders: StopOrders): void {
  const replay = program
    .command('replay')
    .summary('let what a file holds happen, to the end')
    .description('Takes in what a file holds as it would arrive, and tells what happens, to the end.');
  replay
    .command('accounts')
    .summary('updates of accounts, to the last callback')
    .description(
      'Takes the updates of a JSON array in, one after another, and prints what happens: versions that are indexed, their ' +
        'callbacks, and those that a newer version cancels. After the last callback it prints, for each account type, the ' +
        'account with the most tokens. Updates that are not valid are told on stderr and skipped. A signal stops it, and ' +
        'with --database the same command goes on from there.',
    )
    .argument('<file>', 'a JSON array of updates')
    .option('--max-delay <ms>', 'an update comes 0 to so many milliseconds after the one before; 0: all at once', '1000')
    .option('--seed <n>', 'what the delays are made from; without it they differ from run to run')
    .option('--database <url>', 'keep it all in sqlite:PATH, or a path that ends in .db or .sqlite; without it nothing is kept')
    .option('--verbose', 'tell of versions that are ignored, too')
    .option('--json', 'print JSON lines, of everything')
    .action(async (path: string, options: Options) => {
      const stop = stopRequested(orders);
      const database = readDatabaseFlag(options.database) ?? { kind: 'memory' };
      const maxDelayMs = read('--max-delay', options.maxDelay, integerBetween(0, 86_400_000));
      const seed = options.seed === undefined ? randomInt(seedMax) : read('--seed', options.seed, integerBetween(0, seedMax));
      const narrator = options.json ? jsonNarrator : plainNarrator(options.verbose === true);
      const log = createLogger(readLogLevel(environment));
      await replayAccounts({ file: readUpdatesFile(path), maxDelayMs, seed, database, narrator, log, stop });
    });
}

/** As typed. */
interface Options {
  readonly maxDelay: string;
  readonly seed?: string;
  readonly database?: string;
  readonly verbose?: true;
  readonly json?: true;
}

/** The most that `crypto.randomInt` gives is below 2^48. */
const seedMax = 99_999_999_999_999;

function read<T>(name: string, text: string, values: Values<T>): T {
  return readValue(values, text, (message) => new UsageError(`${name}: ${message}`));
}
