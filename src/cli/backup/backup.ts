import type { Command } from 'commander';
import { backUpSqlite } from '../../store/sqlite/backup/backup.ts';
import { readDatabaseSetting } from '../configuration.ts';
import { describeDatabase } from '../database.ts';
import { fileOf } from '../store/stored.ts';
import type { Invocation } from '../system-commands.ts';
import type { Flags } from './copied.ts';
import { describeCopied, jsonOf } from './report.ts';

/** Adds `millrace backup`. */
export function addBackup(program: Command, { environment, orders }: Invocation): void {
  program
    .command('backup')
    .summary('copy the database to a file while a server runs')
    .description(
      'Copies the database, as of one moment, to a file: everything acknowledged before that moment, including tables that users added. ' +
        'Servers may keep running. The copy is verified and on disk before it gets its name; ' +
        'an interrupted backup leaves no file with that name.',
    )
    .argument('<file>', 'the file to write, in an existing folder')
    .option('--database <url>', 'sqlite:PATH, or a path ending in .db or .sqlite')
    .option('--force', 'replace an existing file')
    .option('--json', 'print its contents as a JSON object')
    .addHelpText(
      'after',
      `\nExamples:\n  $ millrace backup /backup/millrace.db\n  $ millrace backup "/backup/$(date +%F).db" --database ./data/millrace.db --json`,
    )
    .action(async (file: string, flags: Flags) => {
      const database = readDatabaseSetting(flags.database, environment);
      const path = fileOf(database);
      // It loads a progress bar, which servers do not need.
      const { copied } = await import('./copied.ts');
      const copy = await copied({ path, file, flags, orders }, (options) => backUpSqlite(path, file, options));
      process.stdout.write(flags.json ? jsonOf(copy) : `backed up ${describeDatabase(database)} to ${copy.file}: ${describeCopied(copy)}`);
    });
}
