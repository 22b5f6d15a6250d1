import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { callsFor, type OperatorOptions, operatorCommand, print } from './operator-command.ts';
import { printTable } from './print-table.ts';

interface Options extends OperatorOptions {
  readonly file?: string;
}

/** Adds `millrace status`. */
export function addStatus(program: Command, environment: Environment): void {
  operatorCommand(program, 'status', 'the pipelines of a server: received, waiting and failed events')
    .description('Lists the pipelines of a server with their received, processed, waiting, parked and failed events.')
    .option('--file <path>', 'database file to use instead of a server; a server may be running on it')
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
