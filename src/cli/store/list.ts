import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { readDatabaseSetting } from '../configuration.ts';
import { describeDatabase } from '../database.ts';
import { inventoryTable } from './inventory-table.ts';
import { storedIn } from './stored.ts';

/** Adds `millrace store list`. */
export function addStoreList(store: Command, environment: Environment): void {
  store
    .command('list')
    .summary('list the stored work of each pipeline')
    .description(
      'Lists every pipeline of a database with its stored work: inbox rows, waiting events, keys with a state, timers by name, ' +
        'deliveries and outcomes by endpoint, and dead letters. Works while a server runs, and changes nothing.',
    )
    .option('--database <url>', 'postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, sqlite:PATH, or a path ending in .db or .sqlite')
    .option('--json', 'print it as a JSON array')
    .addHelpText('after', `\nExamples:\n  $ millrace store list\n  $ millrace store list --database ./data/millrace.db --json`)
    .action(async (options: Options) => {
      const database = readDatabaseSetting(options.database, environment);
      const stored = await storedIn(database);
      process.stdout.write(
        options.json ? `${JSON.stringify(stored, null, 2)}\n` : `${describeDatabase(database)}\n\n${inventoryTable(stored)}`,
      );
    });
}

/** As typed. */
interface Options {
  readonly database?: string;
  readonly json?: true;
}
