import type { Command } from 'commander';

/** The filter of dead letters, as typed. */
export interface LetterFilter {
  readonly pipeline?: string;
  readonly kind?: string;
  readonly key?: string;
  readonly like?: string;
  readonly from?: string;
  readonly to?: string;
}

/** Adds the options that select dead letters. */
export function withLetterFilter(command: Command): Command {
  return command
    .option('--pipeline <name>', 'only those of this pipeline')
    .option('--kind <kind>', 'only those of this kind: event, timer, outcome, delivery, gap, origin or rejected')
    .option('--key <key>', 'only those of this key')
    .option('--like <reason>', 'only those with a similar reason, ignoring numbers, ids and quoted names')
    .option('--from <time>', 'only those that failed at or after this time, such as 2026-11-21T09:00:00Z')
    .option('--to <time>', 'only those that failed before this time');
}

/** Returns the filter in the server's form. */
export function filterOf({ pipeline, kind, key, like, from, to }: LetterFilter) {
  const given = { pipeline, kind, key, reason: like, from, to };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
