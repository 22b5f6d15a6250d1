import { randomInt } from 'node:crypto';
import { createLogger, type Invocation, readDatabaseFlag, readFlag, readLogLevel, stopRequested } from '../../../src/cli/index.ts';
import { integerBetween } from '../../../src/server/index.ts';
import { jsonNarrator, plainNarrator } from './narrate.ts';
import { replayAccounts } from './replay-accounts.ts';
import { readUpdatesFile } from './updates-file.ts';

/** As typed. */
export interface Options {
  readonly maxDelay: string;
  readonly seed?: string;
  readonly database?: string;
  readonly verbose?: true;
  readonly json?: true;
}

/** `crypto.randomInt` stays below 2^48. */
const seedMax = 99_999_999_999_999;

/** Runs the command. Throws `UsageError` for an option that is not accepted, and the errors of the replay. */
export async function run(path: string, options: Options, { environment, orders }: Invocation): Promise<void> {
  const stop = stopRequested(orders);
  const database = readDatabaseFlag(options.database, environment) ?? { kind: 'memory' };
  const maxDelayMs = readFlag('--max-delay', options.maxDelay, integerBetween(0, 86_400_000));
  const seed = options.seed === undefined ? randomInt(seedMax) : readFlag('--seed', options.seed, integerBetween(0, seedMax));
  const narrator = options.json ? jsonNarrator : plainNarrator(options.verbose === true);
  const log = createLogger(readLogLevel(environment));
  await replayAccounts({ file: readUpdatesFile(path), maxDelayMs, seed, database, narrator, log, stop });
}
