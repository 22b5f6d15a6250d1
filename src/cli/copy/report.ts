import type { Copied, CopiedPipeline } from '../../store/copy/copy-store.ts';

interface Copy {
  readonly from: string;
  readonly to: string;
  readonly durationMs: number;
}

/** Describes a copy's contents for people. */
export function describeCopy({ pipelines, tables, inbox, leftOut }: Copied, { from, to, durationMs }: Copy): string {
  const head = `copied ${from} to ${to} in ${(durationMs / 1_000).toFixed(1)} s, counts and checksums match\n`;
  const parts = [
    table([columns.map(([title]) => title), ...pipelines.map((pipeline) => columns.map(([, cell]) => cell(pipeline)))]),
    ...(tables.length > 0 ? [table([['TABLE', 'ROWS'], ...tables.map(({ table: name, rows }) => [name, shown(rows)])])] : []),
    ...(inbox > 0 ? [`rows of the inbox: ${shown(inbox)}\n`] : []),
    ...(leftOut.length > 0 ? [`not copied, because undeclared: ${leftOut.join(', ')}\n`] : []),
  ];
  return [head, ...parts].join('\n');
}

const shown = (count: number) => count.toLocaleString('en');

const columns: readonly (readonly [title: string, cell: (pipeline: CopiedPipeline) => string])[] = [
  ['PIPELINE', ({ pipeline }) => pipeline],
  ['EVENTS', ({ events }) => shown(events)],
  ['HELD', ({ held }) => shown(held)],
  ['KEYS', ({ keys }) => shown(keys)],
  ['GAPS', ({ gaps }) => shown(gaps)],
  ['TIMERS', ({ timers }) => shown(timers)],
  ['OUTCOMES', ({ outcomes }) => shown(outcomes)],
  ['DELIVERIES', ({ deliveries }) => shown(deliveries)],
  ['DEAD LETTERS', ({ deadLetters }) => shown(deadLetters)],
  ['IDS', ({ ids }) => shown(ids)],
];

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return `${rows.map(line).join('\n')}\n`;
}
