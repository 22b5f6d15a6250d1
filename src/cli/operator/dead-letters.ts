import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { filterOf, type LetterFilter, withLetterFilter } from './letter-filter.ts';
import { naturalNumber } from './natural-number.ts';
import { type DeskOptions, deskFor, operatorCommand, print, withFile } from './operator-command.ts';
import { printTable } from './print-table.ts';

interface Options extends DeskOptions, LetterFilter {
  readonly groups?: true;
  readonly limit: number;
}

const waysToMore = 'a higher --limit, --pipeline or --kind lists them';

/** Adds `millrace dead-letters`. */
export function addDeadLetters(program: Command, environment: Environment): void {
  withLetterFilter(withFile(operatorCommand(program, 'dead-letters', 'permanent failures, one by one or in groups'), 'looks'))
    .description('Lists permanent failures in order, or groups of similar ones. With an id, shows that dead letter and its stack.')
    .argument('[id]', 'the id of a dead letter')
    .option('--groups', 'by pipeline, kind and similar reasons, largest groups first')
    .option('--limit <n>', 'how many', naturalNumber('--limit'), 20)
    .addHelpText(
      'after',
      '\nExamples:\n  $ millrace dead-letters --groups\n  $ millrace dead-letters --pipeline orders --like "answered 503"\n  $ millrace dead-letters 01939f8e-4c1f-7d0e-8a44-0f6f7b0d8c55',
    )
    .action(async (id: string | undefined, options: Options) => {
      const desk = await deskFor(options, environment);
      if (id !== undefined) {
        const letter = await desk.deadLetter(id);
        const { stack, ...others } = letter;
        return print(letter, options, () => `${JSON.stringify(others, null, 2)}\n${stack === null ? '' : `\n${stack}\n`}`);
      }
      if (options.groups) {
        const { pipeline, kind, limit } = options;
        const { items, hasMore } = await desk.deadLetterGroups({ pipeline, kind, limit });
        const rows = items.map((one) => [one.count, one.pipeline, one.kind, one.first, one.last, one.reason]);
        print(items, options, () => printTable(['COUNT', 'PIPELINE', 'KIND', 'FIRST', 'LAST', 'REASON'], rows));
        if (hasMore) process.stderr.write(`millrace: there are more groups, with fewer dead letters each; ${waysToMore}\n`);
        return;
      }
      const letters = await desk.deadLetters({ ...filterOf(options), limit: options.limit });
      const rows = letters.map((one) => [one.id, one.failedAt, one.pipeline, one.kind, one.key, one.attempts, one.reason]);
      return print(letters, options, () => printTable(['ID', 'FAILED', 'PIPELINE', 'KIND', 'KEY', 'ATTEMPTS', 'REASON'], rows));
    });
}
