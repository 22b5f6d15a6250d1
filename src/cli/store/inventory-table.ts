import type { NamedCount, StoredPipeline } from '../../store/store.ts';

const columns = ['PIPELINE', 'INBOX', 'WAITING', 'STATES', 'TIMERS', 'DELIVERIES', 'OUTCOMES', 'DEAD LETTERS'] as const;

/** Returns a table for people: a line of counts for each pipeline, with the names behind them below. */
export function inventoryTable(stored: readonly StoredPipeline[]): string {
  const rows = stored.map((one) => [one.pipeline, ...countsOf(one).map((count) => count.toLocaleString('en'))]);
  const widths = columns.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  const lines = stored.flatMap((one, at) => [line(rows[at] ?? []), ...namesOf(one)]);
  return `${[line(columns), ...lines].join('\n')}\n`;
}

function countsOf({ inbox, waiting, states, timers, deliveries, outcomes, deadLetters }: StoredPipeline): readonly number[] {
  return [inbox, waiting, states ?? 0, sumOf(timers), sumOf(deliveries), sumOf(outcomes), deadLetters];
}

function namesOf({ keys, timers, deliveries, outcomes }: StoredPipeline): readonly string[] {
  const named = { keys: keys.join(', '), timers: listOf(timers), deliveries: listOf(deliveries), outcomes: listOf(outcomes) };
  return Object.entries(named).flatMap(([what, names]) => (names === '' ? [] : [`  ${what}: ${names}`]));
}

function listOf(counts: readonly NamedCount[]): string {
  return counts.map(({ name, count }) => `${name} ${count.toLocaleString('en')}`).join(', ');
}

function sumOf(counts: readonly NamedCount[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}
