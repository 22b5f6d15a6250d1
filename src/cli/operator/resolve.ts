import type { Command } from 'commander';
import type { Environment } from '../../configuration/setting.ts';
import { UsageError } from '../usage-error.ts';
import { filterOf, type LetterFilter, withLetterFilter } from './letter-filter.ts';
import { naturalNumber } from './natural-number.ts';
import { type ActOptions, deskFor, operatorCommand, print, withFile, withReason } from './operator-command.ts';
import type { Item } from './server-calls.ts';

interface Options extends ActOptions, LetterFilter {
  readonly dryRun?: true;
  readonly startAfter?: number;
}

const verbs = {
  redrive: { summary: 'retry dead letters', does: 'Retries dead letters', done: 'redriven' },
  discard: { summary: 'drop dead letters', does: 'Drops dead letters permanently', done: 'discarded' },
} as const;

/** Adds `millrace redrive` or `millrace discard`. */
export function addResolve(program: Command, environment: Environment, verb: keyof typeof verbs): void {
  const { summary, does, done } = verbs[verb];
  withReason(withLetterFilter(withFile(operatorCommand(program, verb, summary), 'acts')))
    .description(
      `${does}. Dead letters named by id are resolved at once. A filter starts a background operation, which begins after a delay and survives crashes. With --file, both wait for the next server that starts on the file.`,
    )
    .argument('[id...]', 'the ids of dead letters, instead of a filter')
    .option('--dry-run', 'change nothing; print the number of matches')
    .option(
      '--start-after <milliseconds>',
      'delay before the operation begins; it can be undone until then (default: 5000)',
      naturalNumber('--start-after'),
    )
    .addHelpText(
      'after',
      `\nExamples:\n  $ millrace ${verb} --pipeline orders --kind delivery --dry-run\n  $ millrace ${verb} 01939f8e-4c1f-7d0e-8a44-0f6f7b0d8c55 --reason "fixed"`,
    )
    .action(async (ids: readonly string[], options: Options) => {
      const filter = filterOf(options);
      if (ids.length > 0 === Object.keys(filter).length > 0)
        throw new UsageError('expected either ids or options that select dead letters');
      if (ids.length === 0 && options.pipeline === undefined) throw new UsageError('expected --pipeline: an operation covers one pipeline');
      const { dryRun, startAfter, reason } = options;
      const asked = ids.length > 0 ? { ids } : { filter, ...(startAfter !== undefined && { startAfterMs: startAfter }) };
      const body = { ...asked, ...(dryRun && { dryRun }), ...(reason !== undefined && { reason }) };
      const answer = await (await deskFor(options, environment)).resolve(verb, body);
      print(answer, options, () => describe(answer, done));
    });
}

function describe({ matched, operation, operations, ...counts }: Item, done: string): string {
  if (Array.isArray(operations)) {
    const begun = operations.map(({ id, pipeline }) => `  operation ${id} on ${pipeline}\n`).join('');
    return `${matched} matched, to be ${done} by the next server that starts on the file:\n${begun}`;
  }
  if (operation === undefined && counts[done] === undefined) return `${matched} matched\n`;
  if (operation === undefined) return `${matched} matched, ${counts[done]} ${done}\n`;
  const { id, startsAt } = Object(operation);
  return `${matched} matched. Operation ${id} begins at ${startsAt}.\nUndo it before then, or check its progress:\n  millrace operations ${id} --undo\n  millrace operations ${id}\n`;
}
