import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { callsFor, type OperatorOptions, operatorCommand, print } from './operator-command.ts';
import { printTable } from './print-table.ts';

interface Options extends OperatorOptions {
  readonly file?: string;
}

/** Adds `millrace status`. */
export function addStatus(program: Command, environment: Environment): void {
  operatorCommand(program, 'status', 'the pipelines of a server: what came in, what waits, what failed')
    .description('Lists the pipelines of a server with what came in, what is done, what waits, what is parked, and what failed.')
    .option('--file <path>', 'what lies in the file of a database, in place of a server; one may run on it')
    .addHelpText(
      'after',
      '\nExamples:\n  $ millrace status\n  $ millrace status --url https://mill.example.com --json\n  $ millrace status --file ./data/millrace.db',
    )
    .action(async (options: Options) => {
      if (options.file !== undefined) return statusOfFile(options.file, options);
      const { items } = await callsFor(options, environment).get('/pipelines');
      const pipelines = items as readonly Readonly<Record<string, unknown>>[];
      print(pipelines, options, () =>
        printTable(
          ['PIPELINE', 'RECEIVED', 'PROCESSED', 'FAILED', 'DEPTH', 'PARKED', 'DEAD LETTERS'],
          pipelines.map((one) => [one.name, one.received, one.processed, one.failed, one.depth, one.parked, one.deadLetters]),
        ),
      );
    });
}

async function statusOfFile(file: string, options: OperatorOptions): Promise<void> {
  const [{ inventoryOfFile }, { inventoryTable }] = await Promise.all([
    import('../../store/sqlite/inventory-of-file.ts'),
    import('../store/inventory-table.ts'),
  ]);
  const stored = inventoryOfFile(file, { uncounted: [], named: [] });
  process.stdout.write(options.json ? `${JSON.stringify(stored, null, 2)}\n` : inventoryTable(stored));
}
