import type { Command } from 'commander';
import { storeDeclarationOf } from '../../engine/store-declaration.ts';
import { configure } from '../../server/system.ts';
import { readDatabaseSetting } from '../configuration.ts';
import { describeDatabase } from '../database.ts';
import { refuseExits } from '../exit.ts';
import { loadSystems } from '../load-systems.ts';
import type { DeclaredSystem } from '../shipped.ts';
import { endWhenAsked } from '../stop-orders.ts';
import type { Invocation } from '../system-commands.ts';
import { migrateTo } from './migrate-to.ts';

/** As typed. */
interface Flags {
  readonly database?: string;
  readonly check?: true;
  readonly dryRun?: true;
}

/** Adds `millrace migrate`. */
export function addMigrate(program: Command, { environment, orders }: Invocation, ownSystems: readonly DeclaredSystem[]): void {
  program
    .command('migrate')
    .summary('bring the tables of a database up to date without serving')
    .description(
      "Brings the engine's tables and the declared tables of the named systems up to date, as a start does, in one transaction. On a " +
        'database server this may run while servers work on the database; a file must have none.',
    )
    .argument('[system...]', 'names of systems, or paths of modules, as for serve; all systems by default')
    .option('--database <url>', 'postgres://USER@HOST/NAME, mysql://USER@HOST/NAME, sqlite:PATH, or a path ending in .db or .sqlite')
    .option('--check', 'change nothing; print the pending changes, and exit with 1 if there are any')
    .option('--dry-run', 'change nothing; print the statements')
    .addHelpText(
      'after',
      '\nExamples:\n  $ millrace migrate --check\n  $ millrace migrate ./my-pipelines.ts --dry-run --database ./data/millrace.db',
    )
    .action(async (names: string[], flags: Flags) => {
      const database = readDatabaseSetting(flags.database, environment);
      refuseExits();
      endWhenAsked(orders);
      const systems = (await loadSystems(names, ownSystems)).map((declared) => configure(declared, environment));
      const declaration = storeDeclarationOf(systems.flatMap(({ pipelines }) => pipelines));
      const isDry = flags.check === true || flags.dryRun === true;
      const statements = await migrateTo(database, declaration, { isDry });
      if (flags.dryRun) process.stdout.write(statements.map((statement) => `${statement};\n`).join(''));
      else process.stdout.write(describe(statements, describeDatabase(database), isDry));
      if (flags.check && statements.length > 0) process.exitCode = 1;
    });
}

function describe(statements: readonly string[], database: string, isDry: boolean): string {
  if (statements.length === 0) return `${database} is up to date\n`;
  const many = `${statements.length} ${statements.length === 1 ? 'statement' : 'statements'}`;
  if (!isDry) return `brought ${database} up to date: ${many}\n`;
  return `${database} is not up to date; ${many} to run:\n${statements.map((statement) => `  ${headOf(statement)}\n`).join('')}`;
}

/** The beginning of a statement, on one line. */
function headOf(statement: string): string {
  const line = statement.replace(/\s+/g, ' ');
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
