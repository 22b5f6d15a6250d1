import { basename } from 'node:path';
import type { Verdict } from './trial.ts';

const heads = ['mutant', 'promise', 'caught by', 'seconds'] as const;

/** Formats the result of each mutant for a terminal. */
export function plainTable(verdicts: readonly Verdict[]): string {
  const rows = [heads, ...verdicts.map(cellsOf)];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')).join('\n');
}

/** Formats the same table for a page of the docs. */
export function markdownTable(verdicts: readonly Verdict[]): string {
  const rows = [heads, heads.map(() => '---'), ...verdicts.map(cellsOf)];
  return rows.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

function cellsOf({ mutant, failures, seconds }: Verdict): readonly string[] {
  return [mutant.name, mutant.promises.join(', '), caughtBy(failures), seconds.toFixed(1)];
}

function caughtBy([first, ...others]: Verdict['failures']): string {
  if (first === undefined) return 'nothing: it survived';
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  return `${basename(first.file)}: ${first.test}${first.isTimeOut ? ' (time-out)' : ''}${more}`;
}
