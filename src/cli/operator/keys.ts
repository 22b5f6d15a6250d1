import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { naturalNumber } from './natural-number.ts';
import { type DeskOptions, deskFor, operatorCommand, print, withFile } from './operator-command.ts';
import { printTable } from './print-table.ts';

interface Options extends DeskOptions {
  readonly status?: string;
  readonly prefix?: string;
  readonly limit: number;
}

/** Adds `millrace keys`. */
export function addKeys(program: Command, environment: Environment): void {
  withFile(operatorCommand(program, 'keys', 'the keys of a pipeline'), 'looks')
    .description('Lists the keys of a pipeline, in byte order.')
    .argument('<pipeline>', 'the name of a pipeline')
    .option('--status <status>', 'only open, waiting, blocked or parked keys')
    .option('--prefix <text>', 'only keys with this prefix')
    .option('--limit <n>', 'how many', naturalNumber('--limit'), 20)
    .addHelpText(
      'after',
      '\nExamples:\n  $ millrace keys orders --status parked\n  $ millrace keys orders --prefix ord_ --limit 500 --json',
    )
    .action(async (pipeline: string, options: Options) => {
      const { status, prefix, limit } = options;
      const keys = await (await deskFor(options, environment)).keys(pipeline, { status, prefix, limit });
      print(keys, options, () =>
        printTable(
          ['KEY', 'STATUS', 'PENDING', 'NEXT', 'LAST HANDLED'],
          keys.map((key) => [key.key, key.status, key.pending, key.next, Object(key.lastHandled).number]),
        ),
      );
    });
}
