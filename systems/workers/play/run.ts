import { statSync } from 'node:fs';
import {
  createLogger,
  type Database,
  describeDatabase,
  type Invocation,
  readDatabase,
  readFlag,
  readLogLevel,
  stopRequested,
  UsageError,
} from '../../../src/cli/index.ts';
import { integerBetween } from '../../../src/server/index.ts';
import { workersMax } from '../speech.ts';
import { MessagesFile } from './messages-file.ts';
import { blockNarrator, jsonNarrator, type Narrator, verboseNarrator } from './narrate.ts';
import { playWorkers } from './play.ts';

const usage = 'millrace workers --database PATH [--verbose] [--json] [--workers N] [--state PATH]';

/** As typed. */
export interface Options {
  readonly database?: string;
  readonly verbose?: true;
  readonly json?: true;
  readonly workers: string;
  readonly state?: string;
}

/** Runs the command. Throws `UsageError` for an option that is not accepted, and the errors of the play. */
export async function run(options: Options, { environment, orders }: Invocation): Promise<void> {
  const stop = stopRequested(orders);
  const workers = readFlag('--workers', options.workers, integerBetween(1, workersMax));
  if (!options.database) throw new UsageError(`expected --database PATH; usage: ${usage}`);
  refuseServer(options.database);
  const log = createLogger(readLogLevel(environment));
  const file = MessagesFile.open(options.database, workers);
  try {
    await playWorkers({ file, database: readState(options.state, options.database), narrator: narratorOf(options), log, stop });
  } finally {
    file.close();
  }
}

/** Throws `UsageError` for a server's address, whose password a message would reveal. */
function refuseServer(path: string): void {
  const database = readDatabase(path);
  if (database?.kind === 'postgres' || database?.kind === 'mysql')
    throw new UsageError(`--database: expected a SQLite file, found ${describeDatabase(database)}`);
}

function narratorOf({ json, verbose }: Options): Narrator {
  if (json) return jsonNarrator;
  return verbose ? verboseNarrator : blockNarrator;
}

/** Throws `UsageError` if the state would be kept in the file being played, under whatever name. */
function readState(path: string | undefined, played: string): Database {
  if (path === undefined) return { kind: 'memory' };
  if (path === '') throw new UsageError('--state: expected a path, found none');
  const state = statSync(path, { throwIfNoEntry: false });
  const file = statSync(played);
  if (state?.dev === file.dev && state.ino === file.ino) throw new UsageError('--state: expected a file other than the one being played');
  return { kind: 'sqlite', path };
}
