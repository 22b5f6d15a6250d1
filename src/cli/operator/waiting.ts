import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { naturalNumber } from './natural-number.ts';
import { callsFor, type OperatorOptions, operatorCommand, print } from './operator-command.ts';
import { printTable } from './print-table.ts';
import { reasonOf } from './show.ts';

interface TimerOptions extends OperatorOptions {
  readonly name?: string;
  readonly prefix?: string;
  readonly before?: string;
  readonly limit: number;
}

interface DeliveryOptions extends OperatorOptions {
  readonly endpoint?: string;
  readonly key?: string;
  readonly limit: number;
}

/** Adds `millrace timers` and `millrace deliveries`. */
export function addWaiting(program: Command, environment: Environment): void {
  operatorCommand(program, 'timers', 'the armed timers of a pipeline')
    .description('Lists the armed timers of a pipeline, earliest first.')
    .argument('<pipeline>', 'the name of a pipeline')
    .option('--name <name>', 'only timers with this name')
    .option('--prefix <text>', 'only those of keys with this prefix')
    .option('--before <time>', 'only those due before this time, such as 2026-11-21T09:00:00Z')
    .option('--limit <n>', 'how many', naturalNumber('--limit'), 20)
    .addHelpText('after', '\nExample:\n  $ millrace timers orders --name unpaid')
    .action(async (pipeline: string, options: TimerOptions) => {
      const { name, prefix, before, limit } = options;
      const path = `/pipelines/${encodeURIComponent(pipeline)}/timers`;
      const timers = await callsFor(options, environment).list(path, { name, prefix, before, limit });
      const rows = timers.map((one) => [one.dueAt, one.key, one.name, one.attempts, one.retryAt]);
      print(timers, options, () => printTable(['DUE', 'KEY', 'NAME', 'ATTEMPTS', 'RETRY'], rows));
    });
  operatorCommand(program, 'deliveries', 'the pending deliveries of a pipeline')
    .description('Lists the deliveries of a pipeline without an outcome, with the failure of the last call of each.')
    .argument('<pipeline>', 'the name of a pipeline')
    .option('--endpoint <name>', 'only those to this endpoint')
    .option('--key <key>', 'only those of this key')
    .option('--limit <n>', 'how many', naturalNumber('--limit'), 20)
    .addHelpText('after', '\nExample:\n  $ millrace deliveries orders --endpoint shop')
    .action(async (pipeline: string, options: DeliveryOptions) => {
      const { endpoint, key, limit } = options;
      const path = `/pipelines/${encodeURIComponent(pipeline)}/deliveries`;
      const deliveries = await callsFor(options, environment).list(path, { endpoint, key, limit });
      const rows = deliveries.map((one) => [one.endpoint, one.key, one.id, one.attempts, one.dueAt, reasonOf(one.lastFailure)]);
      print(deliveries, options, () => printTable(['ENDPOINT', 'KEY', 'ID', 'ATTEMPTS', 'DUE', 'LAST FAILURE'], rows));
    });
}
