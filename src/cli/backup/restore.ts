import type { Command } from 'commander';
import { restoreSqlite } from '../../store/sqlite/backup/restore.ts';
import { readDatabaseSetting } from '../configuration.ts';
import { describeDatabase } from '../database.ts';
import { fileOf } from '../store/stored.ts';
import type { Invocation } from '../system-commands.ts';
import type { Flags } from './copied.ts';
import { describeCopied, jsonOf } from './report.ts';

/** Adds `millrace restore`. */
export function addRestore(program: Command, { environment, orders }: Invocation): void {
  program
    .command('restore')
    .summary('replace the database with a backup')
    .description(
      'Verifies a backup and replaces the database with it, while no server runs on the database. Events accepted after the ' +
        'backup are lost; deliveries made after it are made again. The backup itself stays unchanged. ' +
        'An interrupted restore leaves the database as it was.',
    )
    .argument('<file>', 'the backup')
    .option('--database <url>', 'sqlite:PATH, or a path ending in .db or .sqlite')
    .option('--force', 'replace an existing database, with everything in it')
    .option('--json', 'print its contents as a JSON object')
    .addHelpText(
      'after',
      `\nExamples:\n  $ millrace restore /backup/millrace.db --force\n  $ millrace restore /backup/millrace.db --database ./trial/millrace.db`,
    )
    .action(async (file: string, flags: Flags) => {
      const database = readDatabaseSetting(flags.database, environment);
      const path = fileOf(database);
      // It loads a progress bar, which servers do not need.
      const { copied } = await import('./copied.ts');
      const copy = await copied({ path, file, flags, orders }, (options) => restoreSqlite(file, path, options));
      process.stdout.write(
        flags.json ? jsonOf(copy) : `restored ${describeDatabase(database)} from ${copy.file}: ${describeCopied(copy)}\n${meaning}`,
      );
    });
}

const meaning =
  'Everything accepted after the backup is gone. From now on deliveries made after it are made again, and timers that\n' +
  'fired after it fire again; ids of later events count as new.\n';
