import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { UsageError } from '../usage-error.ts';
import { naturalNumber } from './natural-number.ts';
import { type ActOptions, callsFor, operatorCommand, print, withReason } from './operator-command.ts';
import { printTable } from './print-table.ts';
import type { Item } from './server-calls.ts';

interface Options extends ActOptions {
  readonly undo?: true;
  readonly stop?: true;
  readonly pipeline?: string;
  readonly limit: number;
}

/** Adds `millrace operations`. */
export function addOperations(program: Command, environment: Environment): void {
  withReason(operatorCommand(program, 'operations', 'progress of redrives and discards of many dead letters'))
    .description(
      'Lists operations on dead letters, latest first, or shows one. An operation can be undone before it begins, and stopped while it runs.',
    )
    .argument('[id]', 'the id of an operation')
    .option('--undo', 'cancel it before it begins')
    .option('--stop', 'stop it; completed work stays')
    .option('--pipeline <name>', 'only those on dead letters of this pipeline')
    .option('--limit <n>', 'how many', naturalNumber('--limit'), 20)
    .addHelpText('after', '\nExamples:\n  $ millrace operations\n  $ millrace operations 01939f8e-4c1f-7d0e-8a44-0f6f7b0d8c55 --undo')
    .action(async (id: string | undefined, options: Options) => {
      const { undo, stop, reason, pipeline, limit } = options;
      if ((undo ?? stop) !== undefined && (id === undefined || (undo && stop)))
        throw new UsageError('expected the id of an operation with either --undo or --stop');
      const calls = callsFor(options, environment);
      if (id === undefined) {
        const found = await calls.list('/operations', { pipeline, limit });
        return print(found, options, () => tableOf(found));
      }
      const path = `/operations/${encodeURIComponent(id)}`;
      const why = reason === undefined ? {} : { reason };
      const act = undo ? 'undo' : 'stop';
      const found = (undo ?? stop) === undefined ? await calls.get(path) : await calls.post(`${path}/${act}`, why);
      return print(found, options, () => tableOf([found]));
    });
}

function tableOf(operations: readonly Item[]): string {
  return printTable(
    ['ID', 'ACTION', 'PIPELINE', 'STATE', 'STARTS', 'MATCHED', 'DONE', 'REFUSED', 'FAILED AGAIN', 'LEFT', 'WHO'],
    operations.map((one) => [
      ...[one.id, one.action, Object(one.filter).pipeline, one.state, one.startsAt],
      ...[one.matched, one.done, one.refused, one.failedAgain, one.left, one.who],
    ]),
  );
}
