import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { naturalNumber } from './natural-number.ts';
import { callsFor, type OperatorOptions, operatorCommand, print } from './operator-command.ts';
import { printTable } from './print-table.ts';

interface Options extends OperatorOptions {
  readonly pipeline?: string;
  readonly limit: number;
}

/** Adds `millrace schedules`. */
export function addSchedules(program: Command, environment: Environment): void {
  operatorCommand(program, 'schedules', 'the schedules of pipelines, and when their next runs are due')
    .description('Lists the schedules of all pipelines, with their last and next runs.')
    .option('--pipeline <name>', 'only the schedule of a pipeline')
    .option('--limit <n>', 'how many', naturalNumber('--limit'), 20)
    .addHelpText('after', '\nExamples:\n  $ millrace schedules\n  $ millrace schedules --json')
    .action(async (options: Options) => {
      const { pipeline, limit } = options;
      const schedules = await callsFor(options, environment).list('/schedules', { pipeline, limit });
      const rows = schedules.map((one) => [
        one.pipeline,
        one.status,
        one.isAtWork ? 'yes' : 'no',
        one.lastRunAt,
        one.nextRunAt,
        one.lastFailure,
      ]);
      print(schedules, options, () => printTable(['PIPELINE', 'STATUS', 'AT WORK', 'LAST RUN', 'NEXT RUN', 'LAST FAILURE'], rows));
    });
}
