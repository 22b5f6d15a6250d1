/** Prints a table for people, with titles; numbers are right-aligned. */
export function printTable(titles: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const texts = rows.map((row) => row.map(textOf));
  const widths = titles.map((title, at) => Math.max(title.length, ...texts.map((row) => row[at]?.length ?? 0)));
  const isNumber = titles.map((_, at) => rows.length > 0 && rows.every((row) => typeof row[at] === 'number'));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (isNumber[at] === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${[line(titles), ...texts.map(line)].join('\n')}\n`;
}

/** Returns a value for a table cell: texts from a user's program may contain any characters. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'number') return value.toLocaleString('en');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they would move the cursor of a terminal
  return String(value).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
